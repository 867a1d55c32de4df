# SPDX-License-Identifier: BSD-2-Clause
#
# A compiler for every system and processor, with their headers and C libraries: a
# Python package.  The same version gives the same bytes.  The C libraries are
# compiled once for each processor and kept beside it.

ZIG_ROOT ?= $(HOME)/.cache/aoekit
# $(call zig,VERSION): the file.
zig = $(ZIG_ROOT)/zig-$(1)/zig
ZIG_CACHE = ZIG_GLOBAL_CACHE_DIR=$(dir $(ZIG))cache ZIG_LOCAL_CACHE_DIR=$(dir $(ZIG))cache

$(ZIG_ROOT)/zig-%/zig:
	$(say) FETCH "ziglang $*"
	@mkdir -p $(@D) && python3 -m venv $(@D)/venv && \
		$(@D)/venv/bin/pip install -q --disable-pip-version-check \
			ziglang==$* && \
		ln -sf "$$($(@D)/venv/bin/python -c 'import os, ziglang; \
			print(os.path.dirname(ziglang.__file__))')/zig" $@
