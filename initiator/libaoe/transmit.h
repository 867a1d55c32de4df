/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the queue of a port to its interface.
 */
#ifndef INITIATOR_LIBAOE_TRANSMIT_H
#define INITIATOR_LIBAOE_TRANSMIT_H

#include "initiator/libaoe/context.h"

/* Sends what the port's interface takes of its queue; sets port->stalled if
 * that is not all. */
void port_flush(struct aoe_port *port);

#endif
