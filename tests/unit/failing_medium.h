/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of what the target's disk may lose: the disk, over a medium that
 * fails as on Linux (a failed write-back is reported once, to whichever sync
 * asks next), and requests of several clients.  A header, since each test
 * program is one file.
 */
#ifndef TESTS_UNIT_FAILING_MEDIUM_H
#define TESTS_UNIT_FAILING_MEDIUM_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/serve/disk.h"
#include "wire/ata.h"

enum { SECTORS = 64, TAGS = 4096 };

/* ---- the medium -----------------------------------------------------------
 */

struct medium {
    struct store store;
    uint8_t cache[SECTORS], kept[SECTORS]; /* the first byte of each sector */
    bool dirty[SECTORS], bad[SECTORS];
    bool error; /* a write-back failed, and nobody has been told */
    bool hang;  /* operations wait in `held` */
    struct list held;
    unsigned flushes, durable;
};

static inline void write_back(struct medium *m, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        if (!m->dirty[i])
            continue;
        m->dirty[i] = false; /* as in the kernel, whatever the outcome */
        if (m->bad[i])
            m->error = true;
        else
            m->kept[i] = m->cache[i];
    }
}

static inline int sync_range(struct medium *m, unsigned first, unsigned end)
{
    bool failed;

    write_back(m, first, end);
    failed = m->error;
    m->error = false;
    m->store.losses += failed;
    return failed ? -EIO : 0;
}

static inline void put(struct medium *m, const struct store_op *op)
{
    for (uint64_t at = 0; at < op->length; at += 512) {
        m->cache[(op->offset + at) / 512] = op->data ? op->data[at] : 0;
        m->dirty[(op->offset + at) / 512] = true;
    }
}

static inline void perform(struct medium *m, struct store_op *op)
{
    unsigned first = (unsigned)(op->offset / 512);
    unsigned end = first + (unsigned)(op->length / 512);

    op->result = 0;
    switch (op->kind) {
    case STORE_WRITE:
    case STORE_TRIM:
        put(m, op);
        m->durable += op->durable;
        if (!op->durable || sync_range(m, first, end) == 0)
            break;
        put(m, op); /* whose error was it? */
        op->result = sync_range(m, first, end);
        break;
    case STORE_FLUSH:
        m->flushes++;
        op->result = sync_range(m, 0, SECTORS);
        break;
    default:
        break;
    }
    op->done = op->result ? 0 : op->length;
    op->complete(op);
}

static inline void submit(struct store *s, struct list *ops)
{
    struct medium *m = list_entry(s, struct medium, store);

    for (struct list *node; (node = list_first(ops));) {
        list_remove(node);
        if (m->hang)
            list_append(&m->held, node);
        else
            perform(m, list_entry(node, struct store_op, link));
    }
}

static inline void no_close(struct store *s)
{
    (void)s;
}

static const struct store_ops medium_ops = {
    .name = "medium", .submit = submit, .close = no_close};

/* ---- the disk -------------------------------------------------------------
 */

static struct medium medium;
static struct disk disk;
static bool touched;
static unsigned announced;
static struct aoe_ata answer[TAGS];
static bool answered[TAGS];

static inline uint64_t host_now(void *arg)
{
    (void)arg;
    return NS_PER_S;
}

static inline void host_touch(void *arg, struct disk *d)
{
    (void)arg;
    (void)d;
    touched = true;
}

static inline void host_release(void *arg, struct request *r)
{
    (void)arg;
    free(r->x.frame);
    free(r);
}

static inline void host_answer(void *arg, struct request *r)
{
    uint32_t tag = r->x.header.tag;

    assert_false(answered[tag]);
    answered[tag] = true;
    assert_int_equal(aoe_ata_parse(r->x.frame, r->x.reply_len, &answer[tag]),
                     0);
    host_release(arg, r);
}

static inline void host_committed(void *arg, struct disk *d)
{
    (void)arg;
    (void)d;
}

static inline void host_lost(void *arg, struct disk *d)
{
    (void)arg;
    (void)d;
    announced++;
}

static const struct disk_host host = {.now = host_now,
                                      .touch = host_touch,
                                      .answer = host_answer,
                                      .release = host_release,
                                      .committed = host_committed,
                                      .lost = host_lost};

static inline int setup(void **state)
{
    struct export e = {
        .sectors = SECTORS,
        .write_cache = true,
        .can_trim = true,
        .vendor = {.present = true, .epoch = 77},
    };

    (void)state;
    memset(&medium, 0, sizeof medium);
    list_init(&medium.held);
    medium.store.ops = &medium_ops;
    medium.store.size = SECTORS * 512;
    disk_init(&disk, &host, NULL, &e, &medium.store);
    memset(answered, 0, sizeof answered);
    announced = 0;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    disk_fini(&disk);
    return 0;
}

static inline void turn(void)
{
    while (touched) {
        touched = false;
        disk_submit(&disk);
    }
}

/* ---- requests -------------------------------------------------------------
 */

struct ask {
    uint8_t client; /* part of its address */
    uint32_t tag;
    uint8_t command;
    uint64_t lba;
    uint8_t feature;
    uint8_t fill; /* of a trim: sectors of a second range, after a gap */
};

static inline bool carries_data(const struct ask *a)
{
    return a->command == ATA_WRITE_SECTORS_EXT ||
           a->command == ATA_WRITE_DMA_FUA_EXT ||
           a->command == ATA_DATA_SET_MANAGEMENT;
}

static inline void fill_frame(uint8_t *frame, const struct ask *a)
{
    struct aoe_header h = {
        .src = {{2, 0, 0, 0, a->tag >= 1000 ? (uint8_t)(a->tag >> 8) : 0,
                 a->tag >= 1000 ? (uint8_t)a->tag : a->client}},
        .version = AOE_VERSION,
        .command = AOE_CMD_ATA,
        .tag = a->tag};
    struct aoe_ata ata = {
        .aflags = (uint8_t)(AOE_AFLAG_EXTENDED |
                            (carries_data(a) ? AOE_AFLAG_WRITE : 0)),
        .feature = a->feature,
        .command = a->command,
        .lba = a->command == ATA_DATA_SET_MANAGEMENT ? 0 : a->lba,
        .count = carries_data(a)};

    aoe_header_build(frame, &h);
    aoe_ata_build(frame, &ata);
    if (a->command == ATA_DATA_SET_MANAGEMENT) {
        ata_trim_put(frame + AOE_ATA_HEADER, a->lba, 1);
        ata_trim_put(frame + AOE_ATA_HEADER + ATA_TRIM_RANGE, a->lba + 2,
                     a->fill);
    } else {
        memset(frame + AOE_ATA_HEADER, a->fill, AOE_SECTOR);
    }
}

static inline void ask(struct ask a)
{
    static const struct aoe_mac mac = {{2, 0, 0, 0, 9, 9}};
    struct request *r = calloc(1, sizeof *r);

    r->disk = &disk;
    r->x = (struct exchange){.frame = calloc(1, 1500),
                             .len = AOE_ATA_HEADER + AOE_SECTOR,
                             .capacity = 1500,
                             .mac = &mac,
                             .mtu = 1500,
                             .export = &disk.export};
    fill_frame(r->x.frame, &a);
    assert_int_equal(responder_accept(&r->x), RESPONDER_ACCEPTED);
    assert_int_equal(responder_request(&r->x), RESPONDER_STORE);
    disk_start(&disk, r);
}

static inline void write_one(uint8_t client, uint32_t tag, uint64_t lba)
{
    ask((struct ask){client, tag, ATA_WRITE_SECTORS_EXT, lba, 0, (uint8_t)tag});
}

static inline void flush_one(uint8_t client, uint32_t tag)
{
    ask((struct ask){client, tag, ATA_FLUSH_CACHE_EXT, 0, 0, 0});
}

static inline bool good(uint32_t tag)
{
    turn();
    assert_true(answered[tag]);
    return answer[tag].command == ATA_STATUS_DRDY;
}

/* Performs the operation that hangs behind `i` others. */
static inline void let_go(unsigned i)
{
    struct list *node = medium.held.next;

    while (i-- > 0)
        node = node->next;
    list_remove(node);
    perform(&medium, list_entry(node, struct store_op, link));
    turn();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
