/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-fuse mount`.
 */
#ifndef BRIDGE_AOE_FUSE_OPTIONS_H
#define BRIDGE_AOE_FUSE_OPTIONS_H

#include "bridge/aoe-fuse/fs.h"
#include "initiator/client/client_options.h"
#include "initiator/client/disk_names.h"

struct mount_options {
    struct client_options client; /* of every disk */
    struct disk_names disks;
    const char *dir;         /* as the user wrote it */
    struct aoefs_options fs; /* but for the callbacks */
    struct fuse_args mount;  /* fs.mount points here */
};

/* Reads `mount DISK... DIR [option]...`.  True: go on.  False: the command is
 * over with exit status *status, and the user knows why. */
bool mount_options_parse(struct mount_options *o, int argc, char **argv,
                         int *status);
void mount_options_free(struct mount_options *o);

/* One `-o` argument: options separated by commas.  NULL; or "" after saying
 * what is wrong with one. */
const char *mount_options_list(void *to, const char *list);

/* Hands `-o option` on. */
bool mount_option_to_libfuse(struct mount_options *o, const char *option);

#endif
