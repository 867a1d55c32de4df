/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The target's disk over a medium that fails as Linux lets it fail: a failed
 * write-back is reported once, to whichever sync asks next.
 */
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
    bool error; /* a write-back failed, and nobody has heard of it */
    bool hang;  /* operations wait in `held` */
    struct list held;
    unsigned flushes, durable;
};

static void write_back(struct medium *m, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        if (!m->dirty[i])
            continue;
        m->dirty[i] = false; /* as the kernel does, whatever came of it */
        if (m->bad[i])
            m->error = true;
        else
            m->kept[i] = m->cache[i];
    }
}

static int sync_range(struct medium *m, unsigned first, unsigned end)
{
    bool failed;

    write_back(m, first, end);
    failed = m->error;
    m->error = false;
    m->store.losses += failed;
    return failed ? -EIO : 0;
}

static void put(struct medium *m, const struct store_op *op)
{
    for (uint64_t at = 0; at < op->length; at += 512) {
        m->cache[(op->offset + at) / 512] = op->data ? op->data[at] : 0;
        m->dirty[(op->offset + at) / 512] = true;
    }
}

static void perform(struct medium *m, struct store_op *op)
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

static void submit(struct store *s, struct list *ops)
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

static void no_close(struct store *s)
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

static uint64_t host_now(void *arg)
{
    (void)arg;
    return NS_PER_S;
}

static void host_touch(void *arg, struct disk *d)
{
    (void)arg;
    (void)d;
    touched = true;
}

static void host_release(void *arg, struct request *r)
{
    (void)arg;
    free(r->x.frame);
    free(r);
}

static void host_answer(void *arg, struct request *r)
{
    uint32_t tag = r->x.header.tag;

    assert_false(answered[tag]);
    answered[tag] = true;
    assert_int_equal(aoe_ata_parse(r->x.frame, r->x.reply_len, &answer[tag]),
                     0);
    host_release(arg, r);
}

static void host_committed(void *arg, struct disk *d)
{
    (void)arg;
    (void)d;
}

static void host_lost(void *arg, struct disk *d)
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

static int setup(void **state)
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

static int teardown(void **state)
{
    (void)state;
    disk_fini(&disk);
    return 0;
}

static void turn(void)
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
    uint8_t fill;
};

static bool carries_data(const struct ask *a)
{
    return a->command == ATA_WRITE_SECTORS_EXT ||
           a->command == ATA_WRITE_DMA_FUA_EXT ||
           a->command == ATA_DATA_SET_MANAGEMENT;
}

static void fill_frame(uint8_t *frame, const struct ask *a)
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
    if (a->command == ATA_DATA_SET_MANAGEMENT)
        ata_trim_put(frame + AOE_ATA_HEADER, a->lba, 1);
    else
        memset(frame + AOE_ATA_HEADER, a->fill, AOE_SECTOR);
}

static void ask(struct ask a)
{
    static const struct aoe_mac mac = {{2, 0, 0, 0, 9, 9}};
    struct request *r = calloc(1, sizeof *r);

    r->disk = &disk;
    r->x = (struct exchange){.frame = calloc(1, 1500),
                             .len = AOE_ATA_HEADER + AOE_SECTOR,
                             .room = 1500,
                             .mac = &mac,
                             .mtu = 1500,
                             .export = &disk.export};
    fill_frame(r->x.frame, &a);
    assert_int_equal(responder_accept(&r->x), RESPONDER_ACCEPTED);
    assert_int_equal(responder_request(&r->x), RESPONDER_STORE);
    disk_start(&disk, r);
}

static void write_one(uint8_t client, uint32_t tag, uint64_t lba)
{
    ask((struct ask){client, tag, ATA_WRITE_SECTORS_EXT, lba, 0, (uint8_t)tag});
}

static void flush_one(uint8_t client, uint32_t tag)
{
    ask((struct ask){client, tag, ATA_FLUSH_CACHE_EXT, 0, 0, 0});
}

static bool good(uint32_t tag)
{
    turn();
    assert_true(answered[tag]);
    return answer[tag].command == ATA_STATUS_DRDY;
}

/* ---- tests ----------------------------------------------------------------
 */

static void each_writer_hears_it_once(void **state)
{
    (void)state;
    write_one(1, 1, 10);
    write_one(2, 2, 11);
    assert_true(good(1) && good(2));
    flush_one(4, 3);
    assert_true(good(3)); /* settled: all of it is on the medium */
    medium.bad[12] = true;
    write_one(1, 4, 12);
    write_one(2, 5, 13);
    assert_true(good(4) && good(5));
    flush_one(1, 6);
    assert_false(good(6));
    flush_one(2, 7);
    flush_one(3, 8); /* wrote nothing */
    assert_false(good(7));
    assert_true(good(8));
    flush_one(1, 9);
    flush_one(2, 10);
    assert_true(good(9) && good(10));
    assert_int_equal(announced, 1);
}

static void a_durable_neighbour_takes_nothing(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    assert_true(good(1));
    write_back(&medium, 0, SECTORS); /* when memory is short */
    ask((struct ask){2, 2, ATA_WRITE_DMA_FUA_EXT, 20, 0, 7});
    assert_true(good(2));
    assert_int_equal(medium.kept[20], 7);
    flush_one(1, 3);
    assert_false(good(3));
    flush_one(1, 4);
    assert_true(good(4));
}

static void a_durable_request_tells_its_own_client(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    assert_true(good(1));
    write_back(&medium, 0, SECTORS);
    ask((struct ask){1, 2, ATA_WRITE_DMA_FUA_EXT, 20, 0, 7});
    assert_false(good(2));
    flush_one(1, 3);
    assert_true(good(3));
}

static void a_commit_takes_nothing(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    write_one(2, 2, 13);
    turn();
    disk_commit(&disk);
    turn();
    assert_int_equal(medium.flushes, 1);
    assert_true(epochs_untold(&disk.epochs));
    flush_one(1, 3);
    flush_one(2, 4);
    assert_false(good(3));
    assert_false(good(4));
    assert_false(epochs_untold(&disk.epochs));
}

/* Many at once with the cache off, of which some fail. */
static void who_fails_among_durable_writes(void **state)
{
    (void)state;
    disk.export.write_cache = false;
    medium.bad[3] = medium.bad[9] = true;
    for (uint32_t tag = 0; tag < 15; tag++)
        write_one(1, tag, tag);
    turn();
    for (uint32_t tag = 0; tag < 15; tag++) {
        assert_int_equal(good(tag), tag != 3 && tag != 9);
        if (good(tag))
            assert_int_equal(medium.kept[tag], (uint8_t)tag);
    }
    assert_int_equal(announced, 0); /* nothing that was answered is lost */
}

/* One flush for all of them, and none for what has no company. */
static void durable_writes_share_a_flush(void **state)
{
    (void)state;
    disk.export.write_cache = false;
    for (uint32_t tag = 0; tag < 15; tag++)
        write_one(1, tag, tag);
    assert_true(good(14));
    assert_int_equal(medium.flushes, 1);
    assert_int_equal(medium.durable, 0);
    write_one(1, 20, 20);
    assert_true(good(20));
    assert_int_equal(medium.flushes, 1);
    assert_int_equal(medium.durable, 1);
}

static void let_go(unsigned i)
{
    struct list *node = medium.held.next;

    while (i-- > 0)
        node = node->next;
    list_remove(node);
    perform(&medium, list_entry(node, struct store_op, link));
    turn();
}

/* Of a durable write that was in the cache when another's flush failed, that
 * flush may have met the failure. */
static void what_was_being_written_is_done_again(void **state)
{
    struct store_op *late;

    (void)state;
    disk.export.write_cache = false;
    medium.hang = true;
    flush_one(2, 1);
    turn();
    medium.bad[5] = true;
    write_one(1, 2, 5);
    turn();
    /* The write reaches the cache, but its completion comes later. */
    late = list_entry(medium.held.next->next, struct store_op, link);
    put(&medium, late);
    let_go(0); /* the flush writes it back, and fails */
    assert_false(good(1));
    medium.hang = false;
    list_remove(&late->link);
    late->result = 0;
    late->done = late->length;
    late->complete(late);
    assert_false(good(2));
}

static void flush_for_an_epoch(void **state)
{
    (void)state;
    write_one(1, 1, 12);
    assert_true(good(1));
    ask((struct ask){1, 2, ATA_FLUSH_CACHE_EXT, 77, 0xae, 0});
    assert_true(good(2));
    ask((struct ask){1, 3, ATA_FLUSH_CACHE_EXT, 78, 0xae, 0});
    assert_false(good(3));
    assert_int_equal(answer[3].lba, 77);
    medium.bad[12] = true;
    write_one(1, 4, 12);
    assert_true(good(4));
    ask((struct ask){1, 5, ATA_FLUSH_CACHE_EXT, 77, 0xae, 0});
    assert_false(good(5));
    assert_int_not_equal(disk.export.vendor.epoch, 77);
    assert_int_equal(answer[5].lba, disk.export.vendor.epoch);
    /* Who knows the new epoch need not be told again. */
    ask((struct ask){1, 6, ATA_FLUSH_CACHE_EXT, disk.export.vendor.epoch, 0xae,
                     0});
    assert_true(good(6));
}

static void a_trim_is_a_write(void **state)
{
    (void)state;
    medium.bad[12] = true;
    ask((struct ask){1, 1, ATA_DATA_SET_MANAGEMENT, 12, ATA_FEATURE_TRIM, 0});
    assert_true(good(1));
    disk_commit(&disk);
    turn();
    flush_one(1, 2);
    assert_false(good(2));
    disk.export.write_cache = false;
    ask((struct ask){1, 3, ATA_DATA_SET_MANAGEMENT, 12, ATA_FEATURE_TRIM, 0});
    assert_false(good(3));
}

static void a_disk_opened_anew_remembers(void **state)
{
    struct epochs kept;

    (void)state;
    write_one(1, 1, 12);
    assert_true(good(1));
    disk_abandon(&disk);
    epochs_init(&kept);
    epochs_inherit(&kept, &disk.epochs);
    flush_one(1, 2);
    assert_true(good(2));
    epochs_inherit(&disk.epochs, &kept);
    flush_one(1, 3);
    assert_false(good(3));
}

/* Of two flushes nobody knows which answer the client looks at. */
static void every_flush_on_its_way_tells(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    assert_true(good(1));
    medium.hang = true;
    flush_one(1, 2);
    turn();
    flush_one(1, 3); /* waits for a sync of its own, which succeeds */
    flush_one(2, 4);
    medium.hang = false;
    let_go(0);
    assert_false(good(2));
    assert_false(good(3));
    assert_true(good(4)); /* somebody else's */
    flush_one(1, 5);
    assert_true(good(5));
}

/* The answer that told of the loss may not have arrived. */
static void a_copy_of_a_failed_flush_fails(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    assert_true(good(1));
    flush_one(1, 2);
    assert_false(good(2));
    answered[2] = false;
    flush_one(1, 2);
    assert_false(good(2));
    disk.export.vendor.epoch = 77;
    ask((struct ask){1, 3, ATA_FLUSH_CACHE_EXT, 77, 0xae, 0});
    assert_true(good(3));
}

/* Its client has its answer, and waits for no other. */
static void a_copy_of_a_good_flush_tells_nothing(void **state)
{
    (void)state;
    flush_one(1, 1);
    assert_true(good(1));
    medium.bad[12] = true;
    write_one(1, 2, 12);
    assert_true(good(2));
    answered[1] = false;
    flush_one(1, 1);
    assert_false(good(1));
    flush_one(1, 3);
    assert_false(good(3));
    flush_one(1, 4);
    assert_true(good(4));
}

/* The client hears of the loss first, and takes what is answered then for
 * newer. */
static void a_write_under_way_is_done_again(void **state)
{
    struct store_op *late;

    (void)state;
    medium.hang = true;
    write_one(1, 1, 12);
    turn();
    late = list_entry(medium.held.next, struct store_op, link);
    put(&medium, late); /* in the cache, but not complete */
    medium.bad[12] = true;
    medium.hang = false;
    flush_one(1, 2);
    assert_false(answered[2]); /* behind the write */
    disk_commit(&disk);
    write_one(2, 3, 13);
    assert_true(good(3));
    disk_commit(&disk);
    turn(); /* loses sector 12 */
    medium.bad[12] = false;
    list_remove(&late->link);
    late->result = 0;
    late->done = late->length;
    late->complete(late);
    assert_true(good(1));
    assert_false(good(2));
    flush_one(1, 4);
    assert_true(good(4));
    assert_int_equal(medium.kept[12], 1);
}

/* Clients beyond those that can be remembered lose nothing either. */
static void who_cannot_be_remembered_writes_durably(void **state)
{
    (void)state;
    for (uint32_t tag = 1000; tag < 1000 + EPOCHS_CLIENTS; tag++) {
        write_one(0, tag, tag % SECTORS);
        assert_true(good(tag));
    }
    assert_int_equal(medium.durable, 0);
    write_one(1, 1, 5);
    assert_true(good(1));
    assert_int_equal(medium.durable, 1);
    flush_one(1, 2);
    assert_true(good(2));
    write_one(1, 3, 5);
    assert_true(good(3));
    assert_int_equal(medium.durable, 1); /* now there is room */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_writer_hears_it_once),
        TEST(a_durable_neighbour_takes_nothing),
        TEST(a_durable_request_tells_its_own_client),
        TEST(a_commit_takes_nothing),
        TEST(who_fails_among_durable_writes),
        TEST(durable_writes_share_a_flush),
        TEST(what_was_being_written_is_done_again),
        TEST(flush_for_an_epoch),
        TEST(a_trim_is_a_write),
        TEST(a_disk_opened_anew_remembers),
        TEST(every_flush_on_its_way_tells),
        TEST(a_copy_of_a_failed_flush_fails),
        TEST(a_copy_of_a_good_flush_tells_nothing),
        TEST(a_write_under_way_is_done_again),
        TEST(who_cannot_be_remembered_writes_durably),
    };

    return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
