# aoekit: ATA over Ethernet in userspace.  `make help` lists the targets.
#
#: make                build what the installed libraries allow
#: make demo           a NAS, a client and a disk on this machine, within a minute
#: make check          all tests; TESTS="nbd fuse" only those, JOBS=1 one by one
#: make check SAN=1    the same under AddressSanitizer and UBSan
#: make check-vm       tests in a guest under qemu (tests/vm), on a kernel of
#:                     Debian's that is fetched once into ~/.cache/aoekit;
#:                     SAN=1 here, too
#: make check-vm-long  of these, fifty power cuts and more work on a log of
#:                     writes: half an hour
#: make check-systemd  tests that switch a machine off (tests/systemd): systemd
#:                     in namespaces, over a Debian tree that is made once
#: make check-nas      tests in guests that are small NAS (tests/nas): an ARM926
#:                     with 32 MB, whose kernel is built once, and an ARMv7
#: make target         only aoe-target, which needs nothing beyond libc
#:                     STATIC=1 CC=musl-gcc (or a cross compiler): one file
#: make nas            such a file for each kind of NAS, in build/nas
#: make check-nas-binaries  and each run by an emulator of its processor
#: make hosts          compile and link all programs for FreeBSD, NetBSD, OpenBSD
#:                     and macOS, in build/hosts; one of them: make x86_64-freebsd
#: make sim            SEEDS (10000) simulated networks from SEED (1) on
#: make bench-target   aoe-target beside vblade, into build/bench/;
#:                     BENCH_SECONDS=1 for a quick look
#: make bench-nas      what a request costs in ARM guests, in instructions: beside
#:                     vblade, nbd-server and tgt; tests/bench/nas.sh says how to
#:                     measure one row of one build in a minute
#: make bench-initiator  the initiator on shaped, lossy and several wires
#: make bench-bridge   aoe-nbd and aoe-fuse beside nbdkit, tgt and nbdfuse
#: make fuzz           the fuzz targets, FUZZ_SECONDS (20) each; needs clang
#: make deps           install what building and testing need
#: make install        into PREFIX (/usr/local) under DESTDIR
#: make format         clang-format; format-check only checks
#: make lint           shellcheck, cppcheck and clang-tidy, some minutes
#: make compile-commands  build/compile_commands.json, for clangd and clang-tidy
#: make clean          remove build/
#:
#: demo, check and deps install packages; DEPS=no does without.
#: V=1 shows commands, WERROR=1 makes warnings errors, WITH_PCAP=no,
#: WITH_FUSE=no, WITH_NBD=no, WITH_NL=no, WITH_URING=no,
#: WITH_SECCOMP=no, WITH_NBDKIT=no and WITH_CMOCKA=no leave a library out.
#
# A source file belongs to its folder's module (modules.mk); tests in
# tests/unit and tests/net are found by name.  Nothing here changes when a file
# is added.

PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
AR ?= ar
OBJCOPY ?= objcopy
PKG_CONFIG ?= pkg-config
VERSION := 0.1.0
# What it is built for, as uname(1) calls it.
SYSTEM ?= $(shell uname -s)

# Sanitized, static and cross builds live next to the ordinary one.
ifdef SAN
BUILD ?= build/san
else ifdef STATIC
BUILD ?= build/static-$(notdir $(firstword $(CC)))
else
BUILD ?= build
endif

# ---- what this machine offers ------------------------------------------------
# WITH_X=no leaves a library out even if it is installed.
ifdef STATIC
WITH_PCAP := no
WITH_FUSE := no
WITH_SECCOMP := no
WITH_NBD := no
WITH_CMOCKA := no
WITH_NBDKIT := no
WITH_URING := no
WITH_NL := no
endif
have = $(if $(filter no,$(1)),,$(shell $(PKG_CONFIG) --exists $(2) 2>/dev/null && echo yes))
# Elsewhere than on Linux it is part of the system, without a file for pkg-config.
HAVE_PCAP := $(if $(filter Linux,$(SYSTEM)),$(call have,$(WITH_PCAP),libpcap),$(if $(filter no,$(WITH_PCAP)),,yes))
HAVE_FUSE := $(call have,$(WITH_FUSE),fuse3)
HAVE_SECCOMP := $(call have,$(WITH_SECCOMP),libseccomp)
HAVE_URING := $(call have,$(WITH_URING),liburing)
HAVE_NBD := $(call have,$(WITH_NBD),libnbd)
HAVE_NBDKIT := $(call have,$(WITH_NBDKIT),nbdkit)
HAVE_NL := $(if $(filter Linux,$(SYSTEM)),$(call have,$(WITH_NL),libnl-genl-3.0))
HAVE_CMOCKA := $(call have,$(WITH_CMOCKA),cmocka)

# ---- flags -------------------------------------------------------------------
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wvla
ifdef WERROR
WARN += -Werror
endif
HARDEN := -fstack-protector-strong -fPIE
LINK_HARDEN := -pie -Wl,-z,relro,-z,now
ifeq ($(SYSTEM),Darwin)
LINK_HARDEN :=
endif
ifdef SAN
HARDEN += -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
LINK_HARDEN += -fsanitize=address,undefined
else
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ifdef STATIC
HARDEN := -fstack-protector-strong -fno-pie -ffunction-sections -fdata-sections
# STRIP= leaves the symbols in, for a profile.
STRIP ?= -s
LINK_HARDEN := -static -no-pie $(STRIP) -Wl,-z,relro,--gc-sections
endif
# What is installed is optimized over all files at once: a frame passes through
# many small files.  It takes a twelfth off libaoe's instructions a request,
# more on a small processor.  Fat objects, so that tests link without it
# (--wrap needs the calls that it inlines), and other people's linkers can.
ifeq ($(SAN)$(findstring clang,$(shell $(CC) --version 2>/dev/null)),)
LTO ?= -flto=auto -ffat-lto-objects
# The relocatable object of libaoe.a is made by the compiler, once.
LTO_RELOCATABLE := $(if $(LTO),-flinker-output=nolto-rel)
endif
# musl-gcc sees only musl's headers; the kernel's are among glibc's.
ifneq ($(findstring musl-gcc,$(CC)),)
KERNEL := $(BUILD)/kernel-headers
MULTIARCH := $(shell gcc -print-multiarch)
$(shell mkdir -p $(KERNEL) && ln -sfn /usr/include/linux \
	/usr/include/asm-generic $(firstword $(wildcard \
	/usr/include/$(MULTIARCH)/asm /usr/include/asm)) $(KERNEL))
CPPFLAGS += -isystem $(KERNEL)
endif
DEFS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DAOEKIT_VERSION='"$(VERSION)"'
LIBRARIES := PCAP FUSE SECCOMP URING NBD NBDKIT NL
DEFS += $(foreach l,$(LIBRARIES),$(if $(HAVE_$(l)),-DHAVE_$(l)))
pc = $(if $(HAVE_$(1)),$(shell $(PKG_CONFIG) $(2) $(3)))
PCAP_LIBS := $(if $(filter Linux,$(SYSTEM)),$(call pc,PCAP,--libs,libpcap),$(if $(HAVE_PCAP),-lpcap))
SECCOMP_LIBS := $(call pc,SECCOMP,--libs,libseccomp)
URING_LIBS := $(call pc,URING,--libs,liburing)
NBD_LIBS := $(call pc,NBD,--libs,libnbd)
FUSE_CFLAGS := $(call pc,FUSE,--cflags,fuse3)
FUSE_LIBS := $(call pc,FUSE,--libs,fuse3)
NL_CFLAGS := $(call pc,NL,--cflags,libnl-genl-3.0)
NL_LIBS := $(call pc,NL,--libs,libnl-genl-3.0)
CMOCKA_LIBS := $(if $(HAVE_CMOCKA),$(shell $(PKG_CONFIG) --libs cmocka))
COMPILE = $(CC) -std=gnu11 -I. $(DEFS) $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) $(LTO) -MMD -MP
LINKER = $(CC) $(HARDEN) $(CFLAGS) $(LTO) $(LINK_HARDEN) $(LDFLAGS)
THREADS := -pthread

ifdef V
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

comma := ,
# ---- what is built -----------------------------------------------------------
include modules.mk

# What the libraries of this machine allow.
MODULES := $(patsubst uses.%,%,$(filter uses.%,$(.VARIABLES)))
MODULES := $(foreach m,$(MODULES),$(if $(needs.$(m)),$(if $(HAVE_$(needs.$(m))),$(m)),$(m)))

# $(call all_used,MODULE): the module with all that it uses, and that uses.
uses.aoe.h := initiator/libaoe
closure = $(1) $(foreach m,$(uses.$(1)),$(call closure,$(m)))
all_used = $(filter $(MODULES),$(sort $(call closure,$(1))))
sources = $(filter-out %/main.c,$(wildcard $(1)/*.c))
objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
pic = $(patsubst %.c,$(BUILD)/pic/%.o,$(1))
archive = $(BUILD)/lib/$(subst /,-,$(1)).a
archives = $(foreach m,$(call all_used,$(1)),$(call archive,$(m)))
libs = $(foreach m,$(call all_used,$(1)),$(foreach l,$(needs.$(m)) $(takes.$(m)),$($(l)_LIBS)))
# Archives refer to each other in any order.
GROUP := $(if $(filter Darwin,$(SYSTEM)),,-Wl$(comma)--start-group)
GROUP_END := $(if $(GROUP),-Wl$(comma)--end-group)

PROGRAM_MODULES := $(filter $(MODULES),$(patsubst program.%,%,$(filter program.%,$(.VARIABLES))))
PROGRAMS := $(foreach m,$(PROGRAM_MODULES),$(BUILD)/$(program.$(m)))
NBDKIT := $(if $(HAVE_NBDKIT),$(BUILD)/nbdkit-aoe-plugin.so)
TESTLIB := $(BUILD)/lib/tests.a

# libaoe for other programs.  A static build is only for the target.
LIBAOE := $(if $(STATIC),,$(BUILD)/libaoe.a $(if $(filter Darwin,$(SYSTEM)),,$(BUILD)/libaoe.so))

.PHONY: all target help
all: $(PROGRAMS) $(LIBAOE) $(NBDKIT) left-out
target: $(BUILD)/aoe-target

define module
$(call archive,$(1)): $(call objs,$(call sources,$(1)))
$(BUILD)/obj/$(1)/%.o: CPPFLAGS += $($(needs.$(1))_CFLAGS)
$(BUILD)/pic/lib/$(subst /,-,$(1)).a: $(call pic,$(call sources,$(1)))
endef
$(foreach m,$(MODULES),$(eval $(call module,$(m))))
$(TESTLIB): $(call objs,$(wildcard tests/lib/*.c))

define program
$(BUILD)/$(program.$(1)): $(call objs,$(1)/main.c) $(call archives,$(1))
	$$(say) LINK $$@
	$$(Q)$$(LINKER) $$(THREADS) -o $$@ $$< $$(GROUP) $(call archives,$(1)) $$(GROUP_END) $(call libs,$(1))
endef
$(foreach m,$(PROGRAM_MODULES),$(eval $(call program,$(m))))
ifdef STATIC
include dist/seldom.mk
endif

$(BUILD)/lib/%.a:
	$(say) AR $@
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(THREADS) -c -o $@ $<

# ---- the library -------------------------------------------------------------
# Position-independent objects.  libaoe.map names what others may call; the
# rest is local, in the archive, too, so that our link_open or list_each never
# collides with theirs.
SONAME := libaoe.so.0
LIBAOE_MAP := initiator/libaoe/libaoe.map
LIBAOE_OBJS := $(call pic,$(call sources,initiator/libaoe))
pic_archives = $(foreach m,$(filter-out $(2),$(call all_used,$(1))),$(BUILD)/pic/lib/$(subst /,-,$(m)).a)
LIBAOE_PARTS := $(call pic_archives,initiator/libaoe,initiator/libaoe)
$(BUILD)/pic/lib/%.a:
	$(say) AR $@
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/pic/%.o: %.c
	$(say) CC "$< (libaoe)"
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -fPIC $(THREADS) -c -o $@ $<
$(BUILD)/libaoe.a: $(LIBAOE_OBJS) $(LIBAOE_PARTS) $(LIBAOE_MAP)
	$(say) AR $@
	$(Q)$(CC) $(CFLAGS) $(LTO) $(LTO_RELOCATABLE) -r -nostdlib -o $(BUILD)/pic/libaoe.o \
		$(LIBAOE_OBJS) $(GROUP) $(LIBAOE_PARTS) $(GROUP_END)
	$(Q)sed -n 's/^ *\(aoe_[a-z_]*\);/\1/p' $(LIBAOE_MAP) >$(BUILD)/pic/public
	$(Q)$(if $(filter Darwin,$(SYSTEM)),:,$(OBJCOPY) --keep-global-symbols=$(BUILD)/pic/public $(BUILD)/pic/libaoe.o)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(BUILD)/pic/libaoe.o
$(BUILD)/libaoe.so: $(LIBAOE_OBJS) $(LIBAOE_PARTS) $(LIBAOE_MAP)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LTO) $(if $(SAN),-fsanitize=address$(comma)undefined,-Wl$(comma)-z$(comma)defs) \
		-Wl,-z,relro,-z,now $(LDFLAGS) -shared -Wl,-soname,$(SONAME) \
		-Wl,--version-script=$(LIBAOE_MAP) -o $(BUILD)/$(SONAME) \
		$(LIBAOE_OBJS) $(GROUP) $(LIBAOE_PARTS) $(GROUP_END) $(PCAP_LIBS) $(THREADS)
	@ln -sf $(SONAME) $@

# A plugin for nbdkit, which exports only what nbdkit calls.
PLUGIN_MAP := bridge/nbdkit/plugin.map
PLUGIN_OBJS := $(call pic,$(call sources,bridge/nbdkit))
PLUGIN_PARTS := $(call pic_archives,bridge/nbdkit,bridge/nbdkit)
$(BUILD)/nbdkit-aoe-plugin.so: $(PLUGIN_OBJS) $(PLUGIN_PARTS) $(PLUGIN_MAP)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LTO) $(if $(SAN),-fsanitize=address$(comma)undefined) \
		-Wl,-z,relro,-z,now $(LDFLAGS) -shared \
		-Wl,--version-script=$(PLUGIN_MAP) -o $@ $(PLUGIN_OBJS) \
		$(GROUP) $(PLUGIN_PARTS) $(GROUP_END) $(PCAP_LIBS) $(THREADS)

include dist/zig.mk
include dist/nas.mk
include dist/hosts.mk

# The targets for users.
help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# A plain build reports what it had to leave out, and what would provide it.
.PHONY: left-out
left-out:
	@$(if $(HAVE_PCAP),:,echo "left out: --link pcap (needs libpcap: libpcap-dev)")
	@$(if $(HAVE_URING),:,echo "left out: io_uring in aoe-target (needs liburing: liburing-dev)")
	@$(if $(HAVE_FUSE),:,echo "left out: aoe-fuse (needs libfuse 3: libfuse3-dev)")
	@$(if $(HAVE_NL),:,echo "left out: aoe-nbd connect (needs Linux and libnl 3: libnl-genl-3-dev)")
	@$(if $(HAVE_SECCOMP),:,echo "left out: aoe-target --seccomp (needs libseccomp: libseccomp-dev)")
	@$(if $(HAVE_NBD),:,echo "left out: NBD exports as aoe-target's disk (needs libnbd: libnbd-dev)")
	@$(if $(HAVE_NBDKIT),:,echo "left out: nbdkit-aoe-plugin (needs nbdkit: nbdkit-plugin-dev)")
	@$(if $(HAVE_CMOCKA),:,echo "left out: unit tests (need cmocka: libcmocka-dev)")

# ---- tests -------------------------------------------------------------------
# Each is linked with what it uses from any module.
TESTED := $(filter-out bridge/nbdkit,$(MODULES))
TESTED_ARCHIVES := $(TESTLIB) $(foreach m,$(TESTED),$(call archive,$(m)))
TESTED_LIBS := $(sort $(foreach m,$(TESTED),$(foreach l,$(needs.$(m)) $(takes.$(m)),$($(l)_LIBS))))
# Objects may be of an earlier build that had it.
NO_LTO := $(if $(SAN),,-fno-lto)
LINK_TESTED = $(NO_LTO) $(GROUP) $(TESTED_ARCHIVES) $(GROUP_END) $(TESTED_LIBS)
$(BUILD)/obj/tests/%.o: LTO :=
unit := $(wildcard tests/unit/test_*.c)
unit := $(if $(HAVE_FUSE),$(unit),$(filter-out tests/unit/test_fuse_%,$(unit)))
unit := $(if $(HAVE_NL),$(unit),$(filter-out tests/unit/test_kernel_%,$(unit)))
unit := $(if $(HAVE_NBD),$(unit),$(filter-out %/test_store_nbd.c,$(unit)))
unit := $(if $(HAVE_SECCOMP),$(unit),$(filter-out %/test_sandbox.c,$(unit)))
UNIT := $(if $(HAVE_CMOCKA),$(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(unit)))
$(BUILD)/obj/tests/unit/test_fuse_%.o: CPPFLAGS += $(FUSE_CFLAGS)
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(TESTED_ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) -o $@ $< $(LINK_TESTED) $(CMOCKA_LIBS)
.SECONDARY:

.PHONY: unit-tests
unit-tests: $(UNIT)

# Programs for the network tests; each is one file and links none of our code,
# so that it judges independently.  They need Linux, as those tests do.
HELPERS := $(if $(filter Linux,$(SYSTEM)),$(patsubst tests/helpers/%.c,$(BUILD)/tests/helpers/%,$(wildcard tests/helpers/*.c)))
HELPERS := $(if $(HAVE_NBD),$(HELPERS),$(filter-out %/badclient,$(HELPERS)))
$(BUILD)/tests/helpers/%: $(BUILD)/obj/tests/helpers/%.o
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) -o $@ $^ $(HELPER_LIBS)
$(BUILD)/tests/helpers/badclient: HELPER_LIBS = $(NBD_LIBS)

# The simulator, and mutants of it: each is the same with one safety rule
# disabled by the linker, which the simulator must notice.
SIM := $(BUILD)/tests/sim/sim
MUTANTS := $(patsubst tests/sim/mutants/%.c,$(BUILD)/tests/sim/sim-%,$(wildcard tests/sim/mutants/*.c))
SIM_OBJS := $(call objs,$(wildcard tests/sim/*.c))
# Its clock, entropy and log are in tests/sim/world.c.
SIM_WRAP := -Wl,--wrap=clock_gettime,--wrap=random_nonzero,--wrap=log_error
$(SIM): $(SIM_OBJS) $(TESTED_ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) $(SIM_WRAP) -o $@ $(SIM_OBJS) $(LINK_TESTED)
# A mutant replaces each function that it has a __wrap_ for.
wrapped = $(patsubst __wrap_%,-Wl$(comma)--wrap=%,$(sort $(shell grep -o '__wrap_[a-z_]*' $(1))))
$(BUILD)/tests/sim/sim-%: $(BUILD)/obj/tests/sim/mutants/%.o $(SIM_OBJS) $(TESTED_ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) $(SIM_WRAP) $(call wrapped,tests/sim/mutants/$*.c) \
		-o $@ $< $(SIM_OBJS) $(LINK_TESTED)
SEEDS ?= 10000
SEED ?= 1
.PHONY: sim
sim: $(SIM)
	$(SIM) -n $(SEEDS) -s $(SEED)
# The fuzz targets without libFuzzer: each runs its seeds, one after another.
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(FUZZERS:%=$(BUILD)/tests/replay/%)
$(BUILD)/tests/replay/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/replay.o $(TESTED_ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) -o $@ $(filter %.o,$^) $(LINK_TESTED)

# `make check` is these three, after `make deps`: in a second make, since what
# deps installs changes what can be built.
.PHONY: check check-built tests
check: deps-test
	+@$(MAKE) --no-print-directory check-built
check-built: all tests
	@BUILD=$(BUILD) tests/run $(if $(JOBS),-j $(JOBS)) $(TESTS)
# Guests without KVM take minutes, too long for `make check`.
.PHONY: check-vm check-vm-built
check-vm: deps-vm
	+@$(MAKE) --no-print-directory check-vm-built
check-vm-built: all $(HELPERS)
	@BUILD=$(BUILD) tests/run -t 240 -j $(or $(JOBS),2) $(or $(TESTS),vm)
# Guests with a target of `make nas`, and clients of this build out here.
GUEST_TESTS = $(filter-out nas/binaries,$(patsubst tests/%.sh,%,$(wildcard tests/nas/*.sh)))
.PHONY: check-nas check-nas-built nas-kernel
check-nas: deps-nas
	+@$(MAKE) --no-print-directory check-nas-built
check-nas-built: all $(HELPERS) nas-kernel $(NAS_GUEST)
	@BUILD=$(BUILD) tests/run -t 400 -j $(or $(JOBS),2) $(or $(TESTS),$(GUEST_TESTS))
nas-kernel:
	@tests/lib/arm926-kernel.sh
# A machine that is shut down; it boots in seconds once its tree has been made.
.PHONY: check-systemd check-systemd-built
check-systemd: deps-systemd
	+@$(MAKE) --no-print-directory check-systemd-built
check-systemd-built: all
	@BUILD=$(BUILD) tests/run -t 400 $(if $(JOBS),-j $(JOBS)) $(or $(TESTS),systemd)
.PHONY: check-vm-long check-vm-long-built
check-vm-long: deps-vm
	+@$(MAKE) --no-print-directory check-vm-long-built
check-vm-long-built: all $(HELPERS)
	@BUILD=$(BUILD) AOEKIT_CUTS=50 AOEKIT_ROUNDS=30 \
		tests/run -t 4000 -j 1 vm/power-cut vm/log-writes
tests: unit-tests $(HELPERS) $(REPLAYS) $(if $(HELPERS),$(SIM) $(MUTANTS))

# Measurements, in tests/bench; not part of check, because they need a quiet
# machine and prove nothing by passing.
.PHONY: bench-target bench-target-built bench-initiator bench-initiator-built
bench-target: deps-bench
	+@$(MAKE) --no-print-directory bench-target-built
.PHONY: bench-bridge bench-bridge-built
bench-bridge: deps-bench
	+@$(MAKE) --no-print-directory bench-bridge-built
bench-bridge-built: all
	@BUILD=$(BUILD) tests/bench/bridge.sh
# What a request costs in the guests of check-nas, to targets with symbols.
NAS_BENCH := $(BUILD)/bench/nas
.PHONY: bench-nas bench-nas-built nas-bench
bench-nas: deps-bench-nas
	+@$(MAKE) --no-print-directory bench-nas-built
bench-nas-built: $(BUILD)/aoe-nbd $(BUILD)/tests/bench/load $(BUILD)/tests/bench/count.so nas-kernel nas-bench
	@BUILD=$(BUILD) NAS_DIR=$(NAS_BENCH) tests/bench/nas.sh
nas-bench:
	+@$(MAKE) --no-print-directory NAS_DIR=$(NAS_BENCH) STRIP= \
		$(NAS_BENCH)/aoe-target-armv5te $(NAS_BENCH)/aoe-target-armv7
$(BUILD)/tests/bench/count.so: tests/bench/count.c
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) -O2 -fPIC -shared -o $@ $<
bench-target-built: target $(BUILD)/tests/bench/load
	@BUILD=$(BUILD) tests/bench/target.sh
bench-initiator: deps-bench
	+@$(MAKE) --no-print-directory bench-initiator-built
bench-initiator-built: target $(BUILD)/aoe $(BUILD)/tests/bench/echo
	@BUILD=$(BUILD) tests/bench/initiator.sh
$(BUILD)/tests/bench/%: $(BUILD)/obj/tests/bench/%.o
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) -o $@ $^

# Each tests/fuzz/fuzz_NAME.c is a libFuzzer target; tests/fuzz/corpus/NAME, if
# it exists, holds its seeds.  They are built by clang in a tree of their own.
FUZZ_SECONDS ?= 20
.PHONY: fuzz fuzz-built
fuzz:
	+@$(MAKE) --no-print-directory fuzz-built BUILD=build/fuzz SAN=1 CC=clang \
		CFLAGS="-O1 -g -fsanitize=fuzzer-no-link"
fuzz-built: $(FUZZERS:%=$(BUILD)/fuzz_%)
	@for name in $(FUZZERS); do \
		mkdir -p $(BUILD)/corpus/$$name $(BUILD)/found || exit; \
		seeds=tests/fuzz/corpus/$$name; [ -d $$seeds ] || seeds=; \
		$(BUILD)/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) \
			-artifact_prefix=$(BUILD)/found/$$name- -verbosity=0 \
			-print_final_stats=1 $(BUILD)/corpus/$$name $$seeds || exit; \
	done
$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(TESTED_ARCHIVES)
	$(say) LINK $@
	$(Q)$(LINKER) -fsanitize=fuzzer $(THREADS) -o $@ $< $(LINK_TESTED)

.PHONY: demo demo-built
demo: deps-demo
	+@$(MAKE) --no-print-directory demo-built
demo-built: all
	@BUILD=$(BUILD) bash tests/demo.sh

# ---- what all of this needs ----------------------------------------------------
# DEPS=no uses the machine as it is.
.PHONY: deps deps-build deps-demo deps-test deps-vm deps-nas deps-cross deps-systemd deps-bench deps-bench-nas deps-ci
deps: deps-test
deps-build deps-demo deps-test deps-vm deps-nas deps-cross deps-systemd deps-bench deps-bench-nas deps-ci:
	@$(if $(filter no,$(DEPS)),:,dist/deps.sh $(@:deps-%=%))

# ---- installing --------------------------------------------------------------
# The target is a daemon that root starts: sbin.  The others are commands.
BINDIR := $(PREFIX)/bin
SBINDIR := $(PREFIX)/sbin
MANDIR := $(PREFIX)/share/man
DOCDIR := $(PREFIX)/share/doc/aoekit
LIBDIR := $(PREFIX)/lib
INCLUDEDIR := $(PREFIX)/include
UNITDIR := $(PREFIX)/lib/systemd/system
UDEVDIR := $(PREFIX)/lib/udev/rules.d
MANUALS := $(wildcard doc/*.[1-9])
GUIDES := README.md NEWS.md SECURITY.md LICENSE $(wildcard doc/*.md)
NBDKIT_PLUGINDIR ?= $(if $(NBDKIT),$(shell $(PKG_CONFIG) nbdkit --variable=plugindir))
# mount(8) looks for its helpers only here, whatever PREFIX is.  Users without
# write access install into a PREFIX of their own without them.
HELPERDIR ?= /sbin
.PHONY: install install-mount
install: all $(if $(filter Linux,$(SYSTEM)),$(if $(HAVE_FUSE)$(HAVE_NL),install-mount))
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(DOCDIR)
	install -m 755 $(BUILD)/aoe-target $(DESTDIR)$(SBINDIR)
	install -m 755 $(filter-out %/aoe-target,$(PROGRAMS)) $(DESTDIR)$(BINDIR)
	install -m 644 $(GUIDES) dist/inittab dist/aoe-target.conf dist/aoe-target.init dist/aoe-target.procd $(DESTDIR)$(DOCDIR)
	for page in $(MANUALS); do \
		install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit; \
	done
	$(if $(NBDKIT),install -D -m 644 $(NBDKIT) $(DESTDIR)$(NBDKIT_PLUGINDIR)/nbdkit-aoe-plugin.so)
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(DOCDIR)/example
	install -m 644 $(BUILD)/libaoe.a $(DESTDIR)$(LIBDIR)
	$(if $(filter %.so,$(LIBAOE)),install -m 755 $(BUILD)/$(SONAME) $(DESTDIR)$(LIBDIR)/libaoe.so.$(VERSION))
	$(if $(filter %.so,$(LIBAOE)),ln -sf libaoe.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME))
	$(if $(filter %.so,$(LIBAOE)),ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libaoe.so)
	install -m 644 initiator/libaoe/aoe.h $(DESTDIR)$(INCLUDEDIR)
	install -m 644 doc/example/*.c $(DESTDIR)$(DOCDIR)/example
	sed -e 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),; s,@INCLUDEDIR@,$(INCLUDEDIR),' \
		-e 's,@VERSION@,$(VERSION),; s|@PRIVATE@|$(PCAP_LIBS)|' \
		dist/libaoe.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/libaoe.pc
	install -D -m 644 dist/60-aoekit.rules $(DESTDIR)$(UDEVDIR)/60-aoekit.rules
	install -d $(DESTDIR)$(UNITDIR)
	sed 's,@SBINDIR@,$(SBINDIR),' dist/aoe-target@.service.in \
		>$(DESTDIR)$(UNITDIR)/aoe-target@.service
	sed 's,@BINDIR@,$(BINDIR),' dist/aoe-nbd@.service.in \
		>$(DESTDIR)$(UNITDIR)/aoe-nbd@.service
	install -m 644 dist/aoe-nbd@.socket $(DESTDIR)$(UNITDIR)
	$(if $(HAVE_NL),sed 's$(comma)@BINDIR@$(comma)$(BINDIR)$(comma)' dist/aoe-nbd-connect@.service.in \
		>$(DESTDIR)$(UNITDIR)/aoe-nbd-connect@.service)
install-mount:
	@install -d $(DESTDIR)$(HELPERDIR) && test -w $(DESTDIR)$(HELPERDIR) || \
		{ echo "left out: mount -t aoe, fuse.aoe-fuse ($(HELPERDIR) cannot be written)"; exit 0; }; \
	$(if $(HAVE_FUSE),ln -sfv $(BINDIR)/aoe-fuse $(DESTDIR)$(HELPERDIR)/mount.fuse.aoe-fuse &&) \
	rm -f $(DESTDIR)$(HELPERDIR)/mount.aoe && \
	sed 's,^PATH=,&$(BINDIR):,' dist/mount.aoe >$(DESTDIR)$(HELPERDIR)/mount.aoe && \
	chmod 755 $(DESTDIR)$(HELPERDIR)/mount.aoe

# ---- the tree in order -------------------------------------------------------
SOURCES := $(wildcard $(foreach m,$(patsubst uses.%,%,$(filter uses.%,$(.VARIABLES))) tests/*,\
	$(m)/*.c $(m)/*.h)) $(wildcard doc/example/*.c)
SCRIPTS := $(wildcard tests/*.sh tests/*/*.sh dist/*.sh dist/mount.*) dist/aoe-target.init dist/aoe-target.procd \
	tests/run tests/lint tests/lib/rc.common .ci/run
.PHONY: clean format format-check lint
clean:
	rm -rf build
format:
	@echo clang-format -i; clang-format -i $(SOURCES)
format-check:
	@echo clang-format --dry-run -Werror; clang-format --dry-run -Werror $(SOURCES)
lint: compile-commands
	@tests/lint $(SCRIPTS)

# How each source file is compiled, for clang-tidy, clangd and editors, which
# also look in build/.  Files that lack a library here are not in it.
COMMANDS := build/compile_commands.json
TEST_SOURCES := $(unit) $(HELPERS:$(BUILD)/%=%.c) $(wildcard tests/bench/*.c \
	tests/fuzz/*.c tests/lib/*.c tests/sim/*.c tests/sim/mutants/*.c)
flags_of = $(if $(filter tests/unit/test_fuse_%,$(1)),$(FUSE_CFLAGS))
open := {
close := }
define newline


endef
quoted = $(subst ",\",$(subst \,\\,$(1)))
# $(call command,FILE,FLAGS): its entry.
command = $(open)"directory": "$(CURDIR)", "file": "$(1)", "command": \
"$(call quoted,$(filter-out -MMD -MP,$(COMPILE)) $(THREADS) $(2) -c $(1))"$(close)$(comma)$(newline)
commands = $(foreach m,$(sort $(MODULES)),$(foreach f,$(wildcard $(m)/*.c),\
$(call command,$(f),$($(needs.$(m))_CFLAGS)))) \
$(foreach f,$(TEST_SOURCES),$(call command,$(f),$(call flags_of,$(f)))) \
$(foreach f,$(wildcard doc/example/*.c),$(call command,$(f),-Iinitiator/libaoe))
.PHONY: compile-commands
compile-commands:
	@mkdir -p $(dir $(COMMANDS)) && $(MAKE) --no-print-directory LTO= $(COMMANDS)
.PHONY: $(COMMANDS)
$(COMMANDS):
	$(file >$@.part,$(commands))
	@sed 's/^ *//; /^$$/d' $@.part | sed '1s/^/[/; $$s/,$$/]/' >$@
	@rm $@.part
	@echo $@

-include $(shell find $(BUILD)/obj $(BUILD)/pic -name '*.d' 2>/dev/null)
