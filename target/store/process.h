/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Other processes of this machine, as /proc shows them: their names, what they
 * have open, and, of AoE targets, which disk they serve.  Without Linux, or
 * without permission, nothing is known.
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

    /* From the command line of a target. */
    bool told; /* it is there */
    struct aoe_addr addr;
    char interfaces[64];     /* as given, separated by commas */
    uint64_t offset, length; /* sectors; length 0: to the end */
};

/* False: the process is gone. */
bool process_read(struct process *p, pid_t pid);

/* Calls `each` for every open file of every other process, with its path in
 * /proc, until that returns true.  Returns whether it did. */
bool process_each_file(bool (*each)(void *arg, pid_t pid, const char *path),
                       void *arg);

/* As stat(2), but does not wait for a file server that hangs. */
bool process_file_stat(const char *path, struct stat *st);
/* Whether it is open for writing; whether a lock is held on it. */
bool process_file_writes(const char *path);
bool process_file_locked(const char *path);

#endif
