/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ATA commands that name sectors: reading, writing, verifying, and DATA SET
 * MANAGEMENT with its TRIM.  For the responder only.
 */
#ifndef TARGET_PROTOCOL_ATA_TRANSFER_H
#define TARGET_PROTOCOL_ATA_TRANSFER_H

#include "target/protocol/exchange.h"

/* `extended`: the opcode has a 48-bit address. */
enum responder_verdict ata_transfer_read(struct exchange *x, bool extended);
enum responder_verdict ata_transfer_verify(struct exchange *x, bool extended);
/* `durable`: on stable storage before the reply (FUA). */
enum responder_verdict ata_transfer_write(struct exchange *x, bool extended,
                                          bool durable);
enum responder_verdict ata_transfer_trim(struct exchange *x) RARELY;

/* Go on after the store has completed x->op. */
enum responder_verdict ata_transfer_read_done(struct exchange *x);
enum responder_verdict ata_transfer_verify_done(struct exchange *x);
enum responder_verdict ata_transfer_write_done(struct exchange *x);
/* One stretch of a TRIM, perhaps with more to come. */
enum responder_verdict ata_transfer_trim_done(struct exchange *x);

#endif
