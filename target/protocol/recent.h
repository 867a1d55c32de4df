/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The writes of the last seconds.  A client that hears nothing sends a write
 * again with the same tag; the copy may arrive after newer data was written to
 * the same place, and executed then it would undo that.  What is found here is
 * answered again and not executed again (doc/safety.md).  So is a FLUSH that
 * failed: the next one may succeed, though what is lost stays lost.
 *
 * Of each client the last write with a tag is remembered, if it is not crowded
 * out by later ones.  A tag that was used again for something else is no copy.
 */
#ifndef TARGET_PROTOCOL_RECENT_H
#define TARGET_PROTOCOL_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "wire/aoe.h"

/* A copy that is older may be a client whose tags began anew; and by then its
 * sender has given it up. */
#define RECENT_NS (5 * NS_PER_S)

enum { RECENT_WRITES = 512 }; /* 28 KiB an export, once it is written to */

/* What two copies of one request have in common. */
struct recent_key {
    struct aoe_mac client;
    uint8_t command; /* ATA registers */
    uint8_t count;
    uint32_t tag;
    uint64_t lba;
    uint64_t sum; /* recent_sum of the data */
};

/* How it ended: as in struct store_op. */
struct recent_outcome {
    int result;
    uint64_t done;
};

struct recent;

/* Without memory for it NULL, which forgets everything. */
struct recent *recent_new(void);
void recent_free(struct recent *r);

/* A sum over data that came with a request.  Good enough to tell a copy from
 * another request; no protection from someone who wants to deceive it, who
 * could as well write. */
uint64_t recent_sum(const uint8_t *data, size_t len);

struct exchange;

/* The key of a parsed write, trim or flush. */
struct recent_key recent_key_of(const struct exchange *x);

/* How the request of which this is a copy ended; NULL: it is none. */
const struct recent_outcome *recent_find(const struct recent *r,
                                         const struct recent_key *key,
                                         uint64_t now_ns);

/* Remembers a write that ended now. */
void recent_add(struct recent *r, const struct recent_key *key,
                struct recent_outcome outcome, uint64_t now_ns);

#endif
