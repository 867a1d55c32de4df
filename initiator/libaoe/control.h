/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Query Config, MAC mask list and reservation (AoEr11 sections 3.2 to 3.4) as
 * commands of the user's: what the context calls.
 */
#ifndef INITIATOR_LIBAOE_CONTROL_H
#define INITIATOR_LIBAOE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initiator/libaoe/context.h"

/* True when the frame answers a command, which is then done. */
bool control_response(struct aoe_port *port, const struct aoe_header *h,
                      const uint8_t *frame, size_t len);

/* Sends what is due, ends what came to nothing. */
void control_tick(struct aoe *aoe);
/* When control_tick has something to do; UINT64_MAX: never. */
uint64_t control_next(const struct aoe *aoe);

void control_cancel_all(struct aoe *aoe);

#endif
