/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/memstate */
#ifndef MS_DEVICE_H
#define MS_DEVICE_H

struct kobject;

int ms_device_register(void);
void ms_device_begin(void);
void ms_device_unregister(void);
struct kobject *ms_device_kobj(void);

#endif /* MS_DEVICE_H */
