# SPDX-License-Identifier: MIT

# In a container libmemstate is beside it, wherever that has its libraries.
# sysrules, maps and rules hold no state: the books are in the one libmemstate.
OBSERVE_SRCS := $(patsubst $(TOP)/%,%,$(sort $(wildcard $(TOP)/userspace/observe/*.c))) \
		userspace/lib/sysrules.c userspace/lib/maps.c kmod/core/rules.c
OBSERVE_OBJS := $(OBSERVE_SRCS:%.c=$(O)/obj/%.o)
OBSERVE_SO := $(O)/libmemstate-observe.so
OBJS += $(OBSERVE_OBJS)
ALL += $(OBSERVE_SO)

$(OBSERVE_SO): $(OBSERVE_OBJS) $(LIB_SO)
	@[ "$(V)" = 1 ] || echo "  LD      $(@F)"
	$(Q)$(CC) -shared -Wl,-soname,libmemstate-observe.so -Wl,-z,defs -Wl,-z,now \
		-Wl,-rpath,'$$ORIGIN' $(CFLAGS) $(MS_LDFLAGS) -o $@ \
		$(OBSERVE_OBJS) -L$(O) -lmemstate

install::
	$(Q)install -D -m 644 $(OBSERVE_SO) $(DESTDIR)$(PRELOADDIR)/libmemstate-observe.so
	$(Q)install -D -m 644 $(TOP)/userspace/observe/memstate-observe.7 \
		$(DESTDIR)$(MANDIR)/man7/memstate-observe.7

uninstall::
	$(Q)rm -f $(DESTDIR)$(PRELOADDIR)/libmemstate-observe.so \
		$(DESTDIR)$(MANDIR)/man7/memstate-observe.7
