/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Two disks behind one network address: each answers what is asked of either.
 * (Two disks at two addresses: test_disk.c.)
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "initiator/disk.h"
#include "tests/lib/model_target.h"

struct fixture {
    struct world w;
    struct model *nas;
    struct aoe_disk *disk;
    unsigned events[16];
};

struct io {
    struct aoe_request r;
    struct iovec iov;
    bool done;
    int status;
};

static void on_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    (void)disk;
    ((struct fixture *)arg)->events[event]++;
}

static void start(struct fixture *f, const char *twin)
{
    memset(f, 0, sizeof *f);
    world_open(&f->w, 3, 1500);
    f->nas = world_add(&f->w, 1024, 1500, "one");
    f->nas->twin = twin;
    assert_int_equal(aoe_disk_open(f->w.aoe, 1, 2, NULL, on_event, f, &f->disk),
                     0);
    world_run(&f->w, NS_PER_S, NULL);
}

static void io_done(struct aoe_request *r, int status)
{
    struct io *io = r->arg;

    io->done = true;
    io->status = status;
}

static int write_one(struct fixture *f)
{
    static uint8_t sector[512];
    struct io io = {.iov = {sector, sizeof sector}};
    int err;

    io.r = (struct aoe_request){.op = AOE_WRITE,
                                .length = sizeof sector,
                                .iov = &io.iov,
                                .iovcnt = 1,
                                .done = io_done,
                                .arg = &io};
    err = aoe_submit(f->disk, &io.r);
    if (!err)
        world_run(&f->w, 100 * NS_PER_S, &io.done);
    return err ? err : io.status;
}

static void names_both(struct fixture *f)
{
    const char *trouble = aoe_disk_trouble(f->disk);

    assert_non_null(strstr(trouble, "e1.2"));
    assert_non_null(strstr(trouble, "\"one\""));
    assert_non_null(strstr(trouble, "\"two\""));
    assert_non_null(strstr(trouble, "02:00:00:00:00:0a"));
    assert_non_null(strstr(trouble, "client0"));
}

static void neither_is_opened(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "two");
    assert_int_equal(f.events[AOE_DISK_READY], 0);
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 1);
    assert_int_equal(write_one(&f), -ENOTUNIQ);
    names_both(&f);
    world_close(&f.w);
}

/* The wire doubled a request: two answers, one disk. */
static void two_answers_of_one_disk(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, "one");
    assert_int_equal(f.events[AOE_DISK_READY], 1);
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 0);
    assert_int_equal(write_one(&f), 0);
    world_close(&f.w);
}

static void a_twin_joins_and_leaves(void **state)
{
    struct fixture f;
    unsigned writes;

    (void)state;
    start(&f, NULL);
    assert_int_equal(write_one(&f), 0);
    writes = f.nas->writes;
    f.nas->twin = "two";
    model_announce(f.nas);
    for (int i = 0; i < 200; i++) { /* it does not flicker */
        world_run(&f.w, 50 * NS_PER_MS, NULL);
        assert_int_equal(write_one(&f), -ESTALE);
    }
    assert_int_equal(f.nas->writes, writes);
    assert_int_equal(f.events[AOE_DISK_CHANGED], 1);
    names_both(&f);
    f.nas->twin = NULL;
    world_run(&f.w, 5 * NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_BACK], 1);
    assert_int_equal(write_one(&f), 0);
    world_close(&f.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_is_opened),
        cmocka_unit_test(two_answers_of_one_disk),
        cmocka_unit_test(a_twin_joins_and_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
