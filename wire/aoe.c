/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Parsers and builders of the AoE frame (AoEr11 sections 2 and 3; offsets in
 * aoe.h).  No parser reads beyond the bytes received: vblade's did, and so
 * answered with, and acted on, pieces of earlier frames.
 */
#include "wire/aoe.h"

#include <assert.h>
#include <errno.h>

#include "base/bytes.h"

/* Offsets from the frame's first byte. */
enum {
    AT_DST = 0,
    AT_SRC = 6,
    AT_ETHERTYPE = 12,
    AT_VERSION_FLAGS = 14,
    AT_ERROR = 15,
    AT_SHELF = 16,
    AT_SLOT = 18,
    AT_COMMAND = 19,
    AT_TAG = 20,
    AT_ARG = AOE_HEADER,

    MAX_SECTORS = 255, /* what the one-byte sector count can say */
};

const struct aoe_mac aoe_mac_broadcast = {{255, 255, 255, 255, 255, 255}};

/* Says of a frame what the compiler cannot know.  Where a processor reads words
 * at their own alignment only, it would read each field byte by byte: a tenth
 * of all that a small one spends on a read. */
static inline const uint8_t *aligned(const uint8_t *frame)
{
    assert((uintptr_t)frame % AOE_FRAME_ALIGN == 0);
    return __builtin_assume_aligned(frame, AOE_FRAME_ALIGN);
}

/* The address at this place of an aligned frame. */
static inline struct aoe_mac *mac_at(const uint8_t *frame, unsigned at)
{
    return (struct aoe_mac *)(uintptr_t)(frame + at);
}

/* At any alignment; memcpy of six bytes would be a call. */
static inline void put_mac(uint8_t *p, const struct aoe_mac *m)
{
    put_be32(p, get_be32(m->b));
    put_be16(p + 4, get_be16(m->b + 4));
}

inline int aoe_header_parse(const uint8_t *frame, size_t len,
                            struct aoe_header *h)
{
    frame = aligned(frame);
    if (len < AOE_HEADER || get_be16(frame + AT_ETHERTYPE) != AOE_ETHERTYPE)
        return -EBADMSG;
    aoe_mac_copy(&h->dst, mac_at(frame, AT_DST));
    aoe_mac_copy(&h->src, mac_at(frame, AT_SRC));
    h->version = frame[AT_VERSION_FLAGS] >> 4;
    h->flags = frame[AT_VERSION_FLAGS] & (AOE_FLAG_RESPONSE | AOE_FLAG_ERROR);
    h->error = frame[AT_ERROR];
    h->addr.shelf = get_be16(frame + AT_SHELF);
    h->addr.slot = frame[AT_SLOT];
    h->command = frame[AT_COMMAND];
    h->tag = get_be32(frame + AT_TAG);
    return 0;
}

size_t aoe_header_build(uint8_t *frame, const struct aoe_header *h)
{
    /* `h` may have been parsed from this very frame. */
    put_mac(frame + AT_DST, &h->dst);
    put_mac(frame + AT_SRC, &h->src);
    put_be16(frame + AT_ETHERTYPE, AOE_ETHERTYPE);
    frame[AT_VERSION_FLAGS] =
        (uint8_t)(h->version << 4 |
                  (h->flags & (AOE_FLAG_RESPONSE | AOE_FLAG_ERROR)));
    frame[AT_ERROR] = h->error;
    put_be16(frame + AT_SHELF, h->addr.shelf);
    frame[AT_SLOT] = h->addr.slot;
    frame[AT_COMMAND] = h->command;
    put_be32(frame + AT_TAG, h->tag);
    return AOE_HEADER;
}

inline void aoe_header_answer(uint8_t *frame, const struct aoe_mac *src,
                              uint8_t flags, uint8_t error,
                              struct aoe_addr addr)
{
    frame = (uint8_t *)(uintptr_t)aligned(frame);
    aoe_mac_copy(mac_at(frame, AT_DST), mac_at(frame, AT_SRC));
    aoe_mac_copy(mac_at(frame, AT_SRC), src);
    frame[AT_VERSION_FLAGS] =
        (uint8_t)(AOE_VERSION << 4 | AOE_FLAG_RESPONSE | flags);
    frame[AT_ERROR] = error;
    put_be16(frame + AT_SHELF, addr.shelf);
    frame[AT_SLOT] = addr.slot;
}

inline int aoe_ata_parse(const uint8_t *frame, size_t len, struct aoe_ata *a)
{
    const uint8_t *arg = aligned(frame) + AT_ARG;

    if (len < AOE_ATA_HEADER)
        return -EBADMSG;
    a->aflags = arg[0];
    a->feature = arg[1];
    a->count = arg[2];
    a->command = arg[3];
    a->lba = (uint64_t)get_le16(arg + 8) << 32 | get_le32(arg + 4);
    a->data = frame + AOE_ATA_HEADER;
    a->data_len = len - AOE_ATA_HEADER;
    return 0;
}

size_t aoe_ata_build(uint8_t *frame, const struct aoe_ata *a)
{
    uint8_t *arg = frame + AT_ARG;

    arg[0] = a->aflags;
    arg[1] = a->feature;
    arg[2] = a->count;
    arg[3] = a->command;
    put_le(arg + 4, a->lba, 6);
    put_le(arg + 10, 0, 2);
    return AOE_ATA_HEADER;
}

inline size_t aoe_ata_answer(uint8_t *frame, uint8_t status, uint8_t error,
                             uint8_t count, size_t data_len)
{
    uint8_t *arg = (uint8_t *)(uintptr_t)aligned(frame) + AT_ARG;

    arg[1] = error;
    arg[2] = count;
    arg[3] = status;
    put_le16(arg + 10, 0);
    if (data_len > 0)
        return AOE_ATA_HEADER + data_len;
    /* So many that no call is needed for it. */
    memset(arg + 12, 0, AOE_FRAME_MIN - AOE_ATA_HEADER);
    return AOE_FRAME_MIN;
}

int aoe_config_parse(const uint8_t *frame, size_t len, struct aoe_config *c)
{
    const uint8_t *arg = frame + AT_ARG;

    if (len < AOE_CONFIG_HEADER)
        return -EBADMSG;
    c->buffer_count = get_be16(arg);
    c->firmware = get_be16(arg + 2);
    c->sector_count = arg[4];
    c->version = arg[5] >> 4;
    c->command = arg[5] & 0x0f;
    c->length = get_be16(arg + 6);
    c->string = frame + AOE_CONFIG_HEADER;
    if (c->length > AOE_CONFIG_STRING_MAX ||
        c->length > len - AOE_CONFIG_HEADER)
        return -EBADMSG;
    return 0;
}

size_t aoe_config_build(uint8_t *frame, const struct aoe_config *c)
{
    uint8_t *arg = frame + AT_ARG;

    /* The string first: it may lie in the frame that is being rewritten. */
    if (c->length)
        memmove(frame + AOE_CONFIG_HEADER, c->string, c->length);
    put_be16(arg, c->buffer_count);
    put_be16(arg + 2, c->firmware);
    arg[4] = c->sector_count;
    arg[5] = (uint8_t)(c->version << 4 | (c->command & 0x0f));
    put_be16(arg + 6, c->length);
    return AOE_CONFIG_HEADER + (size_t)c->length;
}

int aoe_mask_parse(const uint8_t *frame, size_t len, struct aoe_mask *m)
{
    const uint8_t *arg = frame + AT_ARG;

    if (len < AOE_MASK_HEADER)
        return -EBADMSG;
    m->command = arg[1];
    m->error = arg[2];
    m->count = arg[3];
    m->directives = frame + AOE_MASK_HEADER;
    /* A refusal carries no list: its count says which directive failed. */
    if (m->error && frame[AT_VERSION_FLAGS] & AOE_FLAG_RESPONSE) {
        m->directives = NULL;
        return 0;
    }
    if ((size_t)m->count * AOE_MASK_DIRECTIVE > len - AOE_MASK_HEADER)
        return -EBADMSG;
    return 0;
}

size_t aoe_mask_build(uint8_t *frame, const struct aoe_mask *m)
{
    uint8_t *arg = frame + AT_ARG;

    arg[0] = 0;
    arg[1] = m->command;
    arg[2] = m->error;
    arg[3] = m->count;
    return AOE_MASK_HEADER;
}

void aoe_mask_get(const struct aoe_mask *m, unsigned i, uint8_t *code,
                  struct aoe_mac *mac)
{
    const uint8_t *d = m->directives + (size_t)i * AOE_MASK_DIRECTIVE;

    *code = d[1];
    memcpy(mac->b, d + 2, AOE_MAC);
}

size_t aoe_mask_add(uint8_t *frame, size_t len, uint8_t code,
                    const struct aoe_mac *mac)
{
    uint8_t *d = frame + len;

    d[0] = 0;
    d[1] = code;
    memcpy(d + 2, mac->b, AOE_MAC);
    return len + AOE_MASK_DIRECTIVE;
}

int aoe_reserve_parse(const uint8_t *frame, size_t len, struct aoe_reserve *r)
{
    const uint8_t *arg = frame + AT_ARG;

    if (len < AOE_RESERVE_HEADER)
        return -EBADMSG;
    r->command = arg[0];
    r->count = arg[1];
    r->macs = frame + AOE_RESERVE_HEADER;
    if ((size_t)r->count * AOE_MAC > len - AOE_RESERVE_HEADER)
        return -EBADMSG;
    return 0;
}

size_t aoe_reserve_build(uint8_t *frame, const struct aoe_reserve *r)
{
    uint8_t *arg = frame + AT_ARG;
    size_t list = (size_t)r->count * AOE_MAC;

    if (list)
        memmove(frame + AOE_RESERVE_HEADER, r->macs, list);
    arg[0] = r->command;
    arg[1] = r->count;
    return AOE_RESERVE_HEADER + list;
}

size_t aoe_pad(uint8_t *frame, size_t len)
{
    if (len >= AOE_FRAME_MIN)
        return len;
    memset(frame + len, 0, AOE_FRAME_MIN - len);
    return AOE_FRAME_MIN;
}

unsigned aoe_sectors_for_mtu(unsigned mtu)
{
    unsigned sectors =
        mtu < AOE_ATA_HEADER ? 0 : (mtu - AOE_ATA_HEADER) / AOE_SECTOR;

    return sectors > MAX_SECTORS ? MAX_SECTORS : sectors;
}
