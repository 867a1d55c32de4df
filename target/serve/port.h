/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A port: one network interface and the disks that are served on it.  Frames
 * come in, find their disks, and leave as replies in batches.
 */
#ifndef TARGET_SERVE_PORT_H
#define TARGET_SERVE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/net_master.h"
#include "target/serve/disk.h"
#include "target/serve/request.h"
#include "wire/link.h"

struct target_port;

/* What a port needs from whoever runs it. */
struct port_host {
    struct loop *loop;
    struct link_out *out; /* to describe LINK_BATCH outgoing frames */
    bool changing;        /* disks come and go: the link must not filter for one
                             address */
    /* There is work: call port_settle once this has returned.  Not called while
     * the port is in a list by its `touched`. */
    void (*touch)(void *arg, struct target_port *p);
    void (*received)(void *arg, unsigned count); /* so many frames */
    /* A port that is held has come up. */
    void (*appeared)(void *arg);
    /* All pending work must be done now, before more is received. */
    void (*settle)(void *arg);
    void *arg;
};

enum port_counter {
    PORT_SHORT,     /* no AoE header */
    PORT_SOURCE,    /* no response can be sent to its source address */
    PORT_RESPONSE,  /* a response */
    PORT_UNMATCHED, /* for no disk here */
    PORT_AGED,      /* waited too long in the receive queue */
    PORT_MEMORY,    /* no memory for the request */
    PORT_COUNTERS,
};

extern const char *const port_counter_names[PORT_COUNTERS];

struct target_port {
    const struct port_host *host;
    char ifname[LINK_NAME_MAX];
    struct link *link;   /* NULL until port_start */
    struct disk **disks; /* sorted by address */
    unsigned disk_count;
    unsigned frames; /* receive buffers */

    struct loop_fd watch;
    short events; /* watched for; 0: none */
    uint64_t
        fell_until; /* clients may not know of the smaller MTU until then */
    bool failing;   /* the descriptor reports errors: look again in a second */
    char master[NET_MASTER_TEXT]; /* why it hears nothing, or "" */
    bool stopped;                 /* takes no more requests */
    bool held; /* takes none until its network was asked whether another disk
                  has one of our addresses (exports_late.c) */

    struct list unused;   /* of request.link */
    struct list outgoing; /* of request.link: replies */
    struct list touched;  /* in the server's list of ports with work */
    unsigned active;      /* requests in use */

    /* Requests for many disks, of link_frame.link; the first is being copied
     * to the disks from spread_next on. */
    struct list spreading;
    unsigned spread_next;
    /* The next disk to be announced, and the entry in its mask list; only disks
     * at least this new. */
    bool announcing;
    unsigned announce_next, announce_to;
    uint64_t announce_since;

    uint64_t counts[PORT_COUNTERS];
};

/* `host` stays the caller's and must outlive the port; `ifname` is copied, and
 * at most LINK_NAME_MAX - 1 long.  0 or -ENOMEM. */
int port_new(struct target_port **out, const struct port_host *host,
             const char *ifname);
void port_free(struct target_port *p);

/* Serves a disk here.  0, -EEXIST: another has its address, or -ENOMEM. */
int port_attach(struct target_port *p, struct disk *d);

/* No longer serves it here; requests in flight are still answered. */
void port_detach(struct target_port *p, const struct disk *d);
/* Announces a disk that was attached to a running port. */
void port_announce(struct target_port *p, const struct disk *d);

/* Receive buffers for disks that together accept so many requests. */
unsigned port_frames(unsigned requests);
/* What the link of this port should be opened with. */
void port_link_options(const struct target_port *p, struct link_options *o);
/* Starts to serve on `l`, which becomes the port's, and announces its disks.
 * l->owner is the port. */
void port_start(struct target_port *p, struct link *l);

/* The link's descriptor has poll(2)'s `revents`. */
void port_ready(struct target_port *p, short revents);

/* Checks the interface again. */
void port_refresh(struct target_port *p);

/* From now on requests are dropped unread and nothing is announced, until it is
 * released and its disks are announced. */
void port_hold(struct target_port *p);
void port_release_held(struct target_port *p);

/* Sends what is pending; to be called for ports that were touched. */
void port_settle(struct target_port *p);

/* From now on nothing is received. */
void port_stop(struct target_port *p);

/* A request's reply is ready, or there will be none. */
void port_answer(struct request *r);
void port_release(struct request *r);

#endif
