#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# doc/nas.md with Entware and OpenWrt: tests/systemd/page.sh has how.

PAGE_KINDS_HERE="entware openwrt"
. "$(dirname "$0")/page.sh"
