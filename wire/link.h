/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A link carries whole Ethernet frames on one network interface.  Backends:
 * `packet` (Linux AF_PACKET: receives through memory shared with the kernel,
 * where available, and sends many frames with a system call), `socket` (the
 * same without shared memory), `pcap` (libpcap, for BSD and macOS), and in the
 * tests `pair`, two ends in one process.
 *
 * One thread owns a link.  Nothing here blocks.  Errors are -errno.
 */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/list.h"
#include "wire/aoe.h"

enum {
    LINK_BATCH = 64,   /* most frames one send or receive call handles */
    LINK_IOV_MAX = 24, /* pieces of one outgoing frame, header included */
    LINK_NAME_MAX = 64,
};

/* Which frames the kernel should deliver; the rest costs nothing. */
struct link_filter {
    bool responses; /* true: frames with R set (initiator), else without */
    /* Responses: only tags with (tag & tag_mask) == tag_value, and tag 0,
     * which announcements carry. */
    uint32_t tag_mask, tag_value;
    /* If set: only what is for or from this disk, wildcards included.  Without
     * `responses`, those of a disk with the same address may pass, too. */
    bool one_addr;
    struct aoe_addr addr;
};

struct link_options {
    const char *backend; /* "packet", "socket", "pcap"; NULL: the best */
    struct link_filter filter;
    unsigned rx_frames; /* receive buffers; 0 means LINK_BATCH */
    /* Puts a frame's byte `align_at`, a multiple of AOE_FRAME_ALIGN, at a
     * multiple of `align` (a power of two), so that direct I/O can use the data
     * after an ATA header; 0 packs buffers densely. */
    unsigned align, align_at;
    unsigned socket_bytes; /* receive queue wanted in the kernel; 0: default */
    /* If there is no such interface, or it is not Ethernet: open it
     * nevertheless, as one that is down.  link_refresh finds it once it is
     * there. */
    bool absent;
};

/* A received frame.  Its buffer holds at least `capacity` bytes from `data`, so
 * that a response can be built in place; `data` is a multiple of
 * AOE_FRAME_ALIGN. */
struct link_frame {
    uint8_t *data;
    uint32_t len;      /* bytes received */
    uint32_t capacity; /* bytes that fit */
    /* How long it waited in the kernel at most: a backend may know only since
     * when it can have waited.  0: unknown. */
    uint64_t age_ns;
    struct list link; /* for the owner; private to the link while free */
};

/* An outgoing frame in pieces; the first holds at least the AoE header. */
struct link_out {
    struct iovec iov[LINK_IOV_MAX];
    int iovcnt;
};

/* What link_refresh found changed. */
enum link_change {
    LINK_CHANGED_STATE = 1, /* went up or down, vanished, came back */
    LINK_CHANGED_MTU = 2,
    LINK_CHANGED_MAC = 4,
    LINK_CHANGED_NAME = 8, /* it was renamed; the link follows it */
};

struct link;

/* A backend.  `max` and `count` are at most LINK_BATCH. */
struct link_ops {
    const char *name;
    /* Receives up to `max` frames into buffers that link_take gives. */
    int (*recv)(struct link *l, struct link_frame **frames, int max);
    /* Counts what it sends and drops in the link's tx_ fields. */
    int (*send)(struct link *l, const struct link_out *out, int count);
    int (*refresh)(struct link *l);
    int (*filter)(struct link *l, const struct link_filter *f);
    void (*close)(struct link *l);
};

struct link {
    const struct link_ops *ops;
    char ifname[LINK_NAME_MAX]; /* as it was opened */
    /* Its name now.  An interface that was renamed is still the one whose cable
     * leads to our clients; only when it has gone does the name count again. */
    char name_now[LINK_NAME_MAX];
    int fd;             /* poll this for POLLIN and POLLOUT; link_recv and
                           link_refresh may replace it */
    unsigned mtu;       /* bytes of Ethernet payload that it carries */
    struct aoe_mac mac; /* of the local interface */
    bool up;            /* the interface exists and can carry frames */
    struct list free;   /* of link_frame.link: receive buffers not in use */
    unsigned free_count;
    void *pool; /* memory of the frames and their buffers */
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
    /* Frames that did not fit the kernel's queue or our buffer; link_refresh
     * adds the kernel's count. */
    uint64_t rx_drops;
    uint64_t tx_errors; /* frames that the interface refused and we dropped */
    void *owner;        /* for the user */
};

/* Opens the interface `ifname`.  -ENODEV: no such interface; -EPERM: lacks
 * CAP_NET_RAW; -ENOTSUP: not Ethernet, or the backend is not built in;
 * -EINVAL: unknown backend, or options that make no sense.  An interface that
 * is down can be opened: `up` tells. */
int link_open(struct link **out, const char *ifname,
              const struct link_options *o);
void link_close(struct link *l);

/* Receives up to `max` frames.  Returns their number, 0 when there are none or
 * no buffer is free (free_count tells), -ENETDOWN while the interface is down
 * or gone.  Each frame stays the caller's until link_release.
 *
 * Call it until it returns fewer than `max` before polling again, and again
 * after releasing buffers: a backend may hold frames that poll does not see. */
int link_recv(struct link *l, struct link_frame **frames, int max);
void link_release(struct link *l, struct link_frame *frame);

/* Takes a free buffer, as if a frame had been received into it; NULL when there
 * is none.  For a frame that the caller builds, and for backends. */
struct link_frame *link_take(struct link *l);

/* Sends frames in order and returns how many were taken; a frame that the
 * interface can never carry (too long, link down) counts as taken and is
 * dropped, as a wire would.  Fewer than `count`: the transmit queue is full,
 * offer the rest when the fd polls writable.
 *
 * An interface's own queue may be full (ENOBUFS) while the fd polls writable.
 * Then the first frame of a call is dropped as well, so that each call takes at
 * least one frame unless the fd truly is not writable, and a caller that
 * follows the rule above terminates instead of spinning. */
int link_send(struct link *l, const struct link_out *out, int count);

/* Reads the interface's state, MTU and address again; re-attaches to one that
 * came back.  Returns a set of enum link_change. */
int link_refresh(struct link *l);

/* Changes which frames are received from now on; those queued already are still
 * delivered.  0; or -errno, and the old filter stays. */
int link_set_filter(struct link *l, const struct link_filter *f);

/* Calls `each` with the name of every Ethernet interface that is up, for error
 * messages that list candidates. */
void link_candidates(void (*each)(void *arg, const char *ifname), void *arg);

#endif
