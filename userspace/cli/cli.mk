# SPDX-License-Identifier: MIT

# All but the server of memstate export, which is a program of its own.
EXPORT_HTTP := $(addprefix userspace/cli/export/,connections.c http.c server.c snapshot.c)
CLI_SRCS := $(patsubst $(TOP)/%,%,$(filter-out $(addprefix %/,$(EXPORT_HTTP)), \
		$(sort $(wildcard $(TOP)/userspace/cli/*.c $(TOP)/userspace/cli/*/*.c)))) \
	    userspace/lib/cgroupfs.c userspace/lib/knobs.c userspace/lib/rangemap.c userspace/lib/sysrules.c userspace/lib/maps.c userspace/lib/names.c \
	    kmod/core/rules.c
CLI_OBJS := $(CLI_SRCS:%.c=$(O)/obj/%.o)
CLI_BIN := $(O)/memstate
CLI_MAN := $(wildcard $(TOP)/userspace/cli/man/*.1)
OBJS += $(CLI_OBJS)
ALL += $(CLI_BIN)

# The server of memstate export, apart for the libraries that HTTP brings along.
EXPORT_SRCS := $(EXPORT_HTTP) \
	       $(addprefix userspace/cli/export/,data.c export.c families.c ids.c text.c values.c) \
	       $(addprefix userspace/cli/,args.c cgroup_dirs.c files.c out.c refusal.c) \
	       userspace/lib/cgroupfs.c userspace/lib/names.c kmod/core/rules.c
EXPORT_OBJS := $(EXPORT_SRCS:%.c=$(O)/obj/%.o)
EXPORT_BIN := $(O)/memstate-export-http
EXPORT_DIR := $(PREFIX)/libexec/memstate
EXPORT_RULES := $(TOP)/packaging/prometheus/memstate.rules.yml
EXPORT_DASHBOARD := $(TOP)/packaging/grafana/memstate.json
EXPORT_UNITS := $(addprefix $(TOP)/packaging/systemd/,memstate-export.service \
		memstate-textfile.service memstate-textfile.timer)
SYSTEMDUNITDIR ?= $(PREFIX)/lib/systemd/system
OBJS += $(EXPORT_OBJS)
ALL += $(EXPORT_BIN)

$(O)/obj/userspace/cli/%.o: MS_CPPFLAGS += -I$(TOP)/userspace/cli -DMS_LIBDIR='"$(LIBDIR)"' \
	-DMS_LIBEXECDIR='"$(EXPORT_DIR)"' \
	-DMS_PRELOADDIR='"$(PRELOADDIR)"' -DMS_PHPDIR='"$(PHPDIR)"'

$(CLI_BIN): $(CLI_OBJS) $(LIB_SO)
	@[ "$(V)" = 1 ] || echo "  LD      $(@F)"
	$(Q)$(CC) $(CFLAGS) $(MS_LDFLAGS) $(call ms_rpath,$$ORIGIN:$$ORIGIN/../lib:$(LIBDIR)) -o $@ \
		$(CLI_OBJS) -L$(O) -lmemstate -ljson-c -lz -lncursesw -ltinfo -lm

$(EXPORT_BIN): $(EXPORT_OBJS) $(LIB_SO)
	@[ "$(V)" = 1 ] || echo "  LD      $(@F)"
	$(Q)$(CC) $(CFLAGS) $(MS_LDFLAGS) $(call ms_rpath,$$ORIGIN:$$ORIGIN/../../lib:$(LIBDIR)) -o $@ \
		$(EXPORT_OBJS) -L$(O) -lmemstate -lmicrohttpd

# PHP's settings that come from the environment, see adapt/knobs.c.
PHPDIR := $(PREFIX)/share/memstate/php

COMPLETIONS := $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR := $(PREFIX)/share/fish/vendor_completions.d

install::
	$(Q)install -D -m 755 $(CLI_BIN) $(DESTDIR)$(PREFIX)/bin/memstate
	$(Q)install -D -m 644 $(TOP)/packaging/memstate.bash $(DESTDIR)$(COMPLETIONS)/memstate
	$(Q)install -D -m 755 $(EXPORT_BIN) $(DESTDIR)$(EXPORT_DIR)/memstate-export-http
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/memstate/prometheus $(EXPORT_RULES)
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/memstate/grafana $(EXPORT_DASHBOARD)
	$(Q)mkdir -p $(DESTDIR)$(SYSTEMDUNITDIR)
	$(Q)for u in $(EXPORT_UNITS); do \
		sed 's|@BINDIR@|$(PREFIX)/bin|' $$u > $(DESTDIR)$(SYSTEMDUNITDIR)/$${u##*/} && \
		chmod 644 $(DESTDIR)$(SYSTEMDUNITDIR)/$${u##*/} || exit 1; done
	$(Q)install -D -m 644 $(TOP)/packaging/memstate.zsh $(DESTDIR)$(ZSHDIR)/_memstate
	$(Q)install -D -m 644 $(TOP)/packaging/memstate.fish $(DESTDIR)$(FISHDIR)/memstate.fish
	$(Q)install -D -m 644 -t $(DESTDIR)$(PHPDIR) $(TOP)/packaging/php/memstate.ini
	$(Q)for m in $(CLI_MAN); do \
		install -D -m 644 $$m $(DESTDIR)$(MANDIR)/man1/$${m##*/} || exit 1; done

uninstall::
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/memstate $(DESTDIR)$(COMPLETIONS)/memstate \
		$(DESTDIR)$(ZSHDIR)/_memstate $(DESTDIR)$(FISHDIR)/memstate.fish \
		$(patsubst %,$(DESTDIR)$(MANDIR)/man1/%,$(notdir $(CLI_MAN))) \
		$(patsubst %,$(DESTDIR)$(SYSTEMDUNITDIR)/%,$(notdir $(EXPORT_UNITS))) \
		$(DESTDIR)$(EXPORT_DIR)/memstate-export-http \
		$(DESTDIR)$(PREFIX)/share/memstate/prometheus/memstate.rules.yml \
		$(DESTDIR)$(PREFIX)/share/memstate/grafana/memstate.json \
		$(DESTDIR)$(PHPDIR)/memstate.ini
	$(Q)rmdir $(addprefix $(DESTDIR),$(EXPORT_DIR) $(PHPDIR) $(PREFIX)/share/memstate/prometheus \
		$(PREFIX)/share/memstate/grafana $(PREFIX)/share/memstate) 2>/dev/null || :
