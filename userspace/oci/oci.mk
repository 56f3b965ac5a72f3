# SPDX-License-Identifier: MIT

OCI_SRCS := $(addprefix userspace/oci/,adapt.c cgroup.c limits.c memstate-oci-hook.c state.c) \
	    userspace/lib/cgroupfs.c userspace/lib/knobs.c userspace/lib/names.c
OCI_OBJS := $(OCI_SRCS:%.c=$(O)/obj/%.o)
OCI_BIN := $(O)/memstate-oci-hook
OCI_SBIN := $(PREFIX)/sbin
# Where tools find what describes a device; to be linked to from /etc/cdi.
OCI_CDI := $(PREFIX)/share/memstate/cdi
# Where podman and CRI-O look for hooks, if PREFIX is /usr.
OCI_HOOKS := $(PREFIX)/share/containers/oci/hooks.d
OBJS += $(OCI_OBJS)
ALL += $(OCI_BIN) $(O)/memstate-cdi.json $(O)/memstate-hook.json $(O)/memstate-adapt.json

# What "$LIB" is to a loader of Debian's; others have lib64 or lib.
OCI_MULTIARCH := $(or $(shell $(CC) -print-multiarch 2>/dev/null),$(shell $(CC) -dumpmachine))

# JSON has no comments: those of the templates are dropped.
OCI_JSON := sed -e '/^\#/d' -e 's|@HOOK@|$(OCI_SBIN)/memstate-oci-hook|' \
		-e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@MULTIARCH@|$(OCI_MULTIARCH)|' \
		-e 's|@PRELOADDIR@|$(PRELOADDIR)|'

$(OCI_BIN): $(OCI_OBJS) $(LIB_SO)
	@[ "$(V)" = 1 ] || echo "  LD      $(@F)"
	$(Q)$(CC) $(CFLAGS) $(MS_LDFLAGS) $(call ms_rpath,$$ORIGIN:$$ORIGIN/../lib:$(LIBDIR)) -o $@ \
		$(OCI_OBJS) -L$(O) -lmemstate -ljson-c

$(O)/memstate-%.json: $(TOP)/userspace/oci/memstate-%.json.in
	@mkdir -p $(@D)
	$(Q)$(OCI_JSON) $< > $@

install::
	$(Q)install -D -m 755 $(OCI_BIN) $(DESTDIR)$(OCI_SBIN)/memstate-oci-hook
	$(Q)install -D -m 644 $(TOP)/userspace/oci/memstate-oci-hook.8 \
		$(DESTDIR)$(MANDIR)/man8/memstate-oci-hook.8
	$(Q)mkdir -p $(DESTDIR)$(OCI_CDI) $(DESTDIR)$(OCI_HOOKS)
	$(Q)$(OCI_JSON) $(TOP)/userspace/oci/memstate-cdi.json.in \
		> $(DESTDIR)$(OCI_CDI)/memstate.json
	$(Q)$(OCI_JSON) $(TOP)/userspace/oci/memstate-hook.json.in \
		> $(DESTDIR)$(OCI_HOOKS)/memstate-oci-hook.json
	$(Q)$(OCI_JSON) $(TOP)/userspace/oci/memstate-adapt.json.in \
		> $(DESTDIR)$(OCI_HOOKS)/memstate-oci-adapt.json

uninstall::
	$(Q)rm -f $(DESTDIR)$(OCI_SBIN)/memstate-oci-hook \
		$(DESTDIR)$(MANDIR)/man8/memstate-oci-hook.8 \
		$(DESTDIR)$(OCI_CDI)/memstate.json \
		$(DESTDIR)$(OCI_HOOKS)/memstate-oci-hook.json \
		$(DESTDIR)$(OCI_HOOKS)/memstate-oci-adapt.json
	$(Q)rmdir $(DESTDIR)$(OCI_CDI) $(DESTDIR)$(PREFIX)/share/memstate 2>/dev/null || :
