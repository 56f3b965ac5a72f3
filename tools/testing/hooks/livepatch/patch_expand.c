// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A livepatch of a function that memstate hooks: memory may always expand. */
#include <linux/livepatch.h>
#include <linux/module.h>

struct mm_struct;

/* Flags are a number or a pointer, by the kernel; they are not looked at. */
static bool patched_may_expand_vm(struct mm_struct *mm, unsigned long flags, unsigned long npages)
{
	return true;
}

static struct klp_func funcs[] = {
	{ .old_name = "may_expand_vm", .new_func = patched_may_expand_vm },
	{}
};

static struct klp_object objects[] = { { .funcs = funcs }, {} };

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit patch_exit(void)
{
}

module_init(patch_init);
module_exit(patch_exit);

MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("A livepatch of may_expand_vm, to be in the way");
