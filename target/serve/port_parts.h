/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of target/port*.c share; for them only.
 */
#ifndef TARGET_SERVE_PORT_PARTS_H
#define TARGET_SERVE_PORT_PARTS_H

#include "target/serve/port.h"

/* A request for the frame, which it only borrows; NULL: no memory. */
struct request *port_request_new(struct target_port *p, struct link_frame *f);

/* Takes over the frame.  It is for `d` or, if that is NULL, for the disk that
 * its header addresses. */
void port_dispatch(struct target_port *p, struct link_frame *f, struct disk *d);

/* The disk of an address, or NULL. */
struct disk *port_disk_at(const struct target_port *p, struct aoe_addr addr);

/* Continues requests for many disks and announcements, as far as there are
 * buffers. */
void port_spread(struct target_port *p);
/* Starts to announce every disk. */
void port_announce_all(struct target_port *p);

/* Offers the replies to the link.  False: its queue is full. */
bool port_send_replies(struct target_port *p);

/* There is something to send at the end of the turn. */
static inline void port_touch(struct target_port *p)
{
    if (!list_linked(&p->touched))
        p->host->touch(p->host->arg, p);
}

#endif
