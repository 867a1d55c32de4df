/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The blocking layer: each call polls and services until its work is done.
 */
#include "base/errors.h"
#include "initiator/libaoe/aoe.h"

#include <assert.h>

#include "initiator/libaoe/context.h"
#include "initiator/libaoe/disk.h"

int aoe_wait(struct aoe *aoe, int64_t timeout)
{
    struct pollfd fds[AOE_INTERFACE_MAX];
    int count = aoe_poll_fds(aoe, fds, AOE_INTERFACE_MAX);
    int64_t due = aoe_timeout(aoe);
    int ms = -1;

    if (timeout >= 0 && (due < 0 || timeout < due))
        due = timeout;
    if (due >= 0)
        ms =
            due / 1000000 > 1000000 ? 1000000 : (int)((due + 999999) / 1000000);
    if (poll(fds, (nfds_t)count, ms) < 0 && errno != EINTR)
        return -errno;
    aoe_service(aoe);
    return 0;
}

/* ---- requests -------------------------------------------------------------
 */

struct wait {
    bool done;
    int status;
};

static void wait_done(struct aoe_request *r, int status)
{
    struct wait *w = r->arg;

    w->done = true;
    w->status = status;
}

static int run(struct aoe_disk *d, enum aoe_op op, void *buffer,
               uint64_t length, uint64_t offset)
{
    struct wait w = {0};
    struct iovec iov = {buffer, (size_t)length};
    struct aoe_request r = {.op = op,
                            .offset = offset,
                            .length = length,
                            .iov = &iov,
                            .iovcnt = 1,
                            .done = wait_done,
                            .arg = &w};
    int err;

    assert(d->aoe->stage == AOE_IDLE); /* never from a callback */
    err = aoe_submit(d, &r);
    if (err)
        return err;
    /* The request is on our stack: whatever poll says, it has to end first,
     * and it does, at its deadline. */
    while (!w.done)
        aoe_wait(d->aoe, -1);
    return w.status;
}

int aoe_read(struct aoe_disk *disk, void *buffer, size_t length,
             uint64_t offset)
{
    return run(disk, AOE_READ, buffer, length, offset);
}

int aoe_write(struct aoe_disk *disk, const void *buffer, size_t length,
              uint64_t offset)
{
    return run(disk, AOE_WRITE, (void *)(uintptr_t)buffer, length, offset);
}

int aoe_trim(struct aoe_disk *disk, uint64_t length, uint64_t offset)
{
    return run(disk, AOE_TRIM, NULL, length, offset);
}

int aoe_zero(struct aoe_disk *disk, uint64_t length, uint64_t offset)
{
    return run(disk, AOE_ZERO, NULL, length, offset);
}

int aoe_flush(struct aoe_disk *disk)
{
    return run(disk, AOE_FLUSH, NULL, 0, 0);
}

static void control_done(struct aoe_control *c, int status)
{
    struct wait *w = c->arg;

    w->done = true;
    w->status = status;
}

int aoe_control_run(struct aoe *aoe, struct aoe_control *c)
{
    struct wait w = {0};
    int err;

    assert(aoe->stage == AOE_IDLE); /* never from a callback */
    c->done = control_done;
    c->arg = &w;
    err = aoe_control_submit(aoe, c);
    if (err)
        return err;
    while (!w.done)
        aoe_wait(aoe, -1);
    return w.status;
}

/* ---- opening --------------------------------------------------------------
 */

int aoe_disk_open_wait(struct aoe *aoe, const char *name,
                       const struct aoe_disk_options *options, uint64_t wait,
                       struct aoe_disk **out)
{
    uint64_t end;
    struct aoe_disk *d;
    uint16_t shelf;
    uint8_t slot;
    int err = aoe_name_parse(name, &shelf, &slot);

    if (!err)
        err = aoe_disk_open(aoe, shelf, slot, options, NULL, NULL, &d);
    if (err)
        return err;
    aoe_now(aoe);
    end = aoe_awake(aoe) + wait;
    while (!err && d->state != DISK_READY) {
        uint64_t now;

        aoe_now(aoe);
        now = aoe_awake(aoe);
        if (d->state == DISK_CONFLICT)
            err = -ENOTUNIQ;
        else if (now >= end)
            err = -ETIMEDOUT;
        else
            err = aoe_wait(aoe, (int64_t)(end - now));
    }
    if (err) {
        aoe_disk_close(d);
        return err;
    }
    *out = d;
    return 0;
}
