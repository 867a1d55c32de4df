/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The protocol core: a request frame goes in; out comes its reply, built in
 * place, or the store operation that must run first.  No I/O, clock, memory
 * allocation or log here.
 */
#ifndef TARGET_PROTOCOL_RESPONDER_H
#define TARGET_PROTOCOL_RESPONDER_H

#include <stdint.h>

#include "target/protocol/exchange.h"

/* Why a frame is not for anyone here. */
enum responder_refusal {
    RESPONDER_ACCEPTED,
    RESPONDER_SHORT,    /* no AoE header */
    RESPONDER_RESPONSE, /* somebody's response */
    RESPONDER_SOURCE,   /* a source address that cannot be answered */
};

/* Looks at x->frame, before it is known which exports it is for, and parses
 * the header. */
enum responder_refusal responder_accept(struct exchange *x);

/* Handles an accepted frame for one export that x->header.addr matches. */
enum responder_verdict responder_request(struct exchange *x);

/* Goes on after x->op completed: with the reply, or with one more operation. */
enum responder_verdict responder_complete(struct exchange *x);

/* Builds an announcement, an unsolicited Query Config response, in x->frame;
 * of x the caller's fields are set, but `len`.  Returns its length, 0 if it
 * does not fit the interface. */
uint32_t responder_announce(struct exchange *x, const struct aoe_mac *to);

#endif
