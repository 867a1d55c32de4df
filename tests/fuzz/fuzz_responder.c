/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The responder over any sequence of frames, for libFuzzer, with a disk in
 * memory behind it.
 *
 * Input: a byte of switches (see below), then frames, each with its length in
 * two bytes before it, the lower first.
 *
 * Everything runs twice, with different rubbish where no byte was received:
 * if anything differs, a byte was sent or used that nobody meant to be.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "target/protocol/responder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SECTOR = 512, SECTORS = 24, FRAMES_MAX = 64, JUMBO = 9000 };

/* The first byte of the input. */
enum {
    READ_ONLY = 1,
    SYNC = 2,
    BIG_FRAMES = 4,
    TINY_FRAMES = 8,
    MASKED = 16,    /* a client is on the mask list */
    RESERVED = 32,  /* and holds the reservation */
    BAD_SECTOR = 64 /* the disk's last sector fails */
};

static const struct aoe_mac own = {{2, 0xa0, 0xe0, 0, 0, 2}};
static const struct aoe_mac client = {{2, 0xa0, 0xe0, 0, 0, 1}};

/* The target, once with each kind of rubbish. */
struct world {
    struct export export;
    uint8_t disk[SECTORS * SECTOR];
    uint8_t switches;
    unsigned mtu;
    uint8_t rubbish;

    uint8_t *frame; /* as large as a frame may be, to the byte */
    uint32_t capacity;
    uint32_t reply_len; /* 0: no answer */
};

static struct world worlds[2], before;

static void must(int holds)
{
    if (!holds)
        abort();
}

static unsigned mtu_of(uint8_t switches)
{
    if (switches & TINY_FRAMES)
        return 68;
    return switches & BIG_FRAMES ? JUMBO : 1500;
}

static const uint8_t *fresh_disk(void)
{
    static uint8_t disk[SECTORS * SECTOR];
    static bool filled;

    for (unsigned i = 0; !filled && i < sizeof disk; i++)
        disk[i] = (uint8_t)(i / SECTOR * 7 + i);
    filled = true;
    return disk;
}

static void create(struct world *w, uint8_t switches, uint8_t rubbish)
{
    memset(w, 0, sizeof *w);
    w->switches = switches;
    w->rubbish = rubbish;
    w->mtu = mtu_of(switches);
    w->capacity = AOE_ETHER_HEADER + w->mtu;
    w->frame = malloc(w->capacity);
    must(w->frame != NULL);
    memcpy(w->disk, fresh_disk(), sizeof w->disk);
    w->export.addr = (struct aoe_addr){1, 2};
    w->export.sectors = SECTORS;
    w->export.physical_sector = 4096;
    w->export.buffer_count = 16;
    strcpy(w->export.serial, "aoe-0123456789abcdef");
    w->export.read_only = switches & READ_ONLY;
    w->export.sync = switches & SYNC;
    w->export.write_cache = !(switches & (READ_ONLY | SYNC));
    w->export.can_trim = true;
    if (switches & MASKED)
        mac_list_add(&w->export.mask, &client, EXPORT_LIST_MAX);
    if (switches & RESERVED)
        mac_list_add(&w->export.reserve, &client, EXPORT_LIST_MAX);
}

/* ---- the disk -------------------------------------------------------------
 */

static void run(struct world *w, struct store_op *op)
{
    uint64_t end = op->offset + op->length;

    op->result = 0;
    op->done = 0;
    if (op->kind == STORE_FLUSH)
        return;
    must(op->length > 0 && op->offset % SECTOR == 0 &&
         op->length % SECTOR == 0);
    must(end > op->offset && end <= sizeof w->disk);
    if (w->switches & BAD_SECTOR && end == sizeof w->disk) {
        op->result = -5;
        end -= SECTOR;
    }
    op->done = end - op->offset;
    if (op->kind == STORE_READ || op->kind == STORE_WRITE)
        must(op->data >= w->frame + AOE_ATA_HEADER &&
             op->length <= (size_t)(w->frame + w->capacity - op->data));
    if (op->kind == STORE_READ)
        memcpy(op->data, w->disk + op->offset, op->done);
    else if (op->kind == STORE_WRITE)
        memcpy(w->disk + op->offset, op->data, op->done);
    else if (op->kind == STORE_TRIM)
        memset(w->disk + op->offset, 0, op->done);
}

/* ---- what must not change -------------------------------------------------
 */

static int same_lists(const struct export *a, const struct export *b)
{
    return a->config_len == b->config_len &&
           memcmp(a->config, b->config, a->config_len) == 0 &&
           a->mask.count == b->mask.count &&
           memcmp(a->mask.macs, b->mask.macs,
                  a->mask.count * sizeof a->mask.macs[0]) == 0 &&
           a->reserve.count == b->reserve.count &&
           memcmp(a->reserve.macs, b->reserve.macs,
                  a->reserve.count * sizeof a->reserve.macs[0]) == 0;
}

static int same_disk(const struct world *a, const struct world *b)
{
    return memcmp(a->disk, b->disk, sizeof a->disk) == 0;
}

static int same_cache(const struct world *a, const struct world *b)
{
    return a->export.write_cache == b->export.write_cache;
}

static int to_many(const struct aoe_header *h)
{
    return aoe_addr_wildcard(h->addr) || aoe_mac_group(&h->dst);
}

/* `heard`: the frame was a request for this disk. */
static void check_changes(const struct world *w, const struct aoe_header *h,
                          int heard)
{
    if (!heard || !export_admits(&before.export, &h->src))
        must(w->reply_len == 0);
    if (!heard || !export_admits(&before.export, &h->src) ||
        h->version != AOE_VERSION) {
        must(same_disk(w, &before) && same_cache(w, &before));
        must(same_lists(&w->export, &before.export));
        return;
    }
    if (aoe_addr_wildcard(h->addr) && h->command != AOE_CMD_CONFIG &&
        h->command != AOE_CMD_ATA)
        must(w->reply_len == 0);
    if (to_many(h) || h->command != AOE_CMD_ATA ||
        export_reserved(&before.export, &h->src))
        must(same_disk(w, &before) && same_cache(w, &before));
    if (before.export.read_only)
        must(same_disk(w, &before));
    if (h->command == AOE_CMD_ATA || h->command > AOE_CMD_RESERVE)
        must(same_lists(&w->export, &before.export));
}

/* ---- one frame ------------------------------------------------------------
 */

static void check_reply(const struct world *w, const struct aoe_header *request)
{
    uint32_t most = w->capacity > AOE_FRAME_MIN ? w->capacity : AOE_FRAME_MIN;
    struct aoe_header h;

    must(w->reply_len >= AOE_FRAME_MIN && w->reply_len <= most);
    must(aoe_header_parse(w->frame, w->reply_len, &h) == 0);
    must(h.flags & AOE_FLAG_RESPONSE && h.version == AOE_VERSION);
    must(h.tag == request->tag && h.command == request->command);
    must(aoe_mac_equal(&h.dst, &request->src) && aoe_mac_equal(&h.src, &own));
    must(h.addr.shelf == 1 && h.addr.slot == 2);
    must(!aoe_mac_group(&h.dst));
}

static void receive(struct world *w, const uint8_t *bytes, size_t len)
{
    enum responder_verdict verdict = RESPONDER_DROP;
    struct exchange x = {.frame = w->frame,
                         .len = (uint32_t)len,
                         .capacity = w->capacity,
                         .mac = &own,
                         .mtu = w->mtu,
                         .export = &w->export};
    struct aoe_header request;
    int heard;

    memset(w->frame, w->rubbish, w->capacity);
    memcpy(w->frame, bytes, len);
    before = *w;
    heard = responder_accept(&x) == RESPONDER_ACCEPTED &&
            aoe_addr_matches(x.header.addr, w->export.addr);
    request = x.header;
    if (heard)
        verdict = responder_request(&x);
    while (verdict == RESPONDER_STORE) {
        run(w, &x.op);
        verdict = responder_complete(&x);
    }
    w->reply_len = verdict == RESPONDER_REPLY ? x.reply_len : 0;
    if (w->reply_len > 0)
        check_reply(w, &request);
    check_changes(w, &request, heard);
}

static void both_receive(const uint8_t *bytes, size_t len)
{
    struct world *a = &worlds[0], *b = &worlds[1];

    receive(a, bytes, len);
    receive(b, bytes, len);
    must(a->reply_len == b->reply_len);
    must(memcmp(a->frame, b->frame, a->reply_len) == 0);
    must(same_disk(a, b) && same_cache(a, b));
    must(same_lists(&a->export, &b->export));
    must(memcmp(a->export.counts, b->export.counts, sizeof a->export.counts) ==
         0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;

    if (size == 0)
        return 0;
    create(&worlds[0], *data, 0xa5);
    create(&worlds[1], *data++, 0x5a);
    for (unsigned i = 0; i < FRAMES_MAX && end - data >= 2; i++) {
        size_t len = data[0] | (size_t)data[1] << 8;

        data += 2;
        if (len > (size_t)(end - data))
            len = (size_t)(end - data);
        both_receive(data, len < worlds[0].capacity ? len : worlds[0].capacity);
        data += len;
    }
    free(worlds[0].frame);
    free(worlds[1].frame);
    return 0;
}
