/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of a port share; for target/port*.c only.
 */
#ifndef TARGET_PORT_PARTS_H
#define TARGET_PORT_PARTS_H

#include "target/port.h"

/* A request for a frame, which it takes over.  NULL: no memory. */
struct request *port_request(struct port *p, struct link_frame *f);
/* Gives up the request, but not its frame. */
void port_request_free(struct request *r);

/* Serves a frame to `d`, or if that is NULL, to whom its header names. */
void port_dispatch(struct port *p, struct link_frame *f, struct disk *d);

/* Goes on, as far as there are buffers, with the requests for many disks and
 * with the announcements. */
void port_spread(struct port *p);
void port_announce(struct port *p);

#endif
