/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which programs have the file or device open that is to be exported, and would
 * be a second writer.
 */
#ifndef TARGET_STORE_OPEN_BY_H
#define TARGET_STORE_OPEN_BY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct open_by_question {
    int fd; /* of the file or device */
    bool read_only;
    uint64_t offset, length; /* the part, in bytes; length 0: to the end */
};

/* Whether a program that takes no locks conflicts: it has the file open for
 * writing, or is a vblade that has it open at all, unless both only read. `out`
 * names it: "open for writing by qemu-nbd (pid 7)". */
bool open_by_another(const struct open_by_question *q, char *out,
                     size_t capacity);

/* Who has it open for writing, targets of ours among them: "in use by
 * aoe-target (pid 7)". */
bool open_by_anybody(const struct open_by_question *q, char *out,
                     size_t capacity);

/* Who holds a lock. */
struct open_by_holder {
    char text[256];
    char hint[160]; /* what to do if both are meant to serve it; or "" */
};

/* Names the holder of a lock on it: `what`, and the process if it is visible.
 */
void open_by_locker(const struct open_by_question *q, const char *what,
                    struct open_by_holder *o);

#endif
