# SPDX-License-Identifier: BSD-2-Clause
#
# aoe-target for every NAS: one static file for each kind of processor, built by
# one compiler that brings a C library (musl), kernel headers and a linker for
# all of them.  Debian's cross compilers would bring glibc, which needs Linux
# 3.2; musl runs on 2.6.17.
#
# The same sources and compiler make the same files, byte for byte, in whatever
# directory and at whatever time.  NAS="armv5te mipsel" builds only these.

# The oldest processor of each kind, without floating-point unit and SIMD.
# armv5te: EABI; systems of the older ABI (OABI) cannot run it.
nas.armv5te := arm-linux-musleabi -mcpu=arm926ej_s
nas.armv6 := arm-linux-musleabi -mcpu=arm1136j_s
nas.armv7 := arm-linux-musleabi -mcpu=generic+v7a-neon
nas.aarch64 := aarch64-linux-musl -mcpu=generic
nas.mips := mips-linux-musleabi -mcpu=mips32
nas.mipsel := mipsel-linux-musleabi -mcpu=mips32
nas.powerpc := powerpc-linux-musleabi -mcpu=ppc
nas.i386 := x86-linux-musl -mcpu=i586
nas.x86_64 := x86_64-linux-musl -mcpu=x86_64
nas.riscv64 := riscv64-linux-musl -mcpu=baseline_rv64

NAS ?= $(patsubst nas.%,%,$(filter nas.%,$(.VARIABLES)))
NAS_DIR := build/nas
NAS_FILES := $(NAS:%=$(NAS_DIR)/aoe-target-%)

# Newer versions have rewritten parts of musl in a language that promises nothing
# for Linux before 5.10.
ZIG := $(call zig,0.14.1)

# The compiler would take assertions out.
NAS_CFLAGS := -O2 -UNDEBUG -ffile-prefix-map=$(CURDIR)=.

.PHONY: nas nas-build check-nas-binaries check-nas-binaries-built
nas: $(NAS_FILES)
	@cd $(NAS_DIR) && sha256sum $(notdir $(NAS_FILES)) >SHA256SUMS && \
		wc -c $(notdir $(NAS_FILES)) | sed '/ total$$/d' >SIZES && cat SIZES

# A make of its own for each, which knows what is up to date.
$(NAS_DIR)/aoe-target-%: nas-build $(ZIG)
	+@env -u MAKEFILES $(ZIG_CACHE) \
		$(MAKE) --no-print-directory target STATIC=1 SAN= \
		BUILD=$(NAS_DIR)/$* CC="$(ZIG) cc -target $(nas.$*)" \
		AR="$(ZIG) ar" LTO=-flto CFLAGS="$(NAS_CFLAGS)"
	@cp $(NAS_DIR)/$*/aoe-target $@
nas-build:

# What runs them as old kernels would, for the 32-bit processors that it knows.
NAS_OLD := $(NAS_DIR)/tests/oldkernel-i386 $(NAS_DIR)/tests/oldkernel-armv5te
$(NAS_DIR)/tests/oldkernel-%: tests/helpers/oldkernel.c $(ZIG)
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(ZIG_CACHE) $(ZIG) cc -target $(nas.$*) -std=gnu11 -D_GNU_SOURCE -static -s \
		$(NAS_CFLAGS) $(WARN) -o $@ $<

# What the guests of check-nas run.
NAS_GUEST := $(addprefix $(NAS_DIR)/,aoe-target-armv5te aoe-target-armv6 \
	aoe-target-armv7 tests/oldkernel-armv5te)

# Each is run by an emulator of its processor, with a client of this machine.
check-nas-binaries: deps-cross
	+@$(MAKE) --no-print-directory check-nas-binaries-built
check-nas-binaries-built: nas $(NAS_OLD) all
	@BUILD=$(BUILD) tests/run -t 400 -j $(or $(JOBS),2) nas/binaries
