/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The blocking calls, on a simulated wire: poll is replaced, and advances the
 * clock to the next event.
 */
#include <errno.h>
#include <poll.h>

#include "tests/unit/disk_fixture.h"

static struct world *world;

/* In place of libc's, and of what _FORTIFY_SOURCE makes of it, which only then
 * has a declaration.  NOLINTNEXTLINE(readability-redundant-declaration) */
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    uint64_t next =
        timeout < 0 ? UINT64_MAX : world->now + (uint64_t)timeout * NS_PER_MS;

    (void)fds;
    (void)count;
    world_act(world);
    if (wire_next(world->wire) < next)
        next = wire_next(world->wire);
    assert_true(next != UINT64_MAX); /* it would wait for ever */
    world->now = next > world->now ? next : world->now + 1;
    world_act(world);
    return 1;
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
    (void)size;
    return poll(fds, count, timeout);
}

enum { BYTES = 8192 };
static uint8_t out[BYTES], in[BYTES];

static void begin(struct fixture *f)
{
    start(f, 1500);
    world = &f->w;
    for (int i = 0; i < BYTES; i++)
        out[i] = (uint8_t)(1 + i % 200); /* neither 0 nor 0xdd */
    memset(in, 0, sizeof in);
}

static void write_reaches_the_disk(void **state)
{
    static const struct {
        size_t length;
        uint64_t offset;
    } at[] = {{512, 0}, {BYTES, 4096}, {1, 511}, {5000, 777}, {0, 100}};
    struct fixture f;

    (void)state;
    begin(&f);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        assert_int_equal(aoe_write(f.disk, out, at[i].length, at[i].offset), 0);
        assert_memory_equal(f.nas->disk + at[i].offset, out, at[i].length);
        assert_int_equal(aoe_read(f.disk, in, at[i].length, at[i].offset), 0);
        assert_memory_equal(in, out, at[i].length);
    }
    assert_int_equal(aoe_flush(f.disk), 0);
    assert_memory_equal(f.nas->medium + 777, out, 5000);
    stop(&f);
}

/* Zeroes from `from` to `to`, and the old data on either side. */
static void zeroed(const struct fixture *f, uint64_t from, uint64_t to)
{
    for (uint64_t i = 0; i < BYTES; i++)
        assert_int_equal(f->nas->disk[i], i >= from && i < to ? 0 : out[i]);
}

static void zero_is_exact(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(aoe_write(f.disk, out, BYTES, 0), 0);
    assert_int_equal(aoe_zero(f.disk, 3000, 700), 0);
    zeroed(&f, 700, 3700);
    assert_int_equal(aoe_write(f.disk, out, BYTES, 0), 0);
    assert_int_equal(aoe_zero(f.disk, 100, 600), 0); /* within a sector */
    zeroed(&f, 600, 700);
    assert_int_equal(f.nas->trims, 0);
    stop(&f);
}

static void trim_takes_whole_sectors(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(aoe_write(f.disk, out, BYTES, 0), 0);
    assert_int_equal(aoe_trim(f.disk, 3000, 700), 0);
    assert_int_equal(f.nas->trims, 1);
    for (uint64_t i = 0; i < BYTES; i++) /* the model leaves garbage */
        assert_int_equal(f.nas->disk[i] == out[i], i < 1024 || i >= 3584);
    assert_int_equal(aoe_trim(f.disk, 100, 600), 0); /* none */
    assert_int_equal(f.nas->trims, 1);
    stop(&f);
}

static void errors_are_returned(void **state)
{
    uint64_t size = SECTORS * 512;
    struct fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(aoe_write(f.disk, out, 512, size), -ENOSPC);
    assert_int_equal(aoe_zero(f.disk, 513, size - 512), -ENOSPC);
    assert_int_equal(aoe_trim(f.disk, 512, UINT64_MAX), -EINVAL);
    assert_int_equal(aoe_read(f.disk, in, 512, size), -ENXIO);
    f.nas->bad_lba = 3;
    assert_int_equal(aoe_write(f.disk, out, 4096, 0), -EIO);
    assert_int_equal(aoe_zero(f.disk, 4096, 0), -EIO);
    f.nas->bad_lba = UINT64_MAX;
    f.nas->aoe_error = AOE_ERR_RESERVED;
    assert_int_equal(aoe_write(f.disk, out, 512, 0), -EBUSY);
    assert_int_equal(aoe_zero(f.disk, 512, 0), -EBUSY);
    assert_int_equal(aoe_trim(f.disk, 512, 0), -EBUSY);
    stop(&f);
}

static void a_silent_disk_ends_them(void **state)
{
    struct fixture f;
    uint64_t since;

    (void)state;
    begin(&f);
    f.nas->silent = true;
    since = f.w.now;
    assert_int_equal(aoe_write(f.disk, out, 512, 0), -EIO);
    assert_in_range(f.w.now - since, AOE_TIMEOUT_DEFAULT,
                    AOE_TIMEOUT_DEFAULT + NS_PER_S);
    assert_int_equal(aoe_zero(f.disk, 512, 0), -EIO); /* at once */
    assert_int_equal(aoe_trim(f.disk, 512, 0), -EIO);
    assert_true(f.w.now - since < AOE_TIMEOUT_DEFAULT + 2 * NS_PER_S);
    stop(&f);
}

static void options_refuse(void **state)
{
    struct aoe_disk_options o = {.read_only = true};
    struct aoe_disk *d;
    struct fixture f;

    (void)state;
    begin(&f);
    aoe_disk_close(f.disk);
    f.nas->identity.trim = false;
    assert_int_equal(aoe_disk_open_wait(f.w.aoe, "e1.2", &o, NS_PER_S, &d), 0);
    assert_int_equal(aoe_write(d, out, 512, 0), -EROFS);
    assert_int_equal(aoe_zero(d, 512, 0), -EROFS);
    assert_int_equal(aoe_trim(d, 512, 0), -EROFS);
    assert_int_equal(aoe_read(d, in, 512, 0), 0);
    aoe_disk_close(d);
    assert_int_equal(aoe_disk_open_wait(f.w.aoe, "e1.2", NULL, NS_PER_S, &d),
                     0);
    assert_int_equal(aoe_trim(d, 512, 0), -EOPNOTSUPP);
    assert_int_equal(aoe_disk_open_wait(f.w.aoe, "e1.3", NULL, NS_PER_S, &d),
                     -ETIMEDOUT);
    assert_int_equal(aoe_disk_open_wait(f.w.aoe, "one", NULL, NS_PER_S, &d),
                     -EINVAL);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_reaches_the_disk),
        cmocka_unit_test(zero_is_exact),
        cmocka_unit_test(trim_takes_whole_sectors),
        cmocka_unit_test(errors_are_returned),
        cmocka_unit_test(a_silent_disk_ends_them),
        cmocka_unit_test(options_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
