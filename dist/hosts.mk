# SPDX-License-Identifier: BSD-2-Clause
#
# All programs for FreeBSD, NetBSD, OpenBSD and macOS, compiled and linked here,
# with warnings as errors: this shows that they fit these systems' headers and C
# libraries.  It does not show that they run.
#
# The compiler has the systems' own headers.  Those of libpcap and libfuse are this
# machine's; they are linked with libraries that have the names of this machine's
# functions and nothing in them.

HOSTS := $(foreach s,freebsd netbsd openbsd macos,x86_64-$(s) aarch64-$(s))
uname.freebsd := FreeBSD
uname.netbsd := NetBSD
uname.openbsd := OpenBSD
uname.macos := Darwin
uname_of = $(uname.$(lastword $(subst -, ,$(1))))

HOSTS_DIR := build/hosts
$(HOSTS): ZIG = $(call zig,0.17.1)

.PHONY: hosts $(HOSTS)
hosts: $(HOSTS)
$(HOSTS): $(call zig,0.17.1) $(HOSTS_DIR)/libraries.c
	+@mkdir -p $(HOSTS_DIR)/$@/lib && for name in pcap fuse3; do \
		$(ZIG_CACHE) $(ZIG) cc -target $@ -shared -w -DLIB_$$name \
			-o $(HOSTS_DIR)/$@/lib/lib$$name$(if $(findstring macos,$@),.dylib,.so) \
			$(HOSTS_DIR)/libraries.c || exit; done
	+@env -u MAKEFILES $(ZIG_CACHE) $(MAKE) --no-print-directory all WERROR=1 \
		BUILD=$(HOSTS_DIR)/$@ SYSTEM=$(call uname_of,$@) \
		CC="$(ZIG) cc -target $@ -isystem $(HOSTS_DIR)/include" \
		AR="$(ZIG) ar" OBJCOPY=llvm-objcopy LTO= CFLAGS="-O2 -UNDEBUG" \
		$(foreach l,NBD NBDKIT SECCOMP URING NL CMOCKA,WITH_$(l)=no) \
		HAVE_FUSE=yes FUSE_CFLAGS="-isystem $(HOSTS_DIR)/include/fuse3" FUSE_LIBS=-lfuse3 \
		LDFLAGS="-L$(HOSTS_DIR)/$@/lib"
	@rm -f a.o # the compiler leaves it behind, empty, for macOS

# Headers in a folder of their own, without the rest of this machine's, and a
# function for each that its libraries have.
$(HOSTS_DIR)/libraries.c:
	@mkdir -p $(HOSTS_DIR)/include && \
		cp -r /usr/include/pcap.h /usr/include/pcap /usr/include/fuse3 $(HOSTS_DIR)/include
	@for name in pcap fuse3; do \
		echo "#ifdef LIB_$$name"; \
		nm -D --defined-only "$$($(CC) -print-file-name=lib$$name.so)" | \
			sed -n 's/.* [TW] \([a-z_0-9]*\).*/\1/p' | sort -u | \
			sed 's/.*/void &(void) {}/'; \
		echo '#endif'; \
	done >$@
