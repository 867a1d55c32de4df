/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The end of a server, and disks that come and go while it runs.
 */
#include "tests/unit/server_fixture.h"

/* ---- the end ------------------------------------------------------------ */

static void stop_finishes_and_flushes(void **state)
{
    struct disk *d = add_disk(1, 1, "eth0");
    struct memory *m = memory_of(d);

    (void)state;
    start();
    m->hang = true;
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x77);
    run();
    server_stop(server);
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 6, 2, 0x77);
    run();
    assert_false(server_idle(server));
    let_go(m, 0);
    run();
    assert_int_equal(status_of(1), 0x40);
    assert_int_equal(status_of(2), -1); /* came too late */
    assert_int_equal(m->held_count, 1); /* the flush */
    let_go(m, 0);
    run();
    assert_int_equal(m->flushes, 1);
    assert_true(server_idle(server));
    assert_int_equal(loop_run(loop), EXIT_DONE);
}

static void stop_reports_a_failed_flush(void **state)
{
    struct disk *d = add_disk(1, 1, "eth0");

    (void)state;
    start();
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x77);
    run();
    memory_of(d)->flush_result = -EIO;
    server_stop(server);
    assert_int_equal(loop_run(loop), EXIT_FAILED);
}

static void stop_twice_does_not_wait(void **state)
{
    struct disk *d = add_disk(1, 1, "eth0");

    (void)state;
    start();
    memory_of(d)->hang = true;
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x77);
    run();
    server_stop(server);
    run();
    server_stop(server);
    assert_false(server_idle(server));
    let_go(memory_of(d), 0);
    run();
    let_go(memory_of(d), 0);
    run();
}

/* ---- disks that come and go -----------------------------------------------
 */

static void count_gone(void *arg, struct epochs *epochs)
{
    (void)epochs;
    ++*(unsigned *)arg;
}

static void removed_disk_ends_its_work_first(void **state)
{
    struct disk *d = add_disk(1, 1, "eth0");
    struct memory *m = memory_of(d);
    unsigned gone = 0;

    (void)state;
    add_disk(1, 2, "eth0");
    start();
    m->hang = true;
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x11);
    run();
    server_remove_disk(server, d, count_gone, &gone);
    turn();
    assert_int_equal(gone, 0);
    ask_ata(0, 1, ATA_READ_SECTORS_EXT, 5, 2, 0);
    ask_ata(0, 2, ATA_READ_SECTORS_EXT, 5, 3, 0);
    run();
    assert_int_equal(status_of(2), -1);
    assert_int_equal(status_of(3), 0x40);
    let_go(m, 0);
    turn();
    /* Answered, and the cache is being written. */
    assert_int_equal(status_of(1), 0x40);
    assert_int_equal(m->held_count, 1);
    assert_int_equal(gone, 0);
    let_go(m, 0);
    turn();
    assert_int_equal(gone, 1);
}

static void added_disk_announces_itself_alone(void **state)
{
    (void)state;
    add_disk(1, 1, "eth0");
    add_disk(1, 5, "eth0");
    start();
    seen_count = 0;
    add_disk(1, 3, "eth0");
    run();
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen[0].h.addr.slot, 3);
}

/* A request to all disks is half done when one disk leaves and one joins: the
 * others answer once each. */
static void request_to_all_while_disks_change(void **state)
{
    struct disk *first = NULL, *d;
    unsigned gone = 0;

    (void)state;
    frames_wanted = 8;
    for (unsigned i = 1; i <= 40; i++) {
        d = add_disk(1, (uint8_t)(2 * i), "eth0");
        first = first ? first : d;
    }
    start();
    seen_count = 0;
    ask_config(0, 0xffff, 0xff, 7);
    wire_advance(wire, ++now);
    port_ready(nas[0]->owner, POLLIN);
    server_remove_disk(server, first, count_gone, &gone);
    add_disk(1, 1, "eth0");
    turn();
    assert_int_equal(gone, 1);
    for (unsigned slot = 6; slot <= 80; slot += 2) {
        unsigned n = 0;

        for (unsigned i = 0; i < seen_count; i++)
            n += seen[i].h.tag == 7 && seen[i].h.addr.slot == slot;
        assert_int_equal(n, 1);
    }
}

static void unused_interface_is_closed(void **state)
{
    const struct port_needs needs = {.requests = 16};
    struct disk *d = add_disk(1, 1, "eth1");
    unsigned gone = 0;

    (void)state;
    add_disk(1, 2, "eth0");
    start();
    server_remove_disk(server, d, count_gone, &gone);
    nas_count = 0; /* run() must not look at a link that is closed */
    server_close_unused(server);
    turn();
    assert_int_equal(gone, 1);
    assert_int_equal(server_open_port(server, "eth0", &needs), 0);
    assert_int_equal(nas_count, 0);
    assert_int_equal(server_open_port(server, "eth1", &needs), 0);
    assert_int_equal(nas_count, 1);
    assert_string_equal(nas[0]->ifname, "eth1");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(stop_finishes_and_flushes),
        TEST(stop_reports_a_failed_flush),
        TEST(stop_twice_does_not_wait),
        TEST(removed_disk_ends_its_work_first),
        TEST(added_disk_announces_itself_alone),
        TEST(request_to_all_while_disks_change),
        TEST(unused_interface_is_closed),
    };

    return cmocka_run_group_tests_name("server_end", tests, NULL, NULL);
}
