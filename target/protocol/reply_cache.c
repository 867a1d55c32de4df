/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A set-associative table of fixed size: client and tag choose a set of a few
 * entries, of which the oldest is evicted.
 */
#include "target/protocol/reply_cache.h"
#include "target/protocol/exchange.h"
#include "target/protocol/tag_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
    WAYS = 4,
    SETS = REPLY_CACHE_WRITES / WAYS, /* a power of two */
    SET_BITS = 7,
    LANES = 16, /* of reply_cache_sum */
};

_Static_assert(SETS == 1 << SET_BITS, "set_of takes so many bits");

#define ODD   UINT64_C(0x9e3779b97f4a7c15)
#define ODD32 UINT32_C(0x9e3779b1)

struct cached_reply {
    uint64_t at; /* ns; 0: never used */
    struct reply_cache_key key;
    struct reply_cache_outcome outcome;
};

struct reply_cache {
    struct tag_record tags;
    struct cached_reply sets[SETS][WAYS];
};

struct reply_cache *reply_cache_new(void)
{
    /* A large calloc is not backed by memory before it is written to, so an
     * export that is only read costs nothing. */
    return calloc(1, sizeof(struct reply_cache));
}

void reply_cache_free(struct reply_cache *c)
{
    free(c);
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * ODD;
    return h ^ h >> 29;
}

__attribute__((noinline)) uint64_t reply_cache_sum(const uint8_t *data,
                                                   size_t len)
{
    /* Lanes that do not wait for each other, without a multiplication, so that
     * compilers do several at once: this runs over all that is written. */
    uint64_t lane[LANES], word[LANES], h = len;

    for (unsigned i = 0; i < LANES; i++)
        lane[i] = i;
    for (; len >= sizeof word; data += sizeof word, len -= sizeof word) {
        memcpy(word, data, sizeof word);
        for (unsigned i = 0; i < LANES; i++) {
            lane[i] += word[i];
            lane[i] ^= lane[i] << 23;
            lane[i] ^= lane[i] >> 17;
        }
    }
    for (unsigned i = 0; i < LANES; i++)
        h = mix(h, lane[i]);
    for (; len > 0; data++, len--)
        h = mix(h, *data);
    return h ? h : 1;
}

static uint32_t mix32(uint32_t h, uint32_t word)
{
    h = (h ^ word) * ODD32;
    return h ^ h >> 15;
}

static inline uint64_t times(const uint8_t *word, uint32_t odd)
{
    return (uint64_t)get_le32(word) * odd;
}

static inline uint32_t sample(const uint8_t *data, size_t len)
{
    uint32_t h = (uint32_t)len;

    for (; len >= AOE_SECTOR; data += AOE_SECTOR, len -= AOE_SECTOR) {
        /* A factor for each, so that no two changes cancel each other. */
        uint64_t four = times(data, ODD32) + times(data + 4, 0x85ebca6b) +
                        times(data + 8, 0xc2b2ae35) +
                        times(data + 12, 0x27d4eb2f);

        h = mix32(h, (uint32_t)four) + (uint32_t)(four >> 32);
    }
    return h;
}

/* Where a word must be read byte by byte unless it is known to be aligned, that
 * would be most of the work. */
uint32_t reply_cache_sample(const uint8_t *data, size_t len)
{
    if ((uintptr_t)data % sizeof(uint32_t) == 0)
        return sample(__builtin_assume_aligned(data, sizeof(uint32_t)), len);
    return sample(data, len);
}

/* In 32 bits: this runs for each write on small processors, too. */
static size_t set_of(const struct reply_cache_key *key)
{
    const uint8_t *mac = key->client.b;
    uint32_t h = mix32((uint32_t)(mac[4] << 8 | mac[5]), key->tag);

    return h * ODD32 >> (32 - SET_BITS);
}

static bool same_request(const struct cached_reply *p,
                         const struct reply_cache_key *key)
{
    return p->key.tag == key->tag && p->at &&
           aoe_mac_equal(&p->key.client, &key->client);
}

void reply_cache_key_of(struct reply_cache_key *key,
                        const struct reply_cache *c, const struct exchange *x)
{
    size_t wanted = (size_t)x->ata.count * AOE_SECTOR;
    size_t len = wanted < x->ata.data_len ? wanted : x->ata.data_len;
    bool proved = !c || tag_record_proved(&c->tags, &x->header.src);

    aoe_mac_copy(&key->client, &x->header.src);
    key->command = x->ata.command;
    key->count = x->ata.count;
    key->tag = x->header.tag;
    key->sample = reply_cache_sample(x->ata.data, len);
    key->lba = x->ata.lba;
    key->sum = proved ? 0 : reply_cache_sum(x->ata.data, len);
}

/* Of two that have the same client and tag. */
static bool is_copy(const struct reply_cache_key *a,
                    const struct reply_cache_key *b)
{
    return a->command == b->command && a->count == b->count &&
           a->lba == b->lba && a->sample == b->sample &&
           (a->sum == b->sum || !a->sum || !b->sum);
}

const struct reply_cache_outcome *reply_cache_find(
    const struct reply_cache *c, const struct reply_cache_key *key,
    uint64_t now_ns)
{
    const struct cached_reply *set;

    if (!c)
        return NULL;
    set = c->sets[set_of(key)];
    for (int i = 0; i < WAYS; i++)
        if (same_request(&set[i], key) && is_copy(&set[i].key, key) &&
            now_ns - set[i].at <= REPLY_CACHE_NS)
            return &set[i].outcome;
    return NULL;
}

void reply_cache_add(struct reply_cache *c, const struct reply_cache_key *key,
                     struct reply_cache_outcome outcome, uint64_t now_ns)
{
    struct cached_reply *set, *entry;
    bool reused = false;

    if (!c)
        return;
    set = c->sets[set_of(key)];
    entry = set;
    for (int i = 0; i < WAYS; i++) {
        if (same_request(&set[i], key)) {
            entry = &set[i];
            reused = !is_copy(&entry->key, key) &&
                     now_ns - entry->at <= REPLY_CACHE_NS;
            break;
        }
        if (set[i].at < entry->at)
            entry = &set[i];
    }
    tag_record_write(&c->tags, &key->client, reused);
    entry->at = now_ns;
    entry->key = *key;
    entry->outcome = outcome;
}
