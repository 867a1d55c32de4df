/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One function for each AoE command.  x->header is parsed, and the sender is
 * admitted by the mask list.  For target/protocol/responder*.c only.
 */
#ifndef TARGET_PROTOCOL_RESPONDER_COMMANDS_H
#define TARGET_PROTOCOL_RESPONDER_COMMANDS_H

#include "base/rarely.h"
#include "target/protocol/exchange.h"

enum responder_verdict respond_ata(struct exchange *x);
enum responder_verdict respond_config(struct exchange *x) RARELY;
enum responder_verdict respond_mask(struct exchange *x) RARELY;
enum responder_verdict respond_reserve(struct exchange *x) RARELY;

#endif
