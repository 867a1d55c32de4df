#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# boot.sh on a newer NAS: ARMv7, with Debian's kernel.

# shellcheck disable=SC2034 # boot.sh uses it
GUEST_MACHINE=armv7
. "$(dirname "$0")/boot.sh"
