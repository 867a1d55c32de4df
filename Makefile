# aoekit: ATA over Ethernet in userspace.  `make help` lists the targets.
#
# Every source file in a room belongs to that room's archive, except the
# mains; a test in tests/unit or tests/net is found by its name.  Nothing here
# has to change when a file is added.

PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
AR ?= ar
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
WITH_FUSE := no
WITH_CMOCKA := no
endif
have = $(if $(filter no,$(1)),,$(shell $(PKG_CONFIG) --exists $(2) 2>/dev/null && echo yes))
HAVE_PCAP := $(call have,$(WITH_PCAP),libpcap)
HAVE_FUSE := $(call have,$(WITH_FUSE),fuse3)
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
endif
DEFS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DAOEKIT_VERSION='"$(VERSION)"'
ifeq ($(HAVE_PCAP),yes)
DEFS += -DHAVE_PCAP
PCAP_LIBS := $(shell $(PKG_CONFIG) --libs libpcap)
endif
FUSE_CFLAGS := $(if $(HAVE_FUSE),$(shell $(PKG_CONFIG) --cflags fuse3))
FUSE_LIBS := $(if $(HAVE_FUSE),$(shell $(PKG_CONFIG) --libs fuse3))
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

.PHONY: all target
all: $(PROGRAMS) left-out
target: $(BUILD)/aoe-target

$(BASE): $(call objs,$(call room,base))
$(WIRE): $(call objs,$(call room,wire))
$(INITIATOR): $(call objs,$(call room,initiator))
$(TARGET): $(call objs,$(call room,target))
$(BRIDGE): $(call objs,$(filter-out $(bridge_fuse),$(call room,bridge)))
$(FUSE): $(call objs,$(bridge_fuse))
$(TESTLIB): $(call objs,$(wildcard tests/lib/*.c))

$(BUILD)/lib/%.a:
	$(say) AR $@
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/obj/bridge/fuse%.o: DEFS += $(FUSE_CFLAGS)
$(BUILD)/obj/%.o: %.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(THREADS) -c -o $@ $<

$(BUILD)/aoe: $(BUILD)/obj/initiator/main.o $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(PCAP_LIBS)
$(BUILD)/aoe-target: $(BUILD)/obj/target/main.o $(TARGET) $(WIRE) $(BASE)
	$(say) LINK $@
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(PCAP_LIBS)
$(BUILD)/aoe-nbd: $(BUILD)/obj/bridge/nbd_main.o $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(PCAP_LIBS)
$(BUILD)/aoe-fuse: $(BUILD)/obj/bridge/fuse_main.o $(FUSE) $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(FUSE_LIBS) $(PCAP_LIBS)

# A plain build says what it could not include and what would bring it.
.PHONY: left-out
left-out:
	@$(if $(HAVE_PCAP),:,echo "left out: --link pcap (needs libpcap: libpcap-dev)")
	@$(if $(HAVE_FUSE),:,echo "left out: aoe-fuse (needs libfuse 3: libfuse3-dev)")
	@$(if $(HAVE_CMOCKA),:,echo "left out: unit tests (need cmocka: libcmocka-dev)")

# ---- tests -------------------------------------------------------------------
unit := $(wildcard tests/unit/test_*.c)
unit := $(if $(HAVE_FUSE),$(unit),$(filter-out tests/unit/test_fuse_%,$(unit)))
UNIT := $(if $(HAVE_CMOCKA),$(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(unit)))
$(BUILD)/obj/tests/unit/test_fuse_%.o: DEFS += $(FUSE_CFLAGS)
$(BUILD)/tests/test_fuse_%: $(BUILD)/obj/tests/unit/test_fuse_%.o $(FUSE) $(TESTLIB) $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(CMOCKA_LIBS) $(FUSE_LIBS) $(PCAP_LIBS)
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(TESTLIB) $(TARGET) $(BRIDGE) $(INITIATOR) $(WIRE) $(BASE)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(LINKER) $(THREADS) -o $@ $^ $(CMOCKA_LIBS) $(PCAP_LIBS)
.SECONDARY:

.PHONY: unit-tests
unit-tests: $(UNIT)

.PHONY: clean format
clean:
	rm -rf build
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
