/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Hands one end of a socket pair to the kernel: for a new device, or for one
 * whose server died.
 */
#include "base/fd.h"
#include "bridge/aoe-nbd/kernel/connection.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "bridge/aoe-nbd/kernel/nbd.h"

/* How often a new socket is offered to the kernel, a tenth of a second
 * apart. */
enum { OFFERS = 100 };

static uint16_t device_flags(const struct nbd_export *e)
{
    uint16_t flags =
        NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA;

    if (e->rotating)
        flags |= NBD_FLAG_ROTATIONAL;
    if (e->read_only)
        return flags | NBD_FLAG_READ_ONLY;
    if (e->trim)
        flags |= NBD_FLAG_SEND_TRIM;
    return flags | NBD_FLAG_SEND_WRITE_ZEROES;
}

int connection_refuse(const struct kernel_connection *c, const char *why)
{
    char device[32] = "a block device";

    if (c->options.index >= 0)
        snprintf(device, sizeof device, "/dev/nbd%d", c->options.index);
    log_error("connect: %s: %s: %s", c->options.name, device, why);
    return -1;
}

void connection_settled(void *arg)
{
    struct kernel_connection *c = arg;

    if (c->lock >= 0)
        kernel_server_note(c->lock, aoe_disk_identity(c->disk.disk)->epoch);
}

/* 0, or -1 after reporting why. */
static int take_lock(struct kernel_connection *c, int index)
{
    c->lock = kernel_server_lock(index);
    if (c->lock >= 0)
        return 0;
    return connection_refuse(c, c->lock == -EAGAIN ? "it has a server already"
                                                   : strerror(-c->lock));
}

static int make_device(struct kernel_connection *c, int fd)
{
    const struct nbd_export *e = &c->disk.export;
    struct kernel_nbd k = {.index = c->options.index,
                           .fd = fd,
                           .size = e->size,
                           .flags = device_flags(e),
                           .hold = c->options.hold,
                           .backend = c->backend};
    struct kernel_device other;
    int err;

    if (kernel_device_find(&other, e->name)) {
        log_error("connect: %s: is /dev/nbd%d already%s", e->name, other.index,
                  kernel_server(other.index)
                      ? ""
                      : "; its server is gone, --resume brings it back");
        return -1;
    }
    err = kernel_nbd_connect(&k);
    if (err)
        return connection_refuse(c, kernel_nbd_error(err));
    c->index = k.index;
    err = take_lock(c, k.index);
    if (err)
        kernel_nbd_disconnect(k.index); /* nobody has used it yet */
    else
        connection_settled(c);
    return err;
}

/* Whether the kernel closed its end of the pair instead of taking it; `fd` is
 * our end. */
static bool hung_up(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

/* Hands over one end of a new pair; *fd becomes ours. 0, -EAGAIN when the
 * kernel has not noticed yet that its old socket is dead, or -errno. */
static int offer(const struct kernel_connection *c, int index, int *fd)
{
    struct kernel_nbd k = {
        .index = index, .hold = c->options.hold, .backend = c->backend};
    int ends[2], err;

    if (fd_socket_pair(AF_UNIX, SOCK_STREAM, 0, ends))
        return -errno;
    k.fd = ends[1];
    fd_nonblock(ends[0]); /* the driver's end blocks */
    err = kernel_nbd_resume(&k);
    close(ends[1]);
    if (!err && hung_up(ends[0]))
        err = -EAGAIN;
    if (err)
        close(ends[0]);
    else
        *fd = ends[0];
    return err;
}

/* Why the disk cannot serve the device `d`, or NULL. */
static const char *unsuitable(const struct kernel_connection *c,
                              const struct kernel_device *d)
{
    const struct nbd_export *e = &c->disk.export;

    if (strcmp(d->backend, c->backend) != 0)
        return "it was connected to another disk";
    if (e->read_only && !d->read_only)
        return c->options.client.disk.read_only
                   ? "it is writable, and --read-only would fail its writes; "
                     "resume it without"
                   : "it is writable, and the disk has become read-only";
    if (d->size > e->size)
        return "the disk has become smaller";
    return NULL;
}

/* Retries until the kernel takes a socket, for ten seconds at most. */
static int offer_until_taken(const struct kernel_connection *c, int index,
                             int *fd)
{
    static const struct timespec pause = {0, 100000000};
    int err = offer(c, index, fd);

    for (int i = 1; i < OFFERS && err == -EAGAIN; i++) {
        nanosleep(&pause, NULL);
        err = offer(c, index, fd);
    }
    return err;
}

static int resume_device(struct kernel_connection *c, int *fd)
{
    const char *name = c->disk.export.name, *why;
    struct kernel_device d;
    int err;

    if (c->options.index < 0 ? !kernel_device_find(&d, name)
                             : !kernel_device_read(&d, c->options.index))
        return connection_refuse(
            c, "there is nothing to resume; connect it without "
               "--resume");
    c->options.index = d.index;
    why = unsuitable(c, &d);
    if (why)
        return connection_refuse(c, why);
    if (take_lock(c, d.index))
        return -1;
    c->disk.before = kernel_server_noted(c->lock);
    err = offer_until_taken(c, d.index, fd);
    if (err)
        return connection_refuse(c, kernel_nbd_error(err));
    c->index = d.index;
    if (d.size < c->disk.export.size)
        c->chores |= 1u << CHORE_SIZE;
    return 0;
}

static int new_device(struct kernel_connection *c, int *fd)
{
    int ends[2], err;

    if (fd_socket_pair(AF_UNIX, SOCK_STREAM, 0, ends))
        return connection_refuse(c, strerror(errno));
    fd_nonblock(ends[0]); /* the driver's end blocks */
    err = make_device(c, ends[1]);
    close(ends[1]);
    *fd = ends[0];
    if (err)
        close(ends[0]);
    return err;
}

/* Whether the disk is a device already, but one without a server. */
static bool left_behind(const struct kernel_connection *c)
{
    struct kernel_device d;

    return kernel_device_find(&d, c->disk.export.name) &&
           kernel_server(d.index) == 0;
}

/* Serves as soon as there is a device: its first reads (of the partition table)
 * come from the kernel itself. */
int connection_attach(struct kernel_connection *c)
{
    const struct connect_options *o = &c->options;
    bool resume = o->resume || (o->again && left_behind(c));

    kernel_backend(c->backend, c->disk.disk);
    assert(c->index < 0 && c->lock < 0);
    if (resume ? resume_device(c, &c->socket) : new_device(c, &c->socket))
        return -1;
    assert(c->index >= 0 && c->lock >= 0);
    if (nbd_service_adopt_export(&c->service, c->socket, &c->disk.export))
        return connection_refuse(c, "no memory");
    log_debug("%s: %s /dev/nbd%d", c->options.name,
              resume ? "resumed" : "connected as", c->index);
    return 0;
}
