/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How an ATA command ends (AoEr11 section 3.1): with success, or with the
 * status and error registers that ACS has for the failure.  A failure that a
 * client can cause is never an AoE error, which Linux would retry for three
 * minutes (doc/safety.md).  For the ATA commands of the responder only.
 */
#ifndef TARGET_PROTOCOL_ATA_REPLY_H
#define TARGET_PROTOCOL_ATA_REPLY_H

#include "target/protocol/exchange.h"

/* `data_len` bytes of data stand behind the ATA header. */
enum responder_verdict ata_reply_success(struct exchange *x, uint8_t count,
                                         size_t data_len);

/* Refused before anything was done. */
enum responder_verdict ata_reply_aborted(struct exchange *x);

/* The following end a command of which `remaining` sectors were not
 * transferred, beginning with `lba`: there are no such sectors; the device
 * fails; the medium cannot be read; the device refuses to be written to. */
enum responder_verdict ata_reply_not_found(struct exchange *x,
                                           unsigned remaining, uint64_t lba);
enum responder_verdict ata_reply_fault(struct exchange *x, unsigned remaining,
                                       uint64_t lba);
enum responder_verdict ata_reply_uncorrectable(struct exchange *x,
                                               unsigned remaining,
                                               uint64_t lba);
enum responder_verdict ata_reply_refused(struct exchange *x, unsigned remaining,
                                         uint64_t lba);

#endif
