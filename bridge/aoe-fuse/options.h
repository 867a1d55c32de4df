/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-fuse mount`.
 */
#ifndef BRIDGE_AOE_FUSE_OPTIONS_H
#define BRIDGE_AOE_FUSE_OPTIONS_H

#include "bridge/aoe-fuse/fs.h"
#include "initiator/client/interfaces.h"

enum { MOUNT_DISKS_MAX = 64 };

struct mount_address {
    uint16_t shelf;
    uint8_t slot;
};

struct mount_options {
    struct interfaces interfaces;
    struct mount_address disks[MOUNT_DISKS_MAX];
    unsigned disk_count;
    const char *dir; /* as the user wrote it */
    bool foreground;
    char link[8]; /* of -o link=, which ends before its text is used */
    struct aoe_disk_options disk; /* of every disk, but for read_only */
    uint64_t wait;                /* how long disks are looked for, ns */
    struct aoefs_options fs;      /* but for the callbacks */
    struct fuse_args mount;       /* fs.mount points here */
};

/* Reads `mount DISK... DIR [option]...`.  True: go on.  False: the command is
 * over with exit status *status, and the user knows why. */
bool mount_options_parse(struct mount_options *o, int argc, char **argv,
                         int *status);
void mount_options_free(struct mount_options *o);

/* One `-o` argument: options separated by commas.  False after saying what is
 * wrong with one. */
bool mount_options_list(struct mount_options *o, const char *list);

/* The same for an option of the command line: `name` is an option of ours with
 * its '='. */
bool mount_option_set(struct mount_options *o, const char *name,
                      const char *value);

/* Hands `-o option` on. */
bool mount_option_to_libfuse(struct mount_options *o, const char *option);

#endif
