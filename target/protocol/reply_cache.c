/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A set-associative table of fixed size: client and tag choose a set of a few
 * entries, of which the oldest is evicted.
 */
#include "target/protocol/reply_cache.h"
#include "target/protocol/exchange.h"

#include <stdlib.h>
#include <string.h>

enum {
    WAYS = 4,
    SETS = REPLY_CACHE_WRITES / WAYS, /* a power of two */
    LANES = 16,                       /* of reply_cache_sum */
};

#define ODD UINT64_C(0x9e3779b97f4a7c15)

struct cached_reply {
    uint64_t at; /* ns; 0: never used */
    struct reply_cache_key key;
    struct reply_cache_outcome outcome;
};

struct reply_cache {
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

uint64_t reply_cache_sum(const uint8_t *data, size_t len)
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
    return h;
}

static size_t set_of(const struct reply_cache_key *key)
{
    uint64_t mac = 0;

    memcpy(&mac, key->client.b, sizeof key->client.b);
    return (size_t)(mix(mix(0, mac), key->tag) >> 32) % SETS;
}

static bool same_request(const struct cached_reply *p,
                         const struct reply_cache_key *key)
{
    return p->at && p->key.tag == key->tag &&
           aoe_mac_equal(&p->key.client, &key->client);
}

struct reply_cache_key reply_cache_key_of(const struct exchange *x)
{
    size_t len = (size_t)x->ata.count * AOE_SECTOR;

    return (struct reply_cache_key){
        .client = x->header.src,
        .command = x->ata.command,
        .count = x->ata.count,
        .tag = x->header.tag,
        .lba = x->ata.lba,
        .sum = reply_cache_sum(x->ata.data,
                               len < x->ata.data_len ? len : x->ata.data_len),
    };
}

const struct reply_cache_outcome *reply_cache_find(
    const struct reply_cache *c, const struct reply_cache_key *key,
    uint64_t now_ns)
{
    if (!c)
        return NULL;
    for (int i = 0; i < WAYS; i++) {
        const struct cached_reply *p = &c->sets[set_of(key)][i];

        if (same_request(p, key) && p->key.command == key->command &&
            p->key.count == key->count && p->key.lba == key->lba &&
            p->key.sum == key->sum && now_ns - p->at <= REPLY_CACHE_NS)
            return &p->outcome;
    }
    return NULL;
}

void reply_cache_add(struct reply_cache *c, const struct reply_cache_key *key,
                     struct reply_cache_outcome outcome, uint64_t now_ns)
{
    struct cached_reply *set, *entry;

    if (!c)
        return;
    set = c->sets[set_of(key)];
    entry = set;
    for (int i = 0; i < WAYS; i++) {
        if (same_request(&set[i], key)) {
            entry = &set[i];
            break;
        }
        if (set[i].at < entry->at)
            entry = &set[i];
    }
    *entry =
        (struct cached_reply){.at = now_ns, .key = *key, .outcome = outcome};
}
