#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# memory.sh on a newer NAS: ARMv7, with Debian's kernel.

# shellcheck disable=SC2034 # memory.sh uses it
GUEST_MACHINE=armv7
. "$(dirname "$0")/memory.sh"
