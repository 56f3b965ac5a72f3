# SPDX-License-Identifier: MIT

CLI_SRCS := $(addprefix userspace/cli/,audit.c cgroup.c cgroup_dirs.c figures.c files.c handle.c limit.c main.c out.c \
		ranges.c replay.c replay_books.c replay_parse.c run.c scan.c \
		stat.c stat_group.c top.c top_data.c watch.c) \
	    userspace/lib/cgroupfs.c userspace/lib/rangemap.c userspace/lib/sysrules.c userspace/lib/maps.c \
	    kmod/core/rules.c
CLI_OBJS := $(CLI_SRCS:%.c=$(O)/obj/%.o)
CLI_BIN := $(O)/memstate
CLI_MAN := $(wildcard $(TOP)/userspace/cli/man/*.1)
OBJS += $(CLI_OBJS)
ALL += $(CLI_BIN)

$(O)/obj/userspace/cli/%.o: MS_CPPFLAGS += -DMS_LIBDIR='"$(LIBDIR)"'

$(CLI_BIN): $(CLI_OBJS) $(LIB_SO)
	@[ "$(V)" = 1 ] || echo "  LD      $(@F)"
	$(Q)$(CC) $(CFLAGS) $(MS_LDFLAGS) -Wl,-rpath,'$$ORIGIN:$$ORIGIN/../lib:$(LIBDIR)' -o $@ \
		$(CLI_OBJS) -L$(O) -lmemstate -ljson-c -lz -lncursesw -ltinfo

COMPLETIONS := $(PREFIX)/share/bash-completion/completions

install::
	$(Q)install -D -m 755 $(CLI_BIN) $(DESTDIR)$(PREFIX)/bin/memstate
	$(Q)install -D -m 644 $(TOP)/packaging/memstate.bash $(DESTDIR)$(COMPLETIONS)/memstate
	$(Q)for m in $(CLI_MAN); do \
		install -D -m 644 $$m $(DESTDIR)$(MANDIR)/man1/$${m##*/} || exit 1; done

uninstall::
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/memstate $(DESTDIR)$(COMPLETIONS)/memstate \
		$(patsubst %,$(DESTDIR)$(MANDIR)/man1/%,$(notdir $(CLI_MAN)))
