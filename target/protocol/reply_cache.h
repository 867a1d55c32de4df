/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reply cache: how the writes of the last seconds ended.  A client that
 * hears nothing sends a write again with the same tag, and the copy may arrive
 * after newer data was written to the same sectors; executed then, it would
 * undo that.  What is found here gets its reply again and is not executed again
 * (doc/safety.md).  So does a FLUSH that failed: the next one may succeed,
 * though what is lost stays lost.
 *
 * Of each client the last write with a tag is remembered, until later ones
 * evict it.  A tag that was used again for something else is no copy: taken for
 * one, it would never be written.  So the data is compared, too, by a sum over
 * all of it; for a client that has proved that it does not use tags again
 * (target/protocol/tag_record.h), by a sample, because the sum costs a small
 * processor more than the rest of a write.
 */
#ifndef TARGET_PROTOCOL_REPLY_CACHE_H
#define TARGET_PROTOCOL_REPLY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "wire/aoe.h"

/* How long a reply is remembered.  A match that is older may be a client whose
 * tags began anew; a real copy has been given up by its sender by then. */
#define REPLY_CACHE_NS (5 * NS_PER_S)

enum { REPLY_CACHE_WRITES = 512 }; /* 28 KiB an export, once it is written to */

/* What all copies of one request have in common. */
struct reply_cache_key {
    struct aoe_mac client;
    uint8_t command; /* ATA registers */
    uint8_t count;
    uint32_t tag;
    uint32_t sample; /* reply_cache_sample of the data */
    uint64_t lba;
    uint64_t sum; /* reply_cache_sum of the data; 0: not taken */
};

/* How it ended: as in struct store_op. */
struct reply_cache_outcome {
    int result;
    uint64_t done;
};

struct reply_cache;

/* NULL without memory for it.  NULL is a cache that remembers nothing. */
struct reply_cache *reply_cache_new(void);
void reply_cache_free(struct reply_cache *c);

/* A sum over the data of a request, good enough to tell a copy from another
 * request.  It protects from no forger, who could as well write. */
uint64_t reply_cache_sum(const uint8_t *data, size_t len);

/* The same over the first bytes of each sector. */
uint32_t reply_cache_sample(const uint8_t *data, size_t len);

struct exchange;

/* Sets the key of a parsed write, trim or flush. */
void reply_cache_key_of(struct reply_cache_key *key,
                        const struct reply_cache *c, const struct exchange *x);

/* How the request ended of which this is a copy; NULL: it is not a copy.  Valid
 * until the next reply_cache_add. */
const struct reply_cache_outcome *reply_cache_find(
    const struct reply_cache *c, const struct reply_cache_key *key,
    uint64_t now_ns);

/* Remembers a request that ended now. */
void reply_cache_add(struct reply_cache *c, const struct reply_cache_key *key,
                     struct reply_cache_outcome outcome, uint64_t now_ns);

#endif
