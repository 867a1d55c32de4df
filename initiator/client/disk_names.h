/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The disks that a command line names.
 */
#ifndef INITIATOR_CLIENT_DISK_NAMES_H
#define INITIATOR_CLIENT_DISK_NAMES_H

#include <stdint.h>

enum { DISK_NAMES_MAX = 64 };

struct disk_name {
    uint16_t shelf;
    uint8_t slot;
};

struct disk_names {
    struct disk_name of[DISK_NAMES_MAX]; /* all different */
    unsigned count;
};

#endif
