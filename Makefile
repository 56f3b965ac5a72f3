# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# make help lists what there is. KDIR is the kernel to build for, DESTDIR and
# PREFIX say where install puts things, V=1 shows the commands.

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
DESTDIR ?=
UDEVDIR ?= /lib/udev/rules.d
MANDIR ?= $(PREFIX)/share/man
V ?= 0

TOP := $(CURDIR)
T := tools/testing
VERSION := 0.1.0
export PREFIX DESTDIR V

# What the module needs beside itself: the device's permissions, and pages for device and sysfs
install-module-files = install -D -m 644 packaging/60-memstate.rules \
		"$(DESTDIR)$(UDEVDIR)/60-memstate.rules"; \
	for page in Documentation/man/*.[1-8]; do \
		install -D -m 644 $$page \
			"$(DESTDIR)$(MANDIR)/man$${page\#\#*.}/$${page\#\#*/}" || exit 1; \
	done

Q := $(if $(filter 1,$(V)),,@)

.DEFAULT_GOAL := all
.PHONY: all help modules userspace deps run test test-all test-inputs test-faults test-programs fuzz bench \
	bench-malloc clean-cache html check-static clean \
	install install-modules install-userspace install-files uninstall dkms deb abi

all: modules userspace	## module for the running kernel, libraries and tools

help:	## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		awk -F'|' '{ printf "  %-18s %s\n", $$1, $$2 }'
	@$(T)/cache.sh tell

modules:	## kmod/ for KDIR
	$(Q)if [ ! -d "$(KDIR)" ]; then \
		echo "make: no kernel headers at $(KDIR): install linux-headers-$$(uname -r) or give KDIR=" >&2; \
		exit 1; \
	fi
	$(Q)$(MAKE) $(if $(filter 1,$(V)),,-s) -C "$(KDIR)" M="$(TOP)" W=1 modules

userspace:	## libmemstate, the observe shim, memstate(1)
	$(Q)$(MAKE) -C userspace all

deps:	## install by apt what all of this needs; each target installs what it takes itself
	$(Q)$(T)/vm/deps.sh all

run:	## boot a kernel in a virtual machine and watch real programs accounted
	$(Q)$(T)/vm/deps.sh base build machine redis java node allocators plot
	$(Q)$(MAKE) userspace
	$(Q)$(T)/demo/run.sh

# What has passed with the same inputs is not run again; FRESH=1 runs it all the same.
test:	## what stands before each change: minutes
	$(Q)$(T)/vm/deps.sh base
	$(Q)$(T)/run.py quick

test-all:	## everything that must pass before a change lands: up to an hour
	$(Q)$(T)/vm/deps.sh base
	$(Q)$(T)/run.py quick all

test-inputs:	## whether suites declare all files that they read; an hour
	$(Q)$(T)/vm/deps.sh base trace
	$(Q)$(T)/run.py --trace quick all

test-faults:	## which suites find the seeded faults of tools/testing/faults; hours
	$(Q)$(T)/vm/deps.sh base
	$(Q)$(T)/faults/run.py

test-programs:	## test suites of real programs with the allocator in them (half an hour)
	$(Q)$(T)/vm/deps.sh base
	$(Q)$(T)/run.py programs

fuzz:	## fuzz the device on a debug kernel, for SECONDS (3600)
	$(Q)$(T)/vm/deps.sh base build machine debug-kernels
	$(Q)$(T)/fuzz/run.sh --seconds $(or $(SECONDS),3600)

bench:	## figures, as ratios to named peers in the same run
	$(Q)$(T)/vm/deps.sh base build machine
	$(Q)$(T)/bench/run.sh

bench-malloc: userspace	## the allocator beside its peers: time and memory
	$(Q)$(T)/vm/deps.sh build clang allocators redis sqlite
	$(Q)$(T)/bench/malloc/run.py

clean-cache:	## empty the cache of kernels, tools and results, whose place is named below
	$(Q)$(T)/cache.sh empty

html:	## the documentation as a site, in build/html
	$(Q)for need in sphinx-build:python3-sphinx mandoc:mandoc perl:perl; do \
		command -v $${need%:*} >/dev/null && continue; \
		echo "make: no $${need%:*}: install the Debian package $${need#*:}" >&2; exit 1; done
	@# -a: each page shows the titles of the others
	$(Q)sphinx-build -W -n -a --keep-going $(if $(filter 1,$(V)),,-q) -b html \
		-d build/doctrees Documentation build/html
	$(Q)echo "build/html/index.html"

check-static:	## only the static lanes
	$(Q)$(T)/vm/deps.sh base
	$(Q)$(T)/run.py static static-more

install: install-modules install-userspace	## module, libraries, tools, man pages, udev rule

install-modules:
	$(Q)$(MAKE) -C "$(KDIR)" M="$(TOP)" $(if $(DESTDIR),INSTALL_MOD_PATH="$(DESTDIR)") \
		INSTALL_MOD_DIR=updates modules_install
	$(Q)$(install-module-files)
	$(Q)if [ -z "$(DESTDIR)" ]; then depmod -a; udevadm control --reload 2>/dev/null || :; fi

install-userspace:
	$(Q)$(MAKE) -C userspace install
	$(Q)if [ -z "$(DESTDIR)" ]; then ldconfig; fi

install-files: install-userspace	## the same without the module
	$(Q)$(install-module-files)

uninstall:	## take away what install put there
	$(Q)$(MAKE) -C userspace uninstall
	$(Q)rm -f "$(DESTDIR)$(UDEVDIR)/60-memstate.rules"
	$(Q)for page in Documentation/man/*.[1-8]; do \
		rm -f "$(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}"; done
	$(Q)find "$(DESTDIR)/lib/modules" -name 'memstate.ko*' -path '*/updates/*' -delete 2>/dev/null || :
	$(Q)if [ -z "$(DESTDIR)" ]; then depmod -a; ldconfig; fi

dkms:	## install the sources for dkms, which builds them for each kernel
	$(Q)for f in Kbuild Makefile packaging/dkms.conf; do \
		install -D -m 644 $$f "$(DESTDIR)/usr/src/memstate-$(VERSION)/$${f##*/}" || exit 1; done
	$(Q)find kmod include -name '*.[ch]' -exec install -D -m 644 {} \
		"$(DESTDIR)/usr/src/memstate-$(VERSION)/{}" \;
	$(Q)$(install-module-files)

deb:	## Debian packages, in build/deb
	$(Q)$(T)/vm/deps.sh build packages
	$(Q)packaging/deb.sh

abi: userspace	## write down the ABI of the libraries, in packaging/abi; see git diff
	$(Q)$(T)/vm/deps.sh build packages
	$(Q)packaging/abi.sh record

clean:	## remove what was built
	$(Q)rm -rf build
	$(Q)if [ -d "$(KDIR)" ]; then $(MAKE) -s -C "$(KDIR)" M="$(TOP)" clean; fi
