/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A table of fixed size: client and tag choose a row of a few places, of which
 * the oldest is used next.
 */
#include "target/protocol/recent.h"
#include "target/protocol/exchange.h"

#include <stdlib.h>
#include <string.h>

enum {
    PLACES = 4,
    ROWS = RECENT_WRITES / PLACES, /* a power of two */
    LANES = 16,                    /* of recent_sum */
};

#define ODD UINT64_C(0x9e3779b97f4a7c15)

struct place {
    uint64_t at; /* ns; 0: never used */
    struct recent_key key;
    struct recent_outcome outcome;
};

struct recent {
    struct place places[ROWS][PLACES];
};

struct recent *recent_new(void)
{
    /* A large calloc is not backed by memory before it is written to, so an
     * export that is only read costs nothing. */
    return calloc(1, sizeof(struct recent));
}

void recent_free(struct recent *r)
{
    free(r);
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * ODD;
    return h ^ h >> 29;
}

uint64_t recent_sum(const uint8_t *data, size_t len)
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

static size_t row_of(const struct recent_key *key)
{
    uint64_t mac = 0;

    memcpy(&mac, key->client.b, sizeof key->client.b);
    return (size_t)(mix(mix(0, mac), key->tag) >> 32) % ROWS;
}

static bool same_use(const struct place *p, const struct recent_key *key)
{
    return p->at && p->key.tag == key->tag &&
           aoe_mac_equal(&p->key.client, &key->client);
}

struct recent_key recent_key_of(const struct exchange *x)
{
    size_t len = (size_t)x->ata.count * AOE_SECTOR;

    return (struct recent_key){
        .client = x->header.src,
        .command = x->ata.command,
        .count = x->ata.count,
        .tag = x->header.tag,
        .lba = x->ata.lba,
        .sum = recent_sum(x->ata.data,
                          len < x->ata.data_len ? len : x->ata.data_len),
    };
}

const struct recent_outcome *recent_find(const struct recent *r,
                                         const struct recent_key *key,
                                         uint64_t now_ns)
{
    if (!r)
        return NULL;
    for (int i = 0; i < PLACES; i++) {
        const struct place *p = &r->places[row_of(key)][i];

        if (same_use(p, key) && p->key.command == key->command &&
            p->key.count == key->count && p->key.lba == key->lba &&
            p->key.sum == key->sum && now_ns - p->at <= RECENT_NS)
            return &p->outcome;
    }
    return NULL;
}

void recent_add(struct recent *r, const struct recent_key *key,
                struct recent_outcome outcome, uint64_t now_ns)
{
    struct place *row, *place;

    if (!r)
        return;
    row = r->places[row_of(key)];
    place = row;
    for (int i = 0; i < PLACES; i++) {
        if (same_use(&row[i], key)) {
            place = &row[i];
            break;
        }
        if (row[i].at < place->at)
            place = &row[i];
    }
    *place = (struct place){.at = now_ns, .key = *key, .outcome = outcome};
}
