# SPDX-License-Identifier: BSD-2-Clause
#
# What a static aoe-target hardly ever runs once it serves its disk, such as the
# translation of other programs' configuration, is optimized for size and linked
# apart from the rest, at addresses of its own: where memory is scarce it is then
# not in it.  Linux maps 64 KiB around each address that is touched, so what is
# strewn over a program is in memory with all that lies between.

SELDOM := target/ctl target/import_command target/import/% \
	target/config/config_file target/serve/control% target/serve/stats% \
	target/serve/exports_reload target/serve/reload_plan target/serve/disk_report \
	target/serve/state target/serve/port_trace target/store/store_fault \
	base/log_syslog

# What every target runs, but only until then, is made small as well, and keeps the
# frames that it needs only then off the stack below.
FIRST := target/main target/options target/opener target/wanted_config \
	target/privilege target/config/config target/config/config_keys \
	target/config/config_resolve target/serve/exports target/serve/exports_% \
	target/serve/boot target/serve/neighbour target/serve/address_lock \
	target/serve/duplicate target/serve/state_store target/serve/status \
	target/store/claim target/store/device target/store/device_name \
	target/store/in_use target/store/process target/store/open_by \
	target/store/file_move target/store/nbd_uri target/serve/server_disks \
	target/serve/server_ports base/options base/format base/notify base/title \
	base/net_master base/swap_table base/mount_table base/output base/random \
	target/store/sysfs wire/netif wire/netwatch wire/ata wire/aoe_text wire/processor

# Of the C library (musl): globs, numbers with fractions, time zones, sorting, wide
# characters, lists of addresses.
SELDOM_LIBC := fnmatch fnmatch_internal pat_next* match_bracket iswctype \
	__floatscan decfloat hexfloat scanexp fmod scalbn copysign frexp \
	do_tzset __secs_to_zone rule_to_secs getrule getoff __secs_to_tm \
	__year_to_secs __month_to_secs localtime_r __localtime64_r \
	qsort qsort_r __qsort_r sift trinkle cycle twoway_strstr \
	mbrtowc wcrtomb mbtowc wctomb scandir __synccall convert_ioctl_struct \
	getifaddrs freeifaddrs netlink_msg_to_ifaddr copy_addr copy_lladdr gen_netmask
SELDOM_LIBC_FILES := iswalpha iswpunct towctrans

$(foreach f,$(SELDOM) $(FIRST),$(if $(wildcard $(subst %,*,$(f)).c),,\
	$(error dist/seldom.mk: there is no $(f).c)))

# Without link-time optimization, which would move it into its callers.
$(SELDOM:%=$(BUILD)/obj/%.o): override LTO := -fno-lto -Os
$(FIRST:%=$(BUILD)/obj/%.o): override LTO += -Os \
	$(if $(LTO_RELOCATABLE),-fno-inline-functions-called-once)

# Its strings go with it.  For ld an address of its own begins another segment,
# which Linux maps by itself; for lld, which would fill the gap, it ends the one
# with the code.
SELDOM_AT := $(if $(LTO_RELOCATABLE),ALIGN(0x10000))
SELDOM_AFTER := $(if $(LTO_RELOCATABLE),.eh_frame,.text)
SELDOM_LD := $(BUILD)/seldom.ld
seldom_of = *$(subst /,-,$(patsubst %/,%,$(dir $(1)))).a:$(notdir $(subst %,*,$(1))).o
$(SELDOM_LD): dist/seldom.mk
	@mkdir -p $(@D)
	@{ echo 'SECTIONS { .text.seldom $(SELDOM_AT) : {'; \
	printf '    %s(.text .text.* .rodata .rodata.*)\n' $(foreach f,$(SELDOM),'$(call seldom_of,$(f))'); \
	printf '    *(.text.%s)\n' $(foreach f,$(SELDOM_LIBC),'$(f)'); \
	printf '    *%s.*(.text .text.* .rodata .rodata.*)\n' $(SELDOM_LIBC_FILES); \
	echo '} } INSERT AFTER $(SELDOM_AFTER);'; } >$@
$(BUILD)/aoe-target: $(SELDOM_LD)
LINK_HARDEN += -Wl,-T,$(SELDOM_LD)
