# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# tests.mk: how programs of tests are built, to be included by tools/testing/SUITE/Makefile:
#
#	SUITE := top
#	include ../tests.mk
#	san := -fsanitize=address,undefined
#	$(call variant,san,gcc,$(san))
#	$(call program,data,san,tools/testing/top/data.c $(SOURCES),$(LIB) -ljson-c)
#
# makes build/top/data, its objects below build/top/san/, each once for all programs of that
# variant, and anew when a source, a header that it includes or a Makefile has changed.
# Sources are named from the top of the tree; .cc is C++, by the compiler's own name for that.
# A comma would end an argument of call: it goes through a variable, $(comma).
#
# CPPFLAGS_SUITE and CFLAGS_SUITE, set before the include (by = if they name $(TOP)), are a
# suite's own flags, behind those of all. A warning is an error. Libraries of userspace/ are not
# made here: suite.sh's userspace is called before.

TOP := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../..)
B := $(TOP)/build/$(SUITE)
LIB := $(TOP)/build/userspace/libmemstate.a
V ?= 0
comma := ,
Q := $(if $(filter 1,$(V)),,@)

TEST_CPPFLAGS := -D_GNU_SOURCE -I$(TOP)/include/uapi -I$(TOP)/kmod/core \
		 -I$(TOP)/userspace/include -I$(TOP)/userspace/lib -I$(TOP)/userspace/cli \
		 -I$(TOP)/tools/testing/core $(CPPFLAGS_SUITE)
TEST_CFLAGS := -g -O1 -Wall -Wextra -Werror -pthread $(CFLAGS_SUITE)
TEST_STD := -std=gnu11

PROGRAMS :=
.PHONY: all
.DEFAULT_GOAL := all

cxx_of = $(if $(filter clang%,$(1)),$(patsubst clang%,clang++%,$(1)),$(patsubst gcc%,g++%,$(1)))
# What a change of makes everything anew: flags stand there.
RULES := $(filter %Makefile %.mk,$(abspath $(MAKEFILE_LIST)))

# As in userspace/Makefile.
named = sed -i '1s|^[^ ]*:|$(1):|' $(1:.o=.d)

# $(call variant,NAME,COMPILER,FLAGS)
variant = $(eval $(call variant_rules,$(strip $(1)),$(strip $(2)),$(3)))
define variant_rules
CC_$(1) := $(2)
CFLAGS_$(1) := $$(TEST_CFLAGS) $(3)
$$(B)/$(1)/%.o: $$(TOP)/%.c $$(RULES)
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(TEST_STD) $$(TEST_CPPFLAGS) $$(CFLAGS_$(1)) -MMD -MP -c -o $$@ $$<
	$$(Q)$$(call named,$$@)
$$(B)/$(1)/%.o: $$(TOP)/%.cc $$(RULES)
	@mkdir -p $$(@D)
	$$(Q)$(call cxx_of,$(2)) $$(TEST_CPPFLAGS) $$(CFLAGS_$(1)) -MMD -MP -c -o $$@ $$<
	$$(Q)$$(call named,$$@)
endef

# $(call program,NAME,VARIANT,SOURCES,LIBRARIES AND FLAGS OF THE LINKER)
program = $(eval $(call program_rules,$(strip $(1)),$(strip $(2)),$(3),$(4)))
define program_rules
OBJECTS_$(1) := $(patsubst %,$(B)/$(2)/%.o,$(basename $(3)))
PROGRAMS += $(B)/$(1)
-include $$(OBJECTS_$(1):.o=.d)
$(B)/$(1): $$(OBJECTS_$(1)) $(filter %.a %.so,$(4))
	@mkdir -p $$(@D)
	$$(Q)$(if $(filter %.cc,$(3)),$$(call cxx_of,$$(CC_$(2))),$$(CC_$(2))) $$(CFLAGS_$(2)) -o $$@ $$(OBJECTS_$(1)) $(4)
endef

# The second expansion: a suite's Makefile names its programs after this is read.
.SECONDEXPANSION:
all: $$(PROGRAMS)
