/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The data of aoe copy: from a disk to a file or the other way, with several
 * requests in flight.
 */
#ifndef INITIATOR_AOE_COPY_DATA_H
#define INITIATOR_AOE_COPY_DATA_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "initiator/libaoe/aoe.h"
#include "initiator/aoe/progress.h"

struct command_copy {
    struct aoe *aoe;
    struct aoe_disk *disk;
    int fd;
    bool to_disk;
    bool sparse; /* the file has nothing from `offset` on: zeroes need not be
                    written */
    uint64_t offset, end;              /* bytes, the same on both sides */
    const volatile sig_atomic_t *stop; /* set by a signal */
    const bool *lost_writes;           /* set when the target was restarted */
    struct command_progress progress;

    /* How it went. */
    uint64_t done;      /* bytes */
    int status;         /* 0 or -errno; -ESTALE: *lost_writes */
    bool of_file;       /* the file failed, not the disk */
    uint64_t failed_at; /* the byte that failed */
    uint64_t resume;    /* all bytes before this one were copied, */
    uint64_t durable;   /* and before this one a flush has covered them */
};

/* Copies until it is done, fails or is stopped; what is in flight is waited
 * for.  True when all was copied.  A disk is flushed now and then, so that a
 * restart of its target does not cost the whole copy.  The caller flushes the
 * end of it, and syncs a file. */
bool command_copy_run(struct command_copy *c);

#endif
