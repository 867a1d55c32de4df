# aoekit: ATA over Ethernet in userspace.  `make help` lists the targets.
#
#: make                build what the installed libraries allow
#: make demo           the whole story on this machine, in under a minute
#: make check          all tests; TESTS="nbd fuse" only those, JOBS=1 one by one
#: make check SAN=1    the same under AddressSanitizer and UBSan
#: make check-vm       tests in a guest under qemu (tests/vm), on a kernel of
#:                     Debian's that is fetched once into ~/.cache/aoekit;
#:                     SAN=1 here, too
#: make check-vm-long  of these, fifty power cuts and more work on a log of
#:                     writes: half an hour
#: make check-systemd  tests that switch a machine off (tests/systemd): systemd
#:                     in namespaces, over a Debian tree that is made once
#: make target         only aoe-target, which needs nothing beyond libc
#:                     STATIC=1 CC=musl-gcc (or a cross compiler): one file
#: make sim            SEEDS (10000) simulated networks from SEED (1) on
#: make bench-target   aoe-target beside vblade, into build/bench/;
#:                     BENCH_SECONDS=1 for a quick look
#: make bench-initiator  the initiator on shaped, lossy and several wires
#: make bench-bridge   aoe-nbd and aoe-fuse beside nbdkit, tgt and nbdfuse
#: make fuzz           the fuzz targets, FUZZ_SECONDS (20) each; needs clang
#: make deps           install what building and testing need
#: make install        into PREFIX (/usr/local) under DESTDIR
#: make format         clang-format; format-check and lint (shellcheck) only look
#: make clean          remove build/
#:
#: demo, check and deps install packages; DEPS=no goes on without.
#: V=1 shows commands, WERROR=1 makes warnings errors, WITH_PCAP=no,
#: WITH_INIH=no, WITH_FUSE=no, WITH_NBD=no, WITH_NL=no, WITH_URING=no,
#: WITH_SECCOMP=no, WITH_NBDKIT=no and WITH_CMOCKA=no leave a library out.
#
# Every source file in a room belongs to that room's archive, except the
# mains; a test in tests/unit or tests/net is found by its name.  Nothing here
# has to change when a file is added.

PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
AR ?= ar
OBJCOPY ?= objcopy
PKG_CONFIG ?= pkg-config
VERSION := 0.1.0

# Sanitized, static and cross builds live beside the ordinary one.
ifdef SAN
BUILD ?= build/san
else ifdef STATIC
BUILD ?= build/static-$(notdir $(firstword $(CC)))
else
BUILD ?= build
endif

# ---- what this machine offers ------------------------------------------------
# WITH_X=no leaves a library out though it is there.
ifdef STATIC
WITH_PCAP := no
WITH_INIH := no
WITH_FUSE := no
WITH_SECCOMP := no
WITH_NBD := no
WITH_CMOCKA := no
WITH_NBDKIT := no
WITH_URING := no
WITH_NL := no
endif
have = $(if $(filter no,$(1)),,$(shell $(PKG_CONFIG) --exists $(2) 2>/dev/null && echo yes))
HAVE_PCAP := $(call have,$(WITH_PCAP),libpcap)
HAVE_INIH := $(call have,$(WITH_INIH),inih)
HAVE_FUSE := $(call have,$(WITH_FUSE),fuse3)
HAVE_SECCOMP := $(call have,$(WITH_SECCOMP),libseccomp)
HAVE_URING := $(call have,$(WITH_URING),liburing)
HAVE_NBD := $(call have,$(WITH_NBD),libnbd)
HAVE_NBDKIT := $(call have,$(WITH_NBDKIT),nbdkit)
HAVE_NL := $(if $(filter Linux,$(shell uname -s)),$(call have,$(WITH_NL),libnl-genl-3.0))
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
ifeq ($(shell uname -s),Darwin)
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
HARDEN := -fstack-protector-strong -fno-pie
LINK_HARDEN := -static -no-pie -s -Wl,-z,relro,--gc-sections
CFLAGS += -ffunction-sections -fdata-sections
# Over all files at once: smaller, and on a small processor faster.  Fat objects
# also link where the linker knows nothing of it.
ifeq ($(findstring clang,$(CC)),)
CFLAGS += -flto=auto -ffat-lto-objects
endif
endif
# musl-gcc sees musl's headers alone; the kernel's lie among glibc's.
ifneq ($(findstring musl-gcc,$(CC)),)
KERNEL := $(BUILD)/kernel-headers
MULTIARCH := $(shell gcc -print-multiarch)
$(shell mkdir -p $(KERNEL) && ln -sfn /usr/include/linux \
	/usr/include/asm-generic $(firstword $(wildcard \
	/usr/include/$(MULTIARCH)/asm /usr/include/asm)) $(KERNEL))
CPPFLAGS += -isystem $(KERNEL)
endif
DEFS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DAOEKIT_VERSION='"$(VERSION)"'
ifeq ($(HAVE_PCAP),yes)
DEFS += -DHAVE_PCAP
PCAP_LIBS := $(shell $(PKG_CONFIG) --libs libpcap)
endif
ifeq ($(HAVE_SECCOMP),yes)
DEFS += -DHAVE_SECCOMP
SECCOMP_LIBS := $(shell $(PKG_CONFIG) --libs libseccomp)
endif
ifeq ($(HAVE_INIH),yes)
DEFS += -DHAVE_INIH
INIH_LIBS := $(shell $(PKG_CONFIG) --libs inih)
endif
ifeq ($(HAVE_URING),yes)
DEFS += -DHAVE_URING
URING_LIBS := $(shell $(PKG_CONFIG) --libs liburing)
endif
ifeq ($(HAVE_NBD),yes)
DEFS += -DHAVE_NBD
NBD_LIBS := $(shell $(PKG_CONFIG) --libs libnbd)
endif
# What the target and everything that links its room needs.
TARGET_LIBS = $(PCAP_LIBS) $(INIH_LIBS) $(URING_LIBS) $(NBD_LIBS) $(SECCOMP_LIBS)
FUSE_CFLAGS := $(if $(HAVE_FUSE),$(shell $(PKG_CONFIG) --cflags fuse3))
FUSE_LIBS := $(if $(HAVE_FUSE),$(shell $(PKG_CONFIG) --libs fuse3))
NL_CFLAGS := $(if $(HAVE_NL),$(shell $(PKG_CONFIG) --cflags libnl-genl-3.0))
NL_LIBS := $(if $(HAVE_NL),$(shell $(PKG_CONFIG) --libs libnl-genl-3.0))
CMOCKA_LIBS := $(if $(HAVE_CMOCKA),$(shell $(PKG_CONFIG) --libs cmocka))
COMPILE = $(CC) -std=gnu11 -I. $(DEFS) $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP
LINKER = $(CC) $(HARDEN) $(CFLAGS) $(LINK_HARDEN) $(LDFLAGS)
THREADS := -pthread

ifdef V
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

# ---- what is built -----------------------------------------------------------
objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
mains := initiator/main.c target/main.c bridge/nbd_main.c bridge/fuse_main.c
room = $(filter-out $(mains) $(skip),$(wildcard $(1)/*.c))
skip := $(if $(HAVE_PCAP),,wire/link_pcap.c)
skip += $(if $(HAVE_SECCOMP),,target/sandbox.c)
skip += $(if $(HAVE_NBD),,target/store_nbd.c target/nbd_requests.c target/nbd_connection.c)
bridge_nbdkit := $(wildcard bridge/nbdkit*.c)
skip += $(if $(HAVE_NL),bridge/kernel_absent.c,$(filter-out bridge/kernel_absent.c,$(wildcard bridge/kernel_*.c)))
bridge_fuse := $(filter-out $(mains),$(wildcard bridge/fuse*.c))

BASE := $(BUILD)/lib/base.a
WIRE := $(BUILD)/lib/wire.a
INITIATOR := $(BUILD)/lib/initiator.a
TARGET := $(BUILD)/lib/target.a
BRIDGE := $(BUILD)/lib/bridge.a
FUSE := $(BUILD)/lib/fuse.a
TESTLIB := $(BUILD)/lib/testlib.a

PROGRAMS := $(if $(wildcard initiator/main.c),$(BUILD)/aoe)
PROGRAMS += $(if $(wildcard target/main.c),$(BUILD)/aoe-target)
PROGRAMS += $(if $(wildcard bridge/nbd_main.c),$(BUILD)/aoe-nbd)
PROGRAMS += $(if $(HAVE_FUSE),$(if $(wildcard bridge/fuse_main.c),$(BUILD)/aoe-fuse))
NBDKIT := $(if $(HAVE_NBDKIT),$(BUILD)/nbdkit-aoe-plugin.so)

# libaoe for other people's programs.  A static build is for the target alone.
LIBAOE := $(if $(STATIC),,$(BUILD)/libaoe.a $(if $(filter Darwin,$(shell uname -s)),,$(BUILD)/libaoe.so))

.PHONY: all target help
all: $(PROGRAMS) $(LIBAOE) $(NBDKIT) left-out
target: $(BUILD)/aoe-target

$(BASE): $(call objs,$(call room,base))
$(WIRE): $(call objs,$(call room,wire))
$(INITIATOR): $(call objs,$(call room,initiator))
$(TARGET): $(call objs,$(call room,target))
$(BRIDGE): $(call objs,$(filter-out $(bridge_fuse) $(bridge_nbdkit),$(call room,bridge)))
$(FUSE): $(call objs,$(bridge_fuse))
$(TESTLIB): $(call objs,$(wildcard tests/lib/*.c))

$(BUILD)/lib/%.a:
	$(say) AR $@
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/obj/bridge/fuse%.o: DEFS += $(FUSE_CFLAGS)
$(BUILD)/obj/bridge/kernel%.o: DEFS += $(NL_CFLAGS)
$(BUILD)/obj/%.o: %.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(THREADS) -c -o $@ $<

$(BUILD)/aoe: $(BUILD)/obj/initiator/main.o $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(PCAP_LIBS)
$(BUILD)/aoe-target: $(BUILD)/obj/target/main.o $(TARGET) $(WIRE) $(BASE)
	$(say) LINK $@
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(TARGET_LIBS)
$(BUILD)/aoe-nbd: $(BUILD)/obj/bridge/nbd_main.o $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(PCAP_LIBS) $(NL_LIBS)
$(BUILD)/aoe-fuse: $(BUILD)/obj/bridge/fuse_main.o $(FUSE) $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(FUSE_LIBS) $(PCAP_LIBS)

# ---- the library -------------------------------------------------------------
# Position-independent objects of what is not the command's own.  initiator/
# libaoe.map names what others may call; the rest is local, in the archive too,
# so that our link_open or list_each never meets theirs.
comma := ,
SONAME := libaoe.so.0
LIBAOE_MAP := initiator/libaoe.map
command_sources := $(wildcard initiator/cmd_*.c initiator/command_*.c) \
	initiator/interfaces.c initiator/disk_log.c initiator/disk_options.c \
	initiator/disk_text.c initiator/histogram.c
pic = $(patsubst %.c,$(BUILD)/pic/%.o,$(1))
LIBAOE_OBJS := $(call pic,$(filter-out $(command_sources),$(call room,initiator)))
LIBAOE_PARTS := $(BUILD)/pic/wire.a $(BUILD)/pic/base.a
$(BUILD)/pic/wire.a: $(call pic,$(call room,wire))
$(BUILD)/pic/base.a: $(call pic,$(call room,base))
$(LIBAOE_PARTS):
	$(say) AR $@
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/pic/%.o: %.c
	$(say) CC "$< (libaoe)"
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -fPIC $(THREADS) -c -o $@ $<
$(BUILD)/libaoe.a: $(LIBAOE_OBJS) $(LIBAOE_PARTS) $(LIBAOE_MAP)
	$(say) AR $@
	$(Q)$(CC) $(CFLAGS) -r -nostdlib -o $(BUILD)/pic/libaoe.o $(LIBAOE_OBJS) $(LIBAOE_PARTS)
	$(Q)sed -n 's/^ *\(aoe_[a-z_]*\);/\1/p' $(LIBAOE_MAP) >$(BUILD)/pic/public
	$(Q)$(if $(filter Darwin,$(shell uname -s)),:,$(OBJCOPY) --keep-global-symbols=$(BUILD)/pic/public $(BUILD)/pic/libaoe.o)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(BUILD)/pic/libaoe.o
$(BUILD)/libaoe.so: $(LIBAOE_OBJS) $(LIBAOE_PARTS) $(LIBAOE_MAP)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(if $(SAN),-fsanitize=address$(comma)undefined,-Wl$(comma)-z$(comma)defs) \
		-Wl,-z,relro,-z,now $(LDFLAGS) -shared -Wl,-soname,$(SONAME) \
		-Wl,--version-script=$(LIBAOE_MAP) -o $(BUILD)/$(SONAME) \
		$(LIBAOE_OBJS) $(LIBAOE_PARTS) $(PCAP_LIBS) $(THREADS)
	@ln -sf $(SONAME) $@

# A plugin for nbdkit, which sees of it only what nbdkit calls.
PLUGIN := $(call pic,$(bridge_nbdkit) bridge/nbd_aoe.c bridge/aoe_loop.c \
	$(call room,initiator) $(call room,wire) $(call room,base))
$(BUILD)/nbdkit-aoe-plugin.so: $(PLUGIN) bridge/nbdkit_plugin.map
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(if $(SAN),-fsanitize=address$(comma)undefined) \
		-Wl,-z,relro,-z,now $(LDFLAGS) -shared \
		-Wl,--version-script=bridge/nbdkit_plugin.map -o $@ $(PLUGIN) \
		$(PCAP_LIBS) $(THREADS)

# The targets that a person may want.
help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# A plain build says what it could not include and what would bring it.
.PHONY: left-out
left-out:
	@$(if $(HAVE_PCAP),:,echo "left out: --link pcap (needs libpcap: libpcap-dev)")
	@$(if $(HAVE_INIH),:,echo "left out: aoe-target --config (needs libinih: libinih-dev)")
	@$(if $(HAVE_URING),:,echo "left out: io_uring in aoe-target (needs liburing: liburing-dev)")
	@$(if $(HAVE_FUSE),:,echo "left out: aoe-fuse (needs libfuse 3: libfuse3-dev)")
	@$(if $(HAVE_NL),:,echo "left out: aoe-nbd connect (needs Linux and libnl 3: libnl-genl-3-dev)")
	@$(if $(HAVE_SECCOMP),:,echo "left out: aoe-target --seccomp (needs libseccomp: libseccomp-dev)")
	@$(if $(HAVE_NBD),:,echo "left out: NBD exports as aoe-target's disk (needs libnbd: libnbd-dev)")
	@$(if $(HAVE_NBDKIT),:,echo "left out: nbdkit-aoe-plugin (needs nbdkit: nbdkit-plugin-dev)")
	@$(if $(HAVE_CMOCKA),:,echo "left out: unit tests (need cmocka: libcmocka-dev)")

# ---- tests -------------------------------------------------------------------
unit := $(wildcard tests/unit/test_*.c)
unit := $(if $(HAVE_FUSE),$(unit),$(filter-out tests/unit/test_fuse_%,$(unit)))
unit := $(if $(HAVE_NBD),$(unit),$(filter-out tests/unit/test_store_nbd.c,$(unit)))
unit := $(if $(HAVE_SECCOMP),$(unit),$(filter-out tests/unit/test_sandbox.c,$(unit)))
unit := $(if $(HAVE_NL),$(unit),$(filter-out tests/unit/test_kernel_%,$(unit)))
UNIT := $(if $(HAVE_CMOCKA),$(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(unit)))
$(BUILD)/obj/tests/unit/test_fuse_%.o: DEFS += $(FUSE_CFLAGS)
$(BUILD)/tests/test_fuse_%: $(BUILD)/obj/tests/unit/test_fuse_%.o $(FUSE) $(TESTLIB) $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(CMOCKA_LIBS) $(FUSE_LIBS) $(PCAP_LIBS)
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(TESTLIB) $(TARGET) $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(CMOCKA_LIBS) $(TARGET_LIBS)
.SECONDARY:

.PHONY: unit-tests
unit-tests: $(UNIT)

# Programs the network tests use; each is one file and links nothing of ours,
# so that it judges independently.  They need Linux, as those tests do.
HELPERS := $(if $(filter Linux,$(shell uname -s)),$(patsubst tests/helpers/%.c,$(BUILD)/tests/helpers/%,$(wildcard tests/helpers/*.c)))
HELPERS := $(if $(HAVE_NBD),$(HELPERS),$(filter-out %/badclient,$(HELPERS)))
$(BUILD)/tests/helpers/%: $(BUILD)/obj/tests/helpers/%.o
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) -o $@ $^ $(HELPER_LIBS)
$(BUILD)/tests/helpers/badclient: HELPER_LIBS = $(NBD_LIBS)

# The simulator, and mutants of it: the same with one safety rule switched off by
# the linker, which it must notice.
SIM := $(BUILD)/tests/sim/sim
MUTANTS := $(patsubst tests/sim/mutants/%.c,$(BUILD)/tests/sim/sim-%,$(wildcard tests/sim/mutants/*.c))
SIM_OBJS := $(call objs,$(wildcard tests/sim/*.c))
SIM_LIBS := $(TESTLIB) $(TARGET) $(INITIATOR) $(WIRE) $(BASE)
# Its clock, entropy and log are in tests/sim/world.c.
SIM_WRAP := -Wl,--wrap=clock_gettime,--wrap=random_nonzero,--wrap=log_error
$(SIM): $(SIM_OBJS) $(SIM_LIBS)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) $(SIM_WRAP) -o $@ $^ $(TARGET_LIBS)
$(BUILD)/tests/sim/sim-%: $(BUILD)/obj/tests/sim/mutants/%.o $(SIM_OBJS) $(SIM_LIBS)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) $(SIM_WRAP) -Wl,--wrap=$(wrap) -o $@ $^ $(TARGET_LIBS)
$(BUILD)/tests/sim/sim-epoch: wrap = epochs_lose
$(BUILD)/tests/sim/sim-fence: wrap = fence_hit
$(BUILD)/tests/sim/sim-flush: wrap = responder_request
$(BUILD)/tests/sim/sim-neighbour: wrap = group_commit_add
$(BUILD)/tests/sim/sim-order: wrap = order_enter
$(BUILD)/tests/sim/sim-overlap: wrap = transfer_overlaps
$(BUILD)/tests/sim/sim-refused: wrap = disk_flush_again,--wrap=disk_flush_failed,--wrap=transfer_fail
$(BUILD)/tests/sim/sim-reopen: wrap = epochs_inherit
$(BUILD)/tests/sim/sim-replay: wrap = disk_lost_writes
$(BUILD)/tests/sim/sim-silence: wrap = disk_answered
$(BUILD)/tests/sim/sim-swallow: wrap = disk_flush_failed,--wrap=disk_vendor
$(BUILD)/tests/sim/sim-told: wrap = epochs_tell
$(BUILD)/tests/sim/sim-written: wrap = group_commit_lost
SEEDS ?= 10000
SEED ?= 1
.PHONY: sim
sim: $(SIM)
	$(SIM) -n $(SEEDS) -s $(SEED)
# The fuzz targets without libFuzzer: each runs its seeds, one after the other.
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(FUZZERS:%=$(BUILD)/tests/replay/%)
$(BUILD)/tests/replay/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/replay.o $(TESTLIB) $(TARGET) $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(TARGET_LIBS)

# `make check` is these three, after `make deps`: in a second make, since what
# deps installed changes what can be built.
.PHONY: check check-built tests
check: deps-test
	+@$(MAKE) --no-print-directory check-built
check-built: all tests
	@BUILD=$(BUILD) tests/run $(if $(JOBS),-j $(JOBS)) $(TESTS)
# Guests without KVM take minutes, more than `make check` may.
.PHONY: check-vm check-vm-built
check-vm: deps-vm
	+@$(MAKE) --no-print-directory check-vm-built
check-vm-built: all $(HELPERS)
	@BUILD=$(BUILD) tests/run -t 240 -j $(or $(JOBS),2) $(or $(TESTS),vm)
# A machine that is switched off, which is ready in seconds but for its tree.
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
# it is there, holds its seeds.  They are built by clang in a tree of their own.
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
$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(TESTLIB) $(TARGET) $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	$(Q)$(LINKER) -fsanitize=fuzzer $(THREADS) -o $@ $^ $(TARGET_LIBS)

.PHONY: demo demo-built
demo: deps-demo
	+@$(MAKE) --no-print-directory demo-built
demo-built: all
	@BUILD=$(BUILD) bash tests/demo.sh

# ---- what all of this needs ----------------------------------------------------
# DEPS=no takes the machine as it is.
.PHONY: deps deps-build deps-demo deps-test deps-vm deps-systemd deps-bench deps-ci
deps: deps-test
deps-build deps-demo deps-test deps-vm deps-systemd deps-bench deps-ci:
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
# mount(8) looks for its helpers here and nowhere else, whatever PREFIX is.
# Whoever may not write there installs into a PREFIX of his own without them.
HELPERDIR ?= /sbin
.PHONY: install install-mount
install: all $(if $(filter Linux,$(shell uname -s)),$(if $(HAVE_FUSE)$(HAVE_NL),install-mount))
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(DOCDIR)
	install -m 755 $(BUILD)/aoe-target $(DESTDIR)$(SBINDIR)
	install -m 755 $(filter-out %/aoe-target,$(PROGRAMS)) $(DESTDIR)$(BINDIR)
	install -m 644 $(GUIDES) dist/inittab dist/aoe-target.conf $(DESTDIR)$(DOCDIR)
	for page in $(MANUALS); do \
		install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit; \
	done
	$(if $(NBDKIT),install -D -m 644 $(NBDKIT) $(DESTDIR)$(NBDKIT_PLUGINDIR)/nbdkit-aoe-plugin.so)
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(DOCDIR)/example
	install -m 644 $(BUILD)/libaoe.a $(DESTDIR)$(LIBDIR)
	$(if $(filter %.so,$(LIBAOE)),install -m 755 $(BUILD)/$(SONAME) $(DESTDIR)$(LIBDIR)/libaoe.so.$(VERSION))
	$(if $(filter %.so,$(LIBAOE)),ln -sf libaoe.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME))
	$(if $(filter %.so,$(LIBAOE)),ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libaoe.so)
	install -m 644 initiator/aoe.h $(DESTDIR)$(INCLUDEDIR)
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

# ---- the house in order ------------------------------------------------------
SOURCES := $(wildcard $(foreach room,base wire initiator target bridge tests/*,\
	$(room)/*.c $(room)/*.h)) $(wildcard doc/example/*.c)
SCRIPTS := $(wildcard tests/*.sh tests/*/*.sh dist/*.sh dist/mount.* tests/run .ci/run)
.PHONY: clean format format-check lint
clean:
	rm -rf build
format:
	clang-format -i $(SOURCES)
format-check:
	@echo clang-format --dry-run -Werror; clang-format --dry-run -Werror $(SOURCES)
lint:
	@echo shellcheck; shellcheck $(SCRIPTS)

-include $(shell find $(BUILD)/obj $(BUILD)/pic -name '*.d' 2>/dev/null)
