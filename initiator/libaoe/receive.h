/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a port's interface to whom it concerns.
 */
#ifndef INITIATOR_LIBAOE_RECEIVE_H
#define INITIATOR_LIBAOE_RECEIVE_H

#include "initiator/libaoe/context.h"

/* Takes what has arrived, at most a few batches, so that no port keeps the
 * others waiting. */
void port_receive(struct aoe_port *port);

#endif
