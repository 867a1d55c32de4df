/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The link on Linux: an AF_PACKET socket (packet(7)).  It receives through
 * memory shared with the kernel or, where that is not to be had, many frames
 * with a system call; it sends many with a call.  Filter and options are set
 * before bind, so that no foreign frame is ever queued.
 */
#ifdef __linux__

#include <arpa/inet.h>
#include <errno.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/filter.h"
#include "wire/link_backend.h"
#include "wire/netif.h"
#include "wire/packet_ring.h"
#include "wire/processor.h"
#include "wire/queue_age.h"

/* Newer than some systems' headers; one value on every architecture that lacks
 * them there. */
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum {
    /* The default receive queue: this many frames, at twice their size because
     * the kernel charges its own overhead, but no more than a small machine can
     * afford. */
    QUEUE_FRAMES = 256, /* also in the ring, or as many as we have buffers */
    DEFAULT_BYTES_MAX = 4 << 20,
};

struct packet_link {
    struct link link;
    int index;             /* of the interface the socket is bound to */
    bool reported;         /* `link.up` as link_refresh last reported it */
    bool one_by_one;       /* a system call for each frame */
    unsigned ring_frames;  /* wanted in the ring; 0: no ring */
    uint32_t ring_longest; /* a ring only where no frame is longer */
    unsigned socket_bytes; /* wanted; 0: our default */
    struct link_filter filter;
    struct packet_ring ring;
    struct mmsghdr rx[LINK_BATCH];
    struct iovec rx_iov[LINK_BATCH];
    struct queue_age age; /* without a ring */
    struct mmsghdr tx[LINK_BATCH];
};

static struct packet_link *packet_of(struct link *l)
{
    return list_entry(l, struct packet_link, link);
}

/* ---- receiving ----------------------------------------------------------- */

/* The kernel's way is shorter than that of recvmsg. */
static ssize_t receive_one(struct packet_link *p, int i)
{
    const struct iovec *to = &p->rx_iov[i];
    ssize_t n =
        recv(p->link.fd, to->iov_base, to->iov_len, MSG_DONTWAIT | MSG_TRUNC);

    p->rx[i].msg_hdr.msg_flags = n > (ssize_t)to->iov_len ? MSG_TRUNC : 0;
    return n;
}

/* Kernels before 2.6.33 and some sandboxes have only the calls for one frame;
 * on a processor that is slow to copy structures they cost less. */
static int try_many(struct packet_link *p, int max)
{
    int fd = p->link.fd;
    ssize_t n;

    if (!p->one_by_one) {
        int got = recvmmsg(fd, p->rx, (unsigned)max, MSG_DONTWAIT, NULL);

        if (got >= 0 || errno != ENOSYS)
            return got;
        p->one_by_one = true;
    }
    for (int i = 0; i < max; i++) {
        n = receive_one(p, i);
        if (n < 0)
            return i > 0 ? i : -1;
        p->rx[i].msg_len = (unsigned)n;
    }
    return max;
}

/* How many came, or -1 with errno.  *empty: the queue had no more.  After some
 * frames recvmmsg does not say what kept it from the next. */
static int receive_many(struct packet_link *p, int max, bool *empty)
{
    int got;

    do
        got = try_many(p, max);
    while (got < 0 && errno == EINTR);
    *empty = got < max && errno == EAGAIN && (got < 0 || p->one_by_one);
    return got;
}

/* Points the message headers at the buffers that link_take will give, in the
 * same order, without taking them: most calls bring fewer than `max`. */
static int offer_buffers(struct packet_link *p, int max)
{
    int n = 0;

    list_each(it, &p->link.free) {
        struct link_frame *f = list_entry(it, struct link_frame, link);

        if (n == max)
            break;
        p->rx_iov[n].iov_base = f->data;
        p->rx_iov[n].iov_len = f->capacity;
        n++;
    }
    return n;
}

static int queue_recv(struct packet_link *p, struct link_frame **frames,
                      int max)
{
    struct link *l = &p->link;
    int offered = offer_buffers(p, queue_age_before(&p->age, max));
    int got, error, kept = 0;
    uint64_t age;
    bool empty;

    if (offered == 0)
        return 0;
    got = receive_many(p, offered, &empty);
    error = got < 0 ? errno : 0;
    age = queue_age_after(&p->age, l->fd, got, offered, empty);
    if (error) {
        if (link_error_down(error))
            l->up = false;
        return l->up ? 0 : -ENETDOWN;
    }
    for (int i = 0; i < got; i++)
        frames[i] = link_take(l);
    for (int i = 0; i < got; i++) {
        struct link_frame *f = frames[i];

        if (p->rx[i].msg_hdr.msg_flags & MSG_TRUNC) {
            l->rx_drops++;
            link_release(l, f);
            continue;
        }
        f->len = p->rx[i].msg_len;
        f->age_ns = age;
        frames[kept++] = f;
    }
    return kept;
}

/* Clears the error that the kernel left on the socket when the interface went
 * down: otherwise the next send fails with it, long after the interface is
 * back. */
static bool went_down(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
           link_error_down(error);
}

/* Frames are copied out at once: one held for a slow disk would stall the whole
 * ring when the kernel comes round to its slot. */
static int ring_recv(struct packet_link *p, struct link_frame **frames, int max)
{
    struct packet_ring_frame in;
    struct link *l = &p->link;
    int kept = 0;

    while (kept < max && l->free_count > 0 && packet_ring_peek(&p->ring, &in)) {
        struct link_frame *f = link_take(l);

        if (in.wire_len > in.len || in.len > f->capacity) {
            l->rx_drops++;
            link_release(l, f);
        } else {
            memcpy(f->data, in.data, in.len);
            f->len = in.len;
            f->age_ns = in.stamp_ns;
            frames[kept++] = f;
        }
        packet_ring_release(&p->ring);
    }
    if (kept == 0 && l->free_count > 0 && went_down(l->fd))
        l->up = false;
    link_ages(frames, kept);
    return kept > 0 || l->up ? kept : -ENETDOWN;
}

static int packet_recv(struct link *l, struct link_frame **frames, int max)
{
    struct packet_link *p = packet_of(l);

    if (p->ring.at)
        return ring_recv(p, frames, max);
    return queue_recv(p, frames, max);
}

/* ---- sending ------------------------------------------------------------- */

static ssize_t transmit_one(struct packet_link *p, int i)
{
    const struct msghdr *m = &p->tx[i].msg_hdr;

    if (m->msg_iovlen == 1)
        return send(p->link.fd, m->msg_iov->iov_base, m->msg_iov->iov_len,
                    MSG_DONTWAIT);
    return sendmsg(p->link.fd, m, MSG_DONTWAIT);
}

static int transmit_many(struct packet_link *p, int first, int count)
{
    int fd = p->link.fd;
    int sent = 0;

    if (!p->one_by_one) {
        sent = sendmmsg(fd, p->tx + first, (unsigned)count, MSG_DONTWAIT);
        if (sent >= 0 || errno != ENOSYS)
            return sent;
        p->one_by_one = true;
        sent = 0;
    }
    for (; sent < count; sent++) {
        ssize_t n = transmit_one(p, first + sent);

        if (n < 0)
            return sent > 0 ? sent : -1;
        p->tx[first + sent].msg_len = (unsigned)n;
    }
    return sent;
}

static int packet_send(struct link *l, const struct link_out *out, int count)
{
    struct packet_link *p = packet_of(l);
    int taken = 0;

    for (int i = 0; i < count; i++) {
        /* The kernel only reads what it sends. */
        p->tx[i].msg_hdr.msg_iov = (struct iovec *)(uintptr_t)out[i].iov;
        p->tx[i].msg_hdr.msg_iovlen = (size_t)out[i].iovcnt;
    }
    while (taken < count) {
        int n = transmit_many(p, taken, count - taken);

        if (n > 0) {
            for (int i = taken; i < taken + n; i++)
                l->tx_bytes += p->tx[i].msg_len;
            l->tx_frames += (unsigned)n;
            taken += n;
            continue;
        }
        if (!link_refused(l, n < 0 ? errno : EAGAIN, &taken, count))
            break;
    }
    return taken;
}

/* ---- the socket and its interface ---------------------------------------- */

/* A forked child may keep the socket open: it must not go on receiving. */
static void close_socket(struct packet_link *p)
{
    packet_ring_unmap(&p->ring);
    if (p->link.fd < 0)
        return;
    filter_attach_none(p->link.fd);
    close(p->link.fd);
}

static int attach(int fd, int index)
{
    struct sockaddr_ll ll = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(AOE_ETHERTYPE),
        .sll_ifindex = index,
    };

    return bind(fd, (struct sockaddr *)&ll, sizeof(ll)) < 0 ? -errno : 0;
}

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno
                                                                    : 0;
}

static void size_queue(const struct packet_link *p, int fd, unsigned mtu)
{
    unsigned bytes = p->socket_bytes;

    if (bytes == 0)
        bytes = QUEUE_FRAMES * 2 * link_capacity(mtu);
    if (p->socket_bytes == 0 && bytes > DEFAULT_BYTES_MAX)
        bytes = DEFAULT_BYTES_MAX;
    if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, (int)bytes))
        set_int(fd, SOL_SOCKET, SO_RCVBUF, (int)bytes);
}

/* Improvements that an older kernel may refuse, or any for lack of
 * privilege. */
static void set_options(const struct packet_link *p, int fd, unsigned mtu)
{
    size_queue(p, fd, mtu);
    /* The filter rejects our own frames too; this saves running it. */
    set_int(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
}

static int open_ring(const struct packet_link *p, struct packet_ring *ring,
                     int fd, unsigned mtu)
{
    unsigned capacity = link_capacity(mtu), frames = p->ring_frames;

    if (frames > DEFAULT_BYTES_MAX / capacity)
        frames = DEFAULT_BYTES_MAX / capacity;
    if (p->socket_bytes)
        frames = p->socket_bytes / capacity + 1;
    return packet_ring_open(ring, fd, capacity, frames);
}

/* Opens a socket in place of the present one, if any, bound to interface
 * `index`.  0: the interface is missing; packet_refresh binds the socket when
 * it appears. */
static int open_socket(struct packet_link *p, int index, unsigned mtu,
                       bool ring)
{
    struct packet_ring new = {.at = NULL};
    struct queue_age age = {.stamped = false};
    int fd = fd_nonblock(fd_socket(AF_PACKET, SOCK_RAW, 0));
    int e = fd < 0 ? -errno : filter_attach(fd, &p->filter);

    if (e == 0) {
        set_options(p, fd, mtu);
        e = ring ? open_ring(p, &new, fd, mtu) : 0;
    }
    if (e == 0 && !ring)
        queue_age_begin(&age, fd);
    if (e == 0 && index)
        e = attach(fd, index);
    if (e) {
        packet_ring_unmap(&new);
        if (fd >= 0)
            close(fd);
        return e;
    }
    close_socket(p);
    p->link.fd = fd;
    p->ring = new;
    p->age = age;
    p->index = index;
    return 0;
}

static bool ring_wanted(const struct packet_link *p, unsigned mtu)
{
    return p->ring_frames && link_capacity(mtu) <= p->ring_longest;
}

/* If its ring cannot be set up, the socket is closed, too: the kernel may go on
 * filling what nobody reads. */
static int replace_socket(struct packet_link *p, int index, unsigned mtu)
{
    if (ring_wanted(p, mtu) && open_socket(p, index, mtu, true) == 0)
        return 0;
    return open_socket(p, index, mtu, false);
}

/* Frames in a ring have time stamps of their own: the kernel may not have been
 * asked yet to note when frames come. */
static void use_queue(struct packet_link *p, unsigned mtu)
{
    size_queue(p, p->link.fd, mtu);
    if (!p->age.stamped)
        queue_age_begin(&p->age, p->link.fd);
}

/* Makes the ring, or where there is none the kernel's queue, fit frames of this
 * MTU, which may begin or end the use of a ring.  What waits in an older ring
 * or socket is lost, as on a wire: clients send it again.  -errno: the link
 * receives what it did before, and no longer frames. */
static int fit_mtu(struct packet_link *p, unsigned mtu)
{
    bool ring = ring_wanted(p, mtu);

    if (ring ? p->ring.capacity < link_capacity(mtu) : p->ring.at != NULL) {
        if (packet_ring_close(&p->ring, p->link.fd))
            return replace_socket(p, p->index, mtu);
        if (ring)
            open_ring(p, &p->ring, p->link.fd, mtu);
    }
    if (!p->ring.at)
        use_queue(p, mtu);
    return 0;
}

static void count_drops(struct link *l)
{
    /* struct tpacket_stats of <linux/if_packet.h>. */
    struct {
        unsigned packets, drops;
    } s;
    socklen_t len = sizeof(s);

    /* Reading resets the kernel's counters. */
    if (getsockopt(l->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
        l->rx_drops += s.drops;
}

static int packet_refresh(struct link *l)
{
    struct packet_link *p = packet_of(l);
    struct netif n;
    int changed = went_down(l->fd) ? LINK_CHANGED_STATE : 0;
    int e = link_look(l, p->index, &n, &changed);
    bool up = e == 0 && n.ethernet;

    count_drops(l);
    /* Running out of descriptors, say, tells nothing about the interface. */
    if (e && e != -ENODEV)
        return changed;
    if (up && n.index != p->index) {
        /* Removed and created anew: the socket is still bound to the old
         * one. */
        up = attach(l->fd, n.index) == 0;
        p->index = up ? n.index : p->index;
        changed |= LINK_CHANGED_STATE;
    }
    if (up && n.mtu != l->mtu && link_grow(l, link_capacity(n.mtu)) == 0 &&
        fit_mtu(p, n.mtu) == 0) {
        l->mtu = n.mtu;
        changed |= LINK_CHANGED_MTU;
    }
    if (up && !aoe_mac_equal(&n.mac, &l->mac)) {
        l->mac = n.mac;
        changed |= LINK_CHANGED_MAC;
    }
    up = up && n.up;
    if (up != l->up || up != p->reported)
        changed |= LINK_CHANGED_STATE;
    l->up = p->reported = up;
    return changed;
}

static void prepare_headers(struct packet_link *p)
{
    for (int i = 0; i < LINK_BATCH; i++) {
        p->rx[i].msg_hdr.msg_iov = &p->rx_iov[i];
        p->rx[i].msg_hdr.msg_iovlen = 1;
    }
}

static int packet_filter(struct link *l, const struct link_filter *f)
{
    struct packet_link *p = packet_of(l);
    int e = filter_attach(l->fd, f);

    if (e == 0)
        p->filter = *f;
    return e;
}

static void packet_close(struct link *l)
{
    struct packet_link *p = packet_of(l);

    close_socket(p);
    link_fini(l);
    free(p);
}

static const struct link_ops packet_ops = {
    .name = "packet",
    .recv = packet_recv,
    .send = packet_send,
    .refresh = packet_refresh,
    .filter = packet_filter,
    .close = packet_close,
};

static const struct link_ops socket_ops = {
    .name = "socket",
    .recv = packet_recv,
    .send = packet_send,
    .refresh = packet_refresh,
    .filter = packet_filter,
    .close = packet_close,
};

int link_packet_open(struct link **out, const char *ifname,
                     const struct link_options *o)
{
    struct packet_link *p;
    struct netif n;
    struct link *l;
    bool socket_only = o->backend && strcmp(o->backend, socket_ops.name) == 0;
    struct processor_ways ways = processor_ways();
    int e = link_new(&l, sizeof(*p), socket_only ? &socket_ops : &packet_ops,
                     ifname, o, &n);

    if (e)
        return e;
    p = packet_of(l);
    p->reported = n.up;
    p->one_by_one = ways.one_by_one;
    p->ring_longest = ways.ring_longest;
    if (!socket_only)
        p->ring_frames =
            o->rx_frames > QUEUE_FRAMES ? o->rx_frames : QUEUE_FRAMES;
    p->socket_bytes = o->socket_bytes;
    p->filter = o->filter;
    prepare_headers(p);
    e = replace_socket(p, n.index, n.mtu);
    if (e) {
        packet_close(&p->link);
        return e;
    }
    *out = &p->link;
    return 0;
}

#endif
