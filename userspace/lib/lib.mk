# SPDX-License-Identifier: MIT

# cgroupfs.c, knobs.c and names.c are the tools' alone.
LIB_SRCS := $(patsubst $(TOP)/%,%,$(filter-out %/cgroupfs.c %/knobs.c %/names.c, \
		$(sort $(wildcard $(TOP)/userspace/lib/*.c)))) kmod/core/fold.c kmod/core/rules.c
LIB_OBJS := $(LIB_SRCS:%.c=$(O)/obj/%.o)
LIB_A := $(O)/libmemstate.a
LIB_SO := $(O)/libmemstate.so.$(VERSION)
OBJS += $(LIB_OBJS)
ALL += $(LIB_A) $(LIB_SO) $(O)/memstate.pc

LIB_MAN := $(wildcard $(TOP)/userspace/lib/man/*.3)

$(LIB_A): $(LIB_OBJS)
	@[ "$(V)" = 1 ] || echo "  AR      $(@F)"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The books, the device and handlers of fork outlive a dlclose().
$(LIB_SO): $(LIB_OBJS) $(TOP)/userspace/lib/memstate.map
	@[ "$(V)" = 1 ] || echo "  LD      $(@F)"
	$(Q)$(CC) -shared -Wl,-soname,libmemstate.so.0 -Wl,-z,defs -Wl,-z,now \
		-Wl,-z,nodelete -Wl,--version-script=$(TOP)/userspace/lib/memstate.map \
		$(CFLAGS) $(MS_LDFLAGS) -o $@ $(LIB_OBJS)
	$(Q)ln -sf $(@F) $(O)/libmemstate.so.0
	$(Q)ln -sf libmemstate.so.0 $(O)/libmemstate.so

$(O)/memstate.pc: $(TOP)/userspace/lib/memstate.pc.in
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' $< > $@

install::
	$(Q)install -D -m 644 $(TOP)/userspace/include/memstate.h \
		$(DESTDIR)$(PREFIX)/include/memstate.h
	$(Q)install -D -m 644 $(TOP)/include/uapi/linux/memstate.h \
		$(DESTDIR)$(PREFIX)/include/linux/memstate.h
	$(Q)install -D -m 644 $(LIB_A) $(DESTDIR)$(LIBDIR)/libmemstate.a
	$(Q)install -D -m 644 $(LIB_SO) $(DESTDIR)$(LIBDIR)/libmemstate.so.$(VERSION)
	$(Q)ln -sf libmemstate.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libmemstate.so.0
	$(Q)ln -sf libmemstate.so.0 $(DESTDIR)$(LIBDIR)/libmemstate.so
	$(Q)mkdir -p $(DESTDIR)$(LIBDIR)/pkgconfig
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' $(TOP)/userspace/lib/memstate.pc.in \
		> $(DESTDIR)$(LIBDIR)/pkgconfig/memstate.pc
	$(Q)$(call man3,$(LIB_MAN))

uninstall::
	$(Q)$(call man3_rm,$(LIB_MAN))
	$(Q)rm -f $(DESTDIR)$(PREFIX)/include/memstate.h \
		$(DESTDIR)$(PREFIX)/include/linux/memstate.h \
		$(DESTDIR)$(LIBDIR)/libmemstate.a $(DESTDIR)$(LIBDIR)/libmemstate.so \
		$(DESTDIR)$(LIBDIR)/libmemstate.so.0 \
		$(DESTDIR)$(LIBDIR)/libmemstate.so.$(VERSION) \
		$(DESTDIR)$(LIBDIR)/pkgconfig/memstate.pc
