/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of stores: a loop with workers, a temporary file, and operations
 * that are run until they complete.
 */
#ifndef TESTS_UNIT_STORES_H
#define TESTS_UNIT_STORES_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"
#include "target/store/store.h"
#include "target/store/workers.h"

struct place {
    struct loop *loop;
    struct workers *workers;
    struct store *store;
    char path[64];
    struct list ops; /* to be submitted */
    unsigned waiting;
};

static struct place place;

static inline void op_complete(struct store_op *op)
{
    assert_true(op->done <= op->length);
    assert_int_equal(op->done % 512, 0);
    if (op->result == 0 && op->kind != STORE_FLUSH)
        assert_int_equal(op->done, op->length);
    if (--place.waiting == 0)
        loop_stop(place.loop, 0);
}

/* Adds an operation to what place_run submits. */
static inline struct store_op *add_op(struct store_op *op, enum store_kind kind,
                                      uint64_t sector, uint64_t sectors,
                                      void *data)
{
    *op = (struct store_op){.kind = kind,
                            .offset = sector * 512,
                            .length = sectors * 512,
                            .data = data,
                            .result = 1,
                            .complete = op_complete};
    list_append(&place.ops, &op->link);
    place.waiting++;
    return op;
}

static inline void place_run(void)
{
    struct list batch;

    list_init(&batch);
    list_splice(&batch, &place.ops);
    store_submit(place.store, &batch);
    assert_true(list_empty(&batch));
    if (place.waiting)
        assert_int_equal(loop_run(place.loop), 0);
}

/* One operation alone; its result. */
static inline int run_one(struct store_op *op, enum store_kind kind,
                          uint64_t sector, uint64_t sectors, void *data)
{
    add_op(op, kind, sector, sectors, data);
    place_run();
    return op->result;
}

static inline void place_open(const char *folder)
{
    int fd;

    memset(&place, 0, sizeof place);
    list_init(&place.ops);
    snprintf(place.path, sizeof place.path, "%s/target-store-XXXXXX", folder);
    fd = mkstemp(place.path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(loop_open(&place.loop), 0);
    assert_int_equal(workers_open(&place.workers, place.loop, 8), 0);
}

/* 0 or -errno. */
static inline int place_store(const struct store_file_options *more)
{
    struct store_file_options o = *more;
    int fd = open(place.path, o.read_only ? O_RDONLY : O_RDWR);

    assert_true(fd >= 0);
    o.path = place.path;
    return store_file_open(&place.store, fd, &o, place.workers);
}

static inline void place_close(void)
{
    store_close(place.store);
    workers_close(place.workers);
    loop_close(place.loop);
    unlink(place.path);
}

static inline uint64_t file_size(void)
{
    struct stat st;

    assert_int_equal(stat(place.path, &st), 0);
    return (uint64_t)st.st_size;
}

#endif
