/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Server, ports and disks: many disks, several interfaces, disks that hang,
 * full queues, and interfaces that go.
 */
#include "tests/unit/server_fixture.h"

/* ---- discovery ---------------------------------------------------------- */

static void announcements(void **state)
{
    static const struct aoe_mac other = {{2, 0, 0, 0, 0, 9}};
    struct disk *two = NULL;

    (void)state;
    add_disk(1, 1, "eth0");
    two = add_disk(1, 2, "eth0");
    mac_list_add(&two->export.mask, &other, 255);
    mac_list_add(&two->export.mask, &client_mac, 255);
    start();
    assert_int_equal(seen_count, 2);
    assert_true(aoe_mac_equal(&seen[0].h.dst, &aoe_mac_broadcast));
    assert_int_equal(seen[0].h.addr.slot, 1);
    assert_int_equal(seen[0].h.tag, 0);
    assert_int_equal(seen[0].h.version, 1);
    /* One with a mask list, to those on it. */
    assert_true(aoe_mac_equal(&seen[1].h.dst, &client_mac));
    assert_int_equal(seen[1].h.addr.slot, 2);
}

/* More disks than buffers: a request to all of them is answered by all. */
static void many_disks(void **state)
{
    (void)state;
    frames_wanted = 8;
    for (unsigned i = 0; i < 1000; i++)
        add_disk((uint16_t)(i / 200), (uint8_t)(i % 200), "eth0");
    start();
    assert_int_equal(seen_count, 1000);
    seen_count = 0;
    ask_config(0, AOE_SHELF_ALL, AOE_SLOT_ALL, 7);
    ask_config(0, 3, AOE_SLOT_ALL, 8);
    ask_config(0, 3, 17, 9);
    ask_config(0, 7, 17, 10);
    run();
    assert_int_equal(answers_to(7), 1000);
    assert_int_equal(answers_to(8), 200);
    assert_int_equal(answers_to(9), 1);
    assert_int_equal(answers_to(10), 0);
    assert_int_equal(nas[0]->free_count, 8);
}

static void same_address_twice(void **state)
{
    struct disk *d;

    (void)state;
    add_disk(1, 1, "eth0");
    d = add_disk(1, 2, "eth0");
    d->export.addr.slot = 1;
    assert_int_equal(server_serve(server, d, "eth0"), -EEXIST);
    assert_int_equal(server_serve(server, d, "eth1"), 0);
}

/* ---- order and durability ----------------------------------------------- */

static void overlapping_writes_by_two_interfaces(void **state)
{
    struct disk *d = add_disk(1, 1, "eth0");
    struct memory *m = memory_of(d);

    (void)state;
    assert_int_equal(server_serve(server, d, "eth1"), 0);
    start();
    m->hang = true;
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x11);
    run();
    ask_ata(1, 1, ATA_WRITE_SECTORS_EXT, 5, 2, 0x22);
    run();
    ask_ata(0, 1, ATA_READ_SECTORS_EXT, 5, 3, 0);
    ask_ata(1, 1, ATA_READ_SECTORS_EXT, 6, 4, 0); /* another sector */
    run();
    assert_int_equal(m->held_count, 2);
    let_go(m, 1);
    run();
    assert_int_equal(status_of(4), 0x40);
    assert_int_equal(status_of(1), -1);
    let_go(m, 0);
    run();
    assert_int_equal(status_of(1), 0x40);
    assert_int_equal(m->held_count, 1);
    let_go(m, 0);
    run();
    assert_int_equal(status_of(2), 0x40);
    let_go(m, 0);
    run();
    assert_int_equal(status_of(3), 0x40);
    assert_int_equal(m->data[5 * 512], 0x22);
    /* Each answer left by the interface its request came by. */
    for (unsigned i = 0; i < seen_count; i++)
        if (seen[i].h.tag)
            assert_true(aoe_mac_equal(&seen[i].h.src,
                                      &nas[seen[i].h.tag % 2 ? 0 : 1]->mac));
}

static void flush_waits_for_writes(void **state)
{
    struct disk *d = add_disk(1, 1, "eth0");
    struct memory *m = memory_of(d);

    (void)state;
    start();
    m->hang = true;
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x11);
    ask_ata(0, 1, ATA_FLUSH_CACHE_EXT, 0, 2, 0);
    run();
    assert_int_equal(m->held_count, 1);
    let_go(m, 0);
    run();
    assert_int_equal(status_of(1), 0x40);
    assert_int_equal(status_of(2), -1);
    assert_int_equal(m->held_count, 1);
    let_go(m, 0);
    run();
    assert_int_equal(status_of(2), 0x40);
    assert_int_equal(m->flushes, 1);
}

static void commits_only_what_is_dirty(void **state)
{
    struct disk *d = add_disk(1, 1, "eth0");
    struct memory *m = memory_of(d);

    (void)state;
    start();
    disk_commit(d);
    run();
    assert_int_equal(m->flushes, 0);
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x11);
    run();
    disk_commit(d);
    disk_commit(d);
    run();
    assert_int_equal(m->flushes, 1);
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 2, 0x12);
    run();
    ask_ata(0, 1, ATA_FLUSH_CACHE_EXT, 0, 3, 0);
    run();
    disk_commit(d); /* the client's flush did it */
    run();
    assert_int_equal(m->flushes, 2);
    d->export.write_cache = false; /* durable at once */
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 4, 0x12);
    run();
    disk_commit(d);
    run();
    assert_int_equal(m->flushes, 2);
}

/* The system reports a failed writeback once: if it tells us, the client must
 * learn of it from its next flush, even though that one succeeds. */
static void failed_commit_fails_the_next_flush(void **state)
{
    struct disk *d = add_disk(1, 1, "eth0");
    struct memory *m = memory_of(d);

    (void)state;
    start();
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x11);
    run();
    m->flush_result = -EIO;
    disk_commit(d);
    run();
    m->flush_result = 0;
    ask_ata(0, 1, ATA_FLUSH_CACHE, 0, 2, 0);
    run();
    assert_int_equal(status_of(2), 0x61);
    ask_ata(0, 1, ATA_FLUSH_CACHE, 0, 3, 0);
    run();
    assert_int_equal(status_of(3), 0x40);
}

/* ---- trouble ------------------------------------------------------------ */

static void a_disk_that_hangs_delays_nobody(void **state)
{
    struct disk *bad = add_disk(1, 1, "eth0");

    (void)state;
    add_disk(1, 2, "eth0");
    start();
    memory_of(bad)->hang = true;
    for (unsigned i = 0; i < 1000; i++) {
        ask_ata(0, 1, ATA_READ_SECTORS_EXT, i % SECTORS, 100 + i, 0);
        run();
    }
    assert_true(bad->export.counts[COUNT_DROP_BUSY] > 0);
    ask_config(0, 1, 1, 1);
    ask_config(0, AOE_SHELF_ALL, AOE_SLOT_ALL, 2);
    ask_ata(0, 2, ATA_READ_SECTORS_EXT, 3, 3, 0);
    ask_ata(0, 1, ATA_IDENTIFY, 0, 4, 0);
    run();
    assert_int_equal(answers_to(1), 1);
    assert_int_equal(answers_to(2), 2);
    assert_int_equal(status_of(3), 0x40);
    assert_int_equal(status_of(4), 0x40);
    while (memory_of(bad)->held_count)
        let_go(memory_of(bad), 0);
    run();
    assert_int_equal(nas[0]->free_count,
                     ((struct target_port *)nas[0]->owner)->frames);
    assert_int_equal(bad->in_flight, 0);
}

static void responses_wait_for_a_full_queue(void **state)
{
    (void)state;
    add_disk(1, 1, "eth0");
    start();
    wire_port_queues(nas[0], 0, 3);
    for (unsigned i = 0; i < 40; i++)
        ask_ata(0, 1, ATA_READ_SECTORS_EXT, i, 100 + i, 0);
    run();
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(status_of(100 + i), 0x40);
}

static void interface_that_goes_and_comes(void **state)
{
    struct target_port *p;

    (void)state;
    add_disk(1, 1, "eth0");
    start();
    p = nas[0]->owner;
    wire_port_up(nas[0], false);
    run();
    port_refresh(p);
    run();
    assert_int_equal(p->events, 0); /* nothing turns the loop meanwhile */
    seen_count = 0;
    wire_port_up(nas[0], true);
    port_refresh(p);
    run();
    assert_int_equal(answers_to(0), 1); /* announced again */
    ask_config(0, 1, 1, 5);
    run();
    assert_int_equal(answers_to(5), 1);

    seen_count = 0;
    wire_port_mtu(nas[0], 9000);
    port_refresh(p);
    run();
    assert_int_equal(answers_to(0), 1);
    assert_int_equal(seen[0].bytes[28], 17);
    port_refresh(p);
    run();
    assert_int_equal(seen_count, 1); /* nothing changed */
}

static void hostile_frames_are_counted(void **state)
{
    struct target_port *p;
    uint8_t frame[64];

    (void)state;
    add_disk(1, 1, "eth0");
    add_disk(1, 2, "eth0"); /* two, so that the filter takes any address */
    start();
    p = nas[0]->owner;
    seen_count = 0;
    header(frame, 1, 1, AOE_CMD_CONFIG, 1);
    memset(frame + 6, 0xff, 6);
    send_to(0, frame, 60);
    header(frame, 1, 1, AOE_CMD_CONFIG, 2);
    send_to(0, frame, 20);
    header(frame, 1, 9, AOE_CMD_CONFIG, 3);
    send_to(0, frame, 60);
    run();
    assert_int_equal(seen_count, 0);
    assert_int_equal(p->counts[PORT_SOURCE], 1);
    assert_int_equal(p->counts[PORT_UNMATCHED], 1);
    assert_int_equal(nas[0]->free_count, p->frames);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(announcements),
        TEST(many_disks),
        TEST(same_address_twice),
        TEST(overlapping_writes_by_two_interfaces),
        TEST(flush_waits_for_writes),
        TEST(commits_only_what_is_dirty),
        TEST(failed_commit_fails_the_next_flush),
        TEST(a_disk_that_hangs_delays_nobody),
        TEST(responses_wait_for_a_full_queue),
        TEST(interface_that_goes_and_comes),
        TEST(hostile_frames_are_counted),
    };

    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
