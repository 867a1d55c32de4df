/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Other processes of this machine, as /proc shows them: who they are, what they
 * have open, and which disk they serve if they are AoE targets.  Elsewhere
 * than on Linux, and of what may not be seen, nothing is known.
 */
#ifndef TARGET_STORE_PROCESS_H
#define TARGET_STORE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "wire/aoe.h"

enum process_kind {
    PROCESS_OTHER,
    PROCESS_VBLADE,
    PROCESS_AOE_TARGET, /* one of ours */
    PROCESS_SERVER,     /* serves AoE disks; its configuration says which */
};

struct process {
    pid_t pid;
    char name[32];
    enum process_kind kind;

    /* Of a target that says it on its command line. */
    bool told;
    struct aoe_addr addr;
    char interfaces[64];     /* as they stand there, separated by commas */
    uint64_t offset, length; /* sectors; length 0: to the end */
};

/* False: it is gone. */
bool process_read(struct process *p, pid_t pid);

/* Calls `each` for every open file of every other process, with its name in
 * /proc, until that returns true; returns whether it did. */
bool process_each_file(bool (*each)(void *arg, pid_t pid, const char *path),
                       void *arg);

/* Looks at an open file without waiting for a server that has it. */
bool process_file_stat(const char *path, struct stat *st);
/* Whether it is open for writing; with `locked`, whether it holds a lock. */
bool process_file_writes(const char *path);
bool process_file_locked(const char *path);

#endif
