/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on files: against a copy in memory, in each way it can be opened,
 * and when the file ends or the file system is full.
 */
#include <sched.h>
#include <sys/mount.h>

#include "target/store/device.h"
#include "tests/unit/stores.h"

enum { SECTORS = 512, BYTES = SECTORS * 512 };

/* Where each is tested: a file system on a disk, and one in memory. */
static const char *const folders[] = {"/var/tmp", "/dev/shm"};

static int setup(void **state)
{
    place_open(*state ? *state : folders[0]);
    assert_int_equal(truncate(place.path, BYTES), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    place_close();
    return 0;
}

/* ---- against a copy in memory ------------------------------------------- */

enum { OPS = 40, DATA_MAX = 16 * 512 + 64 };

/* A batch of operations that touch different sectors, many of them in a row,
 * as requests of a client do; afterwards the model and the store agree. */
static void random_batch(uint8_t *model, bool aligned)
{
    static _Alignas(4096) uint8_t data[OPS][(DATA_MAX + 4095) / 4096 * 4096];
    static struct store_op ops[OPS];
    uint64_t at = (unsigned)rand() % 64;
    unsigned count = 0;

    while (count < OPS) {
        uint64_t n = 1 + (unsigned)rand() % 16;
        uint8_t *p = data[count] + (aligned ? 0 : (unsigned)rand() % 64);
        enum store_kind kind = rand() % 2 ? STORE_WRITE : STORE_READ;

        if (at + n > SECTORS)
            break;
        for (size_t i = 0; i < n * 512; i++)
            p[i] = (uint8_t)rand();
        add_op(&ops[count], kind, at, n, p)->durable =
            kind == STORE_WRITE && rand() % 8 == 0;
        if (kind == STORE_WRITE)
            memcpy(model + at * 512, p, n * 512);
        count++;
        at += n + (rand() % 4 ? 0 : (unsigned)rand() % 40);
    }
    place_run();
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(ops[i].result, 0);
        assert_memory_equal(ops[i].data, model + ops[i].offset, ops[i].length);
    }
}

static void agrees_with_model(const struct store_file_options *o, bool aligned)
{
    static uint8_t model[BYTES], whole[BYTES];
    struct store_op op;
    int fd;

    assert_int_equal(place_store(o), 0);
    assert_int_equal(place.store->size, BYTES - o->offset);
    memset(model, 0, sizeof model);
    srand(3);
    for (unsigned i = 0; i < 60; i++)
        random_batch(model, aligned);
    assert_int_equal(run_one(&op, STORE_FLUSH, 0, 0, NULL), 0);
    fd = open(place.path, O_RDONLY);
    assert_int_equal(pread(fd, whole, sizeof whole, 0), sizeof whole);
    close(fd);
    assert_memory_equal(whole, model, sizeof model);
    assert_int_equal(file_size(), BYTES);
}

static void page_cache(void **state)
{
    (void)state;
    agrees_with_model(&(struct store_file_options){0}, false);
}

static void direct(void **state)
{
    (void)state;
    agrees_with_model(&(struct store_file_options){.direct = true}, true);
}

/* As where there is no io_uring. */
static void page_cache_without_ring(void **state)
{
    (void)state;
    agrees_with_model(&(struct store_file_options){.no_ring = true}, false);
}

static void direct_without_ring(void **state)
{
    (void)state;
    agrees_with_model(
        &(struct store_file_options){.direct = true, .no_ring = true}, true);
}

/* Never EINVAL to a client. */
static void direct_but_not_aligned(void **state)
{
    (void)state;
    agrees_with_model(&(struct store_file_options){.direct = true}, false);
}

/* ---- part of a file ----------------------------------------------------- */

static void window(void **state)
{
    static uint8_t file[BYTES], data[4 * 512];
    struct store_op op;
    int fd = open(place.path, O_RDWR);

    (void)state;
    assert_int_equal(place_store(&(struct store_file_options){
                         .offset = 10 * 512, .length = 4 * 512}),
                     0);
    assert_int_equal(place.store->size, 4 * 512);
    memset(data, 0x77, sizeof data);
    assert_int_equal(run_one(&op, STORE_WRITE, 0, 4, data), 0);
    assert_int_equal(pread(fd, file, BYTES, 0), BYTES);
    close(fd);
    for (unsigned i = 0; i < BYTES; i++)
        assert_int_equal(file[i], i >= 10 * 512 && i < 14 * 512 ? 0x77 : 0);
}

/* Beyond what 32 bits count, in bytes and in sectors. */
static void beyond_two_terabytes(void **state)
{
    static const uint64_t places[] = {UINT64_C(1) << 23, UINT64_C(1) << 32,
                                      UINT64_C(5000000000)};
    static uint8_t data[512], back[512];
    struct store_op op;

    (void)state;
    if (truncate(place.path, (off_t)3 << 40))
        skip();
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    assert_true(place.store->size == UINT64_C(3) << 40);
    for (unsigned i = 0; i < 3; i++) {
        memset(data, (int)i + 1, sizeof data);
        assert_int_equal(run_one(&op, STORE_WRITE, places[i], 1, data), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        memset(data, (int)i + 1, sizeof data);
        assert_int_equal(run_one(&op, STORE_READ, places[i], 1, back), 0);
        assert_memory_equal(back, data, sizeof data);
    }
}

static void odd_sizes(void **state)
{
    (void)state;
    assert_int_equal(truncate(place.path, 1500), 0);
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    assert_int_equal(place.store->size, 1024);
    store_close(place.store);
    place.store = NULL;
    assert_int_equal(truncate(place.path, 511), 0);
    assert_int_equal(place_store(&(struct store_file_options){0}), -EINVAL);
    assert_int_equal(truncate(place.path, 0), 0);
    assert_int_equal(place_store(&(struct store_file_options){0}), -EINVAL);
    assert_int_equal(truncate(place.path, 1024), 0);
    assert_int_equal(place_store(&(struct store_file_options){.offset = 1024}),
                     -EINVAL);
    assert_int_equal(
        place_store(&(struct store_file_options){.offset = UINT64_MAX / 2}),
        -EINVAL);
    assert_int_equal(place_store(&(struct store_file_options){.offset = 512,
                                                              .length = 1024}),
                     -EINVAL);
}

static void only_files_and_disks(void **state)
{
    struct store_file_options o = {.path = "/dev/null"};
    int fd = open("/dev/null", O_RDWR);

    (void)state;
    assert_int_equal(store_file_open(&place.store, fd, &o, place.workers),
                     -ENOTBLK);
    o.path = "/tmp";
    fd = open("/tmp", O_RDONLY);
    assert_int_equal(store_file_open(&place.store, fd, &o, place.workers),
                     -ENOTBLK);
}

/* ---- the file comes to an end ------------------------------------------- */

/* Cut in the middle of a row of operations: those before the end succeed, the
 * one it falls into tells how far it came, and nothing grows. */
static void cut_short(const struct store_file_options *o, enum store_kind kind)
{
    static _Alignas(4096) uint8_t data[4][4 * 512];
    struct store_op ops[4];

    assert_int_equal(place_store(o), 0);
    assert_int_equal(truncate(place.path, 6 * 512 + 100), 0);
    for (unsigned i = 0; i < 4; i++)
        add_op(&ops[i], kind, i * 4, 4, data[i])->durable = i == 3;
    place_run();
    assert_int_equal(ops[0].result, 0);
    assert_int_equal(ops[1].result, -ENXIO);
    assert_int_equal(ops[1].done, 2 * 512);
    assert_int_equal(ops[2].result, -ENXIO);
    assert_int_equal(ops[2].done, 0);
    assert_int_equal(ops[3].result, -ENXIO);
    assert_int_equal(file_size(), 6 * 512 + 100);
    /* It grows again, and so does what can be used. */
    assert_int_equal(truncate(place.path, BYTES), 0);
    assert_int_equal(run_one(&ops[0], kind, 12, 4, data[0]), 0);
}

static void reading_beyond_a_cut(void **state)
{
    (void)state;
    cut_short(&(struct store_file_options){0}, STORE_READ);
}

static void writing_beyond_a_cut(void **state)
{
    (void)state;
    cut_short(&(struct store_file_options){0}, STORE_WRITE);
}

static void verifying_beyond_a_cut(void **state)
{
    (void)state;
    cut_short(&(struct store_file_options){0}, STORE_VERIFY);
}

static void direct_writing_beyond_a_cut(void **state)
{
    (void)state;
    cut_short(&(struct store_file_options){.direct = true}, STORE_WRITE);
}

static void direct_beyond_a_cut_without_ring(void **state)
{
    (void)state;
    cut_short(&(struct store_file_options){.direct = true, .no_ring = true},
              STORE_WRITE);
}

static void direct_reading_beyond_a_cut(void **state)
{
    (void)state;
    cut_short(&(struct store_file_options){.direct = true}, STORE_READ);
}

/* One after the other, each submitted while those before it may be running, as
 * a client's that reads or writes from start to end; the last few are not there
 * any more. */
enum { STREAM = 200, STREAM_CUT = 190 };

static void stream_of(enum store_kind kind, uint8_t (*data)[512])
{
    static struct store_op ops[STREAM];

    for (unsigned i = 0; i < STREAM; i++) {
        struct list batch;

        add_op(&ops[i], kind, i, 1, data[i]);
        list_init(&batch);
        list_splice(&batch, &place.ops);
        place.waiting++; /* until the loop turns, nothing may stop it */
        store_submit(place.store, &batch);
        place.waiting--;
    }
    place_run();
    for (unsigned i = 0; i < STREAM; i++)
        assert_int_equal(ops[i].result, i < STREAM_CUT ? 0 : -ENXIO);
}

static void stream(const struct store_file_options *o)
{
    static _Alignas(4096) uint8_t data[STREAM][512], back[STREAM][512];

    assert_int_equal(place_store(o), 0);
    assert_int_equal(truncate(place.path, STREAM_CUT * 512), 0);
    for (unsigned i = 0; i < STREAM; i++)
        memset(data[i], (int)i + 1, sizeof data[i]);
    stream_of(STORE_WRITE, data);
    stream_of(STORE_READ, back);
    assert_memory_equal(back, data, STREAM_CUT * 512);
    assert_int_equal(file_size(), STREAM_CUT * 512);
}

static void stream_direct(void **state)
{
    (void)state;
    stream(&(struct store_file_options){.direct = true});
}

static void stream_direct_without_ring(void **state)
{
    (void)state;
    stream(&(struct store_file_options){.direct = true, .no_ring = true});
}

/* A sparse file on a full file system. */
static void no_space(void **state)
{
    static const char folder[] = "/tmp/target-small";
    static uint8_t data[128][512];
    struct store_op ops[128];
    unsigned failed = 0;

    (void)state;
    /* Of this process's own, and gone with it. */
    if (unshare(CLONE_NEWNS) ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        skip();
    mkdir(folder, 0700);
    assert_int_equal(mount("none", folder, "tmpfs", 0, "size=32k"), 0);
    place_close();
    place_open(folder);
    assert_int_equal(truncate(place.path, BYTES), 0);
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    memset(data, 1, sizeof data);
    for (unsigned i = 0; i < 128; i++)
        add_op(&ops[i], STORE_WRITE, i, 1, data[i]);
    place_run();
    for (unsigned i = 0; i < 128; i++) {
        if (ops[i].result == 0)
            continue;
        assert_int_equal(ops[i].result, -ENOSPC);
        assert_int_equal(ops[i].done, 0);
        failed++;
    }
    assert_int_equal(failed, 64);
    assert_int_equal(run_one(&ops[0], STORE_READ, 0, 1, data[0]), 0);
    place_close();
    umount2(folder, MNT_DETACH);
    rmdir(folder);
    place_open("/tmp");
}

/* ---- the other operations ----------------------------------------------- */

static void trim(void **state)
{
    static uint8_t data[64 * 512], zero[64 * 512];
    struct stat before, after;
    struct store_op op;

    (void)state;
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    if (!place.store->can_trim)
        skip();
    assert_true(place.store->trim_zeroes);
    memset(data, 0xee, sizeof data);
    assert_int_equal(run_one(&op, STORE_WRITE, 0, 64, data), 0);
    assert_int_equal(run_one(&op, STORE_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(stat(place.path, &before), 0);
    assert_int_equal(run_one(&op, STORE_TRIM, 3, 50, NULL), 0);
    assert_int_equal(stat(place.path, &after), 0);
    assert_true(after.st_blocks < before.st_blocks);
    assert_int_equal(run_one(&op, STORE_READ, 0, 64, data), 0);
    assert_memory_equal(data + 3 * 512, zero, 50 * 512);
    assert_int_equal(data[3 * 512 - 1], 0xee);
    assert_int_equal(data[53 * 512], 0xee);
    /* Not beyond what the file holds now. */
    assert_int_equal(truncate(place.path, 512), 0);
    assert_int_equal(run_one(&op, STORE_TRIM, 0, 2, NULL), -ENXIO);
    assert_int_equal(file_size(), 512);
}

static void read_only(void **state)
{
    static uint8_t data[512];
    struct store_op op;

    (void)state;
    assert_int_equal(
        place_store(&(struct store_file_options){.read_only = true}), 0);
    assert_true(place.store->read_only);
    assert_false(place.store->can_trim);
    assert_int_equal(run_one(&op, STORE_READ, 0, 1, data), 0);
    assert_int_equal(run_one(&op, STORE_WRITE, 0, 1, data), -EBADF);
}

/* All flushes complete, those that came while one ran as well. */
static void many_flushes(void **state)
{
    struct store_op ops[20];
    struct list batch;

    (void)state;
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    for (unsigned i = 0; i < 20; i++) {
        list_init(&batch);
        add_op(&ops[i], STORE_FLUSH, 0, 0, NULL);
        list_splice(&batch, &place.ops);
        store_submit(place.store, &batch);
    }
    assert_int_equal(loop_run(place.loop), 0);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(ops[i].result, 0);
}

static void identity(void **state)
{
    uint64_t first;
    char other[80];

    (void)state;
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    first = place.store->identity;
    store_close(place.store);
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    assert_true(place.store->identity == first);
    store_close(place.store);
    /* A copy is another disk. */
    snprintf(other, sizeof other, "%s.old", place.path);
    assert_int_equal(rename(place.path, other), 0);
    close(open(place.path, O_CREAT | O_RDWR, 0600));
    assert_int_equal(truncate(place.path, BYTES), 0);
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    assert_true(place.store->identity != first);
    unlink(other);
}

/* A disk with sectors of 4096 bytes takes nothing smaller directly. */
static void large_sectors(void **state)
{
    static _Alignas(4096) uint8_t data[8 * 512], back[8 * 512];
    char command[128], loop[64] = "";
    struct store_op op;
    struct store_file_options o = {.path = loop, .direct = true};
    FILE *f;
    int err;

    (void)state;
    snprintf(command, sizeof command,
             "losetup --show -f -b 4096 %s 2>/dev/null", place.path);
    f = popen(command, "r");
    if (!f || !fgets(loop, sizeof loop, f))
        loop[0] = '\0';
    if (f)
        pclose(f);
    loop[strcspn(loop, "\n")] = '\0';
    if (!loop[0])
        skip();
    err = store_file_open(&place.store, open(loop, O_RDWR), &o, place.workers);
    assert_int_equal(err, 0);
    memset(data, 0x42, sizeof data);
    assert_int_equal(run_one(&op, STORE_WRITE, 3, 2, data), 0);
    assert_int_equal(run_one(&op, STORE_WRITE, 8, 8, data), 0);
    add_op(&op, STORE_WRITE, 17, 1, data)->durable = true;
    place_run();
    assert_int_equal(op.result, 0);
    assert_int_equal(run_one(&op, STORE_READ, 2, 4, back), 0);
    assert_int_equal(back[511], 0);
    assert_int_equal(back[512], 0x42);
    assert_int_equal(back[3 * 512 - 1], 0x42);
    assert_int_equal(back[3 * 512], 0);
    assert_int_equal(run_one(&op, STORE_READ, 8, 8, back), 0);
    assert_memory_equal(back, data, sizeof data);
    store_close(place.store);
    place.store = NULL;
    snprintf(command, sizeof command, "losetup -d %s", loop);
    assert_int_equal(system(command), 0);
}

#define ON(folder, test)                                                       \
    {                                                                          \
#test " in " folder, test, setup, teardown, (void *)(uintptr_t)folder  \
    }

/* None of these waits for a thread, or for the loop. */
static void memory_is_synced_at_once(void **state)
{
    struct store_op write, flush;
    uint8_t data[512] = {1};
    struct list batch;

    (void)state;
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    add_op(&write, STORE_WRITE, 0, 1, data)->durable = true;
    add_op(&flush, STORE_FLUSH, 0, 0, NULL);
    list_init(&batch);
    list_splice(&batch, &place.ops);
    store_submit(place.store, &batch);
    assert_int_equal(place.waiting, 0);
    assert_int_equal(write.result, 0);
    assert_int_equal(flush.result, 0);
}

static void old_kernels_leave_the_disks_cache(void **state)
{
    (void)state;
    assert_true(device_sync_stops_short("2.6.17"));
    assert_true(device_sync_stops_short("2.6.32-5-kirkwood"));
    assert_true(device_sync_stops_short("2.4.37"));
    assert_false(device_sync_stops_short("2.6.33"));
    assert_false(device_sync_stops_short("2.6.78-6.18"));
    assert_false(device_sync_stops_short("3.2"));
    assert_false(device_sync_stops_short("6.1.0-37-amd64"));
    assert_false(device_sync_stops_short("unknown"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_kernels_leave_the_disks_cache),
        ON("/var/tmp", page_cache),
        ON("/dev/shm", page_cache),
        ON("/var/tmp", direct),
        ON("/dev/shm", direct),
        ON("/var/tmp", page_cache_without_ring),
        ON("/var/tmp", direct_without_ring),
        ON("/var/tmp", direct_but_not_aligned),
        ON("/var/tmp", window),
        ON("/var/tmp", beyond_two_terabytes),
        ON("/var/tmp", odd_sizes),
        ON("/var/tmp", only_files_and_disks),
        ON("/var/tmp", reading_beyond_a_cut),
        ON("/dev/shm", reading_beyond_a_cut),
        ON("/var/tmp", writing_beyond_a_cut),
        ON("/dev/shm", writing_beyond_a_cut),
        ON("/var/tmp", verifying_beyond_a_cut),
        ON("/var/tmp", direct_reading_beyond_a_cut),
        ON("/var/tmp", direct_writing_beyond_a_cut),
        ON("/var/tmp", direct_beyond_a_cut_without_ring),
        ON("/var/tmp", stream_direct),
        ON("/var/tmp", stream_direct_without_ring),
        ON("/var/tmp", no_space),
        ON("/var/tmp", trim),
        ON("/dev/shm", trim),
        ON("/var/tmp", read_only),
        ON("/var/tmp", many_flushes),
        ON("/dev/shm", memory_is_synced_at_once),
        ON("/var/tmp", identity),
        ON("/var/tmp", large_sectors),
    };

    return cmocka_run_group_tests_name("store file", tests, NULL, NULL);
}
