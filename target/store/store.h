/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The interface to storage: a store runs lists of operations and completes each
 * by a callback, possibly inside submit.  It may run them in any order and side
 * by side; operations that must not are kept apart by target/protocol/order.h.
 *
 * Stores: `file` (regular files and block devices), `nbd` (an NBD export),
 * `fault` (wraps another and makes it fail).  One thread owns a store.
 */
#ifndef TARGET_STORE_STORE_H
#define TARGET_STORE_STORE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "target/protocol/operation.h"
#include "target/store/workers.h"

struct store;

struct store_ops {
    const char *name;
    void (*submit)(struct store *s, struct list *ops);
    void (*close)(struct store *s);
};

struct store {
    const struct store_ops *ops;
    uint64_t size;            /* bytes, a multiple of 512 */
    uint32_t physical_sector; /* bytes the medium writes at once, >= 512 */
    bool read_only;
    bool no_cache; /* every write is durable when it completes */
    bool can_trim;
    bool trim_zeroes; /* trimmed bytes read as zero */
    bool solid;       /* known not to rotate */
    /* Alignment of `data` with which operations need not be copied; 1: any. */
    uint32_t memory_align;
    /* The same for the same storage across restarts, different for others. */
    uint64_t identity;
    uint64_t naming; /* as device.naming */
    /* How often writes that had completed, with no FLUSH since, may have been
     * lost: a sync failed, on whoever's behalf, or a server was lost.  It is
     * counted before the operation completes that met the failure. */
    uint64_t losses;
    /* Its device has answered as one that was removed. */
    bool gone;
    /* Of a file or device, to be looked at and not closed; -1: it has none. */
    int fd;
};

/* Takes over every operation of the list (of store_op.link) and leaves the list
 * empty.  Completions may run inside this call: they may add to a list of the
 * caller's, but must not submit. */
static inline void store_submit(struct store *s, struct list *ops)
{
    list_each(it, ops) {
        const struct store_op *op = list_entry(it, struct store_op, link);

        assert(op->complete);
        assert(((uint32_t)op->offset | (uint32_t)op->length) % 512 == 0);
        assert(op->offset <= s->size && op->length <= s->size - op->offset);
        (void)op;
    }
    s->ops->submit(s, ops);
}

/* All operations must have completed. */
static inline void store_close(struct store *s)
{
    if (s)
        s->ops->close(s);
}

/* ---- target/store/store_file.c ---- */

struct store_file_options {
    const char *path; /* for messages, and to open again for direct I/O */
    bool read_only;
    bool direct;     /* bypass the page cache where alignment allows */
    uint64_t offset; /* bytes of the file left out at its start */
    uint64_t length; /* bytes to serve; 0: to the file's end */
    bool no_ring;    /* only workers, as where there is no io_uring */
};

/* A store on the open file or block device `fd`, which it takes over, also when
 * this fails.  Errors are logged.  0 or -errno. */
int store_file_open(struct store **out, int fd,
                    const struct store_file_options *o,
                    struct workers *workers);

/* ---- target/store/store_fault.c ---- */

struct loop;

/* Checks a --fault argument.  0 or -EINVAL. */
int store_fault_check(const char *spec);

/* Wraps `inner`, which becomes the new store's unless this fails, and injects
 * the faults of `spec`: see aoe-target(8), --fault.  0 or -errno. */
int store_fault_open(struct store **out, struct store *inner, const char *spec,
                     struct loop *loop);

#endif
