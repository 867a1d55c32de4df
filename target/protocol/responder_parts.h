/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of the responder share; for target/responder*.c only.
 */
#ifndef TARGET_PROTOCOL_RESPONDER_PARTS_H
#define TARGET_PROTOCOL_RESPONDER_PARTS_H

#include "target/protocol/responder.h"

/* One per AoE command.  x->header is parsed and the sender admitted. */
enum responder_verdict respond_ata(struct exchange *x);
enum responder_verdict respond_config(struct exchange *x);
enum responder_verdict respond_mask(struct exchange *x);
enum responder_verdict respond_reserve(struct exchange *x);

/* A request to more than one disk, or to more than one machine. */
bool responder_wide(const struct exchange *x);

/* Most bytes a reply may have on this interface. */
size_t responder_limit(const struct exchange *x);

/* Sectors a command may carry on this interface, 1 to 255. */
unsigned responder_sectors(const struct exchange *x);

/* Writes the response's AoE header; `error` 0 is none. */
void responder_header(struct exchange *x, enum aoe_error error);

/* The reply has `len` bytes; pads it. */
enum responder_verdict responder_reply(struct exchange *x, size_t len);

/* Answers with an AoE error and nothing else, or not at all where many disks
 * would. */
enum responder_verdict responder_error(struct exchange *x,
                                       enum aoe_error error);

/* Answers a change by somebody who may not make it. */
enum responder_verdict responder_refuse(struct exchange *x);

enum responder_verdict responder_drop(struct exchange *x,
                                      enum export_counter why);

#endif
