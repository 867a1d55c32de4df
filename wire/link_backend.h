/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What link backends are built from, and the list of them.  Users of links need
 * only wire/link.h.
 */
#ifndef WIRE_LINK_BACKEND_H
#define WIRE_LINK_BACKEND_H

#include "wire/link.h"

struct netif;

/* Bytes a buffer needs on an interface with this MTU: the header, and some
 * slack, and never less than an ordinary frame. */
unsigned link_capacity(unsigned mtu);
/* Initialises the common part with receive buffers of `capacity` bytes.  0 or
 * -ENOMEM. */
int link_init(struct link *l, const struct link_ops *ops, const char *ifname,
              unsigned capacity, const struct link_options *o);
/* For real interfaces: reads what `ifname` is into *n, allocates `size` zeroed
 * bytes that begin with a struct link and initialises that.  free() it after
 * link_fini.  With o->absent, an interface that is not there has index 0 in *n,
 * which must not be bound to: it means all of them.  0, -ENODEV, -ENOTSUP (not
 * Ethernet) or -ENOMEM. */
int link_new(struct link **out, size_t size, const struct link_ops *ops,
             const char *ifname, const struct link_options *o, struct netif *n);
/* For link_refresh: reads the interface with that index, or if there is none
 * the one that has the name now, into *n, and adds LINK_CHANGED_NAME to
 * *changed if it has another name than before.  As netif_read. */
int link_look(struct link *l, int index, struct netif *n, int *changed);
/* Makes the buffers larger if they are below `capacity`; frames that the user
 * holds stay valid.  0 or -ENOMEM, then nothing changed. */
int link_grow(struct link *l, unsigned capacity);
/* Turns time stamps of the realtime clock, in ns, that a backend left in age_ns
 * (0: none) into ages, reading the clock once. */
void link_ages(struct link_frame **frames, int count);
/* Frees what link_init made; frames that the user still holds become
 * invalid. */
void link_fini(struct link *l);

/* Whether this errno says that the interface is down or gone. */
bool link_error_down(int error);
/* Sending stopped at frame *taken of `count` with errno `error`: counts the
 * frames that are dropped because of it and moves *taken past them.  True: go
 * on from there; false: the send call returns *taken. */
bool link_refused(struct link *l, int error, int *taken, int count);

/* ---- the backends -------------------------------------------------------- */

/* As link_open.  "packet" and "socket". */
int link_packet_open(struct link **out, const char *ifname,
                     const struct link_options *o);
int link_pcap_open(struct link **out, const char *ifname,
                   const struct link_options *o);

#endif
