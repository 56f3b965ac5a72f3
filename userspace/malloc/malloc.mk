# SPDX-License-Identifier: MIT

MALLOC_SRCS := $(patsubst $(TOP)/%,%,$(sort $(wildcard $(TOP)/userspace/malloc/*.c))) userspace/lib/lock.c
MALLOC_OBJS := $(MALLOC_SRCS:%.c=$(O)/obj/%.o)
MALLOC_SO := $(O)/libmemstate-malloc.so.$(VERSION)
MALLOC_MAN := $(TOP)/userspace/malloc/libmemstate-malloc.3
OBJS += $(MALLOC_OBJS)
MALLOC_A := $(O)/libmemstate-malloc.a
MALLOC_HARD_OBJS := $(MALLOC_SRCS:%.c=$(O)/obj-hardened/%.o)
MALLOC_HARD_SO := $(O)/libmemstate-malloc-hardened.so
OBJS += $(MALLOC_HARD_OBJS)
ALL += $(MALLOC_SO) $(MALLOC_A) $(MALLOC_HARD_SO)

# Blocks are handed out here, not gone through: the compiler must not know malloc.
$(MALLOC_OBJS) $(MALLOC_HARD_OBJS): MS_CFLAGS += -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc \
	-fno-builtin-free

# What a new handler throws passes through.
$(O)/obj/userspace/malloc/new.o $(O)/obj-hardened/userspace/malloc/new.o: \
	MS_CFLAGS += -fexceptions

$(O)/obj-hardened/%.o: $(TOP)/%.c
	@mkdir -p $(@D)
	@[ "$(V)" = 1 ] || echo "  CC      $*.c (hardened)"
	$(Q)$(CC) $(MS_CPPFLAGS) -DMS_MALLOC_HARDENED $(MS_CFLAGS) $(CFLAGS) -MMD -MP \
		-c -o $@ $<
	$(Q)$(call named,$@)

# In a static program libstdc++'s own operators call malloc, and throw; and nothing is preloaded.
$(MALLOC_A): $(filter-out %/new.o %/sanitized.o,$(MALLOC_OBJS))
	@[ "$(V)" = 1 ] || echo "  AR      $(@F)"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The handlers of fork go first; what threads do when they end is here even after dlclose().
MALLOC_LDFLAGS := -Wl,-z,defs -Wl,-z,now -Wl,-z,initfirst -Wl,-z,nodelete $(call ms_rpath,$$ORIGIN)

$(MALLOC_HARD_SO): $(MALLOC_HARD_OBJS) $(LIB_SO)
	@[ "$(V)" = 1 ] || echo "  LD      $(@F)"
	$(Q)$(CC) -shared -Wl,-soname,libmemstate-malloc-hardened.so $(MALLOC_LDFLAGS) \
		$(CFLAGS) $(MS_LDFLAGS) -o $@ \
		$(MALLOC_HARD_OBJS) -L$(O) -lmemstate

$(MALLOC_SO): $(MALLOC_OBJS) $(LIB_SO)
	@[ "$(V)" = 1 ] || echo "  LD      $(@F)"
	$(Q)$(CC) -shared -Wl,-soname,libmemstate-malloc.so.0 $(MALLOC_LDFLAGS) \
		$(CFLAGS) $(MS_LDFLAGS) -o $@ \
		$(MALLOC_OBJS) -L$(O) -lmemstate
	$(Q)ln -sf $(@F) $(O)/libmemstate-malloc.so.0
	$(Q)ln -sf libmemstate-malloc.so.0 $(O)/libmemstate-malloc.so

install::
	$(Q)install -D -m 644 $(TOP)/userspace/include/memstate-malloc.h \
		$(DESTDIR)$(PREFIX)/include/memstate-malloc.h
	$(Q)install -D -m 644 $(MALLOC_SO) $(DESTDIR)$(LIBDIR)/libmemstate-malloc.so.$(VERSION)
	$(Q)ln -sf libmemstate-malloc.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libmemstate-malloc.so.0
	$(Q)ln -sf libmemstate-malloc.so.0 $(DESTDIR)$(LIBDIR)/libmemstate-malloc.so
	$(Q)$(call man3,$(MALLOC_MAN))
	$(Q)install -D -m 644 $(MALLOC_A) $(DESTDIR)$(LIBDIR)/libmemstate-malloc.a
	$(Q)install -D -m 644 $(MALLOC_HARD_SO) \
		$(DESTDIR)$(PRELOADDIR)/libmemstate-malloc-hardened.so

uninstall::
	$(Q)$(call man3_rm,$(MALLOC_MAN))
	$(Q)rm -f $(DESTDIR)$(PREFIX)/include/memstate-malloc.h \
		$(DESTDIR)$(LIBDIR)/libmemstate-malloc.so \
		$(DESTDIR)$(LIBDIR)/libmemstate-malloc.a \
		$(DESTDIR)$(PRELOADDIR)/libmemstate-malloc-hardened.so \
		$(DESTDIR)$(LIBDIR)/libmemstate-malloc.so.0 \
		$(DESTDIR)$(LIBDIR)/libmemstate-malloc.so.$(VERSION)
