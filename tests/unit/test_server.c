/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Server, ports and disks on a network in this process, with disks in memory
 * that answer when the test wants: many disks, several interfaces, disks that
 * hang, full queues, interfaces that go, and the end.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/options.h"
#include "target/server.h"
#include "tests/lib/link_pair.h"
#include "wire/ata.h"

/* ---- a disk in memory --------------------------------------------------- */

enum { SECTORS = 64 };

struct memory {
    struct store store;
    uint8_t data[SECTORS * 512];
    bool hang;        /* operations wait in `held` */
    struct list held; /* of store_op.link, in the order they came */
    unsigned held_count, flushes;
    int flush_result;
};

static void perform(struct memory *m, struct store_op *op)
{
    op->result = 0;
    op->done = op->length;
    switch (op->kind) {
    case STORE_READ:
        memcpy(op->data, m->data + op->offset, op->length);
        break;
    case STORE_WRITE:
        memcpy(m->data + op->offset, op->data, op->length);
        break;
    case STORE_FLUSH:
        m->flushes++;
        op->result = m->flush_result;
        break;
    default:
        break;
    }
    op->complete(op);
}

static void memory_submit(struct store *s, struct list *ops)
{
    struct memory *m = list_entry(s, struct memory, store);

    for (struct list *node; (node = list_first(ops));) {
        list_remove(node);
        if (m->hang) {
            list_append(&m->held, node);
            m->held_count++;
        } else {
            perform(m, list_entry(node, struct store_op, link));
        }
    }
}

/* Completes what was held at place `i`. */
static void let_go(struct memory *m, unsigned i)
{
    struct list *node = m->held.next;

    while (i-- > 0)
        node = node->next;
    list_remove(node);
    m->held_count--;
    perform(m, list_entry(node, struct store_op, link));
}

static void memory_close(struct store *s)
{
    free(list_entry(s, struct memory, store));
}

static const struct store_ops memory_ops = {
    .name = "memory", .submit = memory_submit, .close = memory_close};

/* ---- the network -------------------------------------------------------- */

enum { SEEN_MAX = 2048 };

static const struct aoe_mac client_mac = {{2, 0, 0, 0, 0, 1}};

static struct wire *wire;
static struct loop *loop;
static struct server *server;
static struct link *client, *nas[2];
static unsigned nas_count;
static unsigned frames_wanted; /* receive buffers; 0: what the port wants */
static uint64_t now;

/* What the client got since `seen_count` was last cleared. */
static struct {
    struct aoe_header h;
    uint8_t bytes[64];
    uint32_t len;
} seen[SEEN_MAX];
static unsigned seen_count;

static int open_nas(struct link **out, const char *ifname,
                    const struct link_options *options)
{
    struct aoe_mac mac = {{2, 0, 0, 0, 1, (uint8_t)nas_count}};
    struct link_options o = *options;
    int err;

    if (frames_wanted)
        o.rx_frames = frames_wanted;
    err = wire_open(out, wire, ifname, &mac, 1500, &o);
    nas[nas_count++] = *out;
    return err;
}

static int setup(void **state)
{
    struct server_options o = {.link_open = open_nas};
    struct link_options all = {.filter = {.responses = true}};

    (void)state;
    nas_count = seen_count = frames_wanted = 0;
    now = 1;
    wire = wire_new(1);
    assert_non_null(wire);
    all.rx_frames = 64;
    assert_int_equal(
        wire_open(&client, wire, "client", &client_mac, 1500, &all), 0);
    assert_int_equal(loop_open(&loop), 0);
    assert_int_equal(server_open(&server, loop, &o), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    server_close(server);
    loop_close(loop);
    link_close(client);
    wire_free(wire);
    return 0;
}

static struct disk *add_disk(uint16_t shelf, uint8_t slot, const char *ifname)
{
    struct memory *m = calloc(1, sizeof *m);
    struct export e = {.addr = {shelf, slot},
                       .sectors = SECTORS,
                       .buffer_count = 16,
                       .write_cache = true};
    struct disk *d;

    list_init(&m->held);
    m->store = (struct store){.ops = &memory_ops,
                              .size = SECTORS * 512,
                              .physical_sector = 512,
                              .memory_align = 1};
    assert_int_equal(server_add_disk(server, &e, &m->store, &d), 0);
    assert_int_equal(server_serve(server, d, ifname), 0);
    return d;
}

static struct memory *memory_of(struct disk *d)
{
    return list_entry(d->store, struct memory, store);
}

static bool client_receives(void)
{
    struct link_frame *frames[LINK_BATCH];
    int n = link_recv(client, frames, LINK_BATCH);

    for (int i = 0; i < n; i++) {
        assert_true(seen_count < SEEN_MAX);
        assert_int_equal(aoe_header_parse(frames[i]->data, frames[i]->len,
                                          &seen[seen_count].h),
                         0);
        seen[seen_count].len = frames[i]->len;
        memcpy(seen[seen_count].bytes, frames[i]->data,
               sizeof seen[seen_count].bytes - 4);
        seen_count++;
        link_release(client, frames[i]);
    }
    return n > 0;
}

/* Lets everything happen that can, without anyone waiting. */
static void run(void)
{
    unsigned quiet = 0;

    while (quiet < 3) {
        bool busy = wire_advance(wire, ++now) > 0;

        server_settle(server);
        for (unsigned i = 0; i < nas_count; i++) {
            struct port *p = nas[i]->owner;
            short revents = wire_revents(nas[i]) & (p->events | POLLERR);

            if (revents && p->events) {
                port_ready(p, revents);
                busy = true;
            }
            server_settle(server);
        }
        busy |= client_receives();
        quiet = busy ? 0 : quiet + 1;
    }
}

static void start(void)
{
    assert_int_equal(server_start(server), 0);
    run();
}

/* ---- requests ----------------------------------------------------------- */

static void send_to(unsigned port, uint8_t *frame, size_t len)
{
    struct link_out out = {.iov[0] = {.iov_base = frame, .iov_len = len},
                           .iovcnt = 1};

    memcpy(frame, nas[port]->mac.b, 6);
    assert_int_equal(link_send(client, &out, 1), 1);
}

static size_t header(uint8_t *frame, uint16_t shelf, uint8_t slot,
                     uint8_t command, uint32_t tag)
{
    struct aoe_header h = {.src = client_mac,
                           .version = 1,
                           .addr = {shelf, slot},
                           .command = command,
                           .tag = tag};

    memset(frame, 0, 64);
    return aoe_header_build(frame, &h);
}

static void ask_config(unsigned port, uint16_t shelf, uint8_t slot,
                       uint32_t tag)
{
    uint8_t frame[64];

    header(frame, shelf, slot, AOE_CMD_CONFIG, tag);
    send_to(port, frame, 60);
}

static void ask_ata(unsigned port, uint8_t slot, uint8_t opcode, uint64_t lba,
                    uint32_t tag, uint8_t fill)
{
    uint8_t frame[36 + 512];
    bool write = opcode == ATA_WRITE_SECTORS_EXT;
    struct aoe_ata a = {.aflags = (uint8_t)(AOE_AFLAG_EXTENDED | write),
                        .command = opcode,
                        .lba = lba,
                        .count = 1};

    header(frame, 1, slot, AOE_CMD_ATA, tag);
    aoe_ata_build(frame, &a);
    memset(frame + 36, fill, 512);
    send_to(port, frame, write ? sizeof frame : 60);
}

/* The status with which the request `tag` was answered; -1: it was not. */
static int status_of(uint32_t tag)
{
    for (unsigned i = 0; i < seen_count; i++)
        if (seen[i].h.tag == tag)
            return seen[i].bytes[27];
    return -1;
}

static unsigned answers_to(uint32_t tag)
{
    unsigned n = 0;

    for (unsigned i = 0; i < seen_count; i++)
        n += seen[i].h.tag == tag;
    return n;
}

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
    assert_int_equal(m->flushes, 0);
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x11);
    run();
    disk_commit(d);
    disk_commit(d);
    assert_int_equal(m->flushes, 1);
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 2, 0x12);
    run();
    ask_ata(0, 1, ATA_FLUSH_CACHE_EXT, 0, 3, 0);
    run();
    disk_commit(d); /* the client's flush did it */
    assert_int_equal(m->flushes, 2);
    d->export.write_cache = false; /* durable at once */
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 4, 0x12);
    run();
    disk_commit(d);
    assert_int_equal(m->flushes, 2);
}

/* The system tells of a failed writeback once: if it tells us, the client must
 * learn of it from its next flush, though that one succeeds. */
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
                     ((struct port *)nas[0]->owner)->frames);
    assert_int_equal(bad->in_flight, 0);
}

static void replies_wait_for_a_full_queue(void **state)
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
    struct port *p;

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
    struct port *p;
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

static void stop_tells_of_a_failed_flush(void **state)
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

static void stop_turning(void *arg)
{
    loop_stop(arg, 0);
}

/* The loop's own turn, for what it does at the end of one. */
static void turn(void)
{
    struct loop_timer end = {.expired = stop_turning, .arg = loop};

    run();
    assert_int_equal(loop_timer_set(loop, &end, loop_now(loop)), 0);
    assert_int_equal(loop_run(loop), 0);
    run();
}

static void count_gone(void *arg, bool lost)
{
    (void)lost;
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

/* A request to all that is half way through the disks when one goes and one
 * comes: the others answer once each. */
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
    assert_int_equal(server_open_port(server, "eth0", 16, false), 0);
    assert_int_equal(nas_count, 0);
    assert_int_equal(server_open_port(server, "eth1", 16, false), 0);
    assert_int_equal(nas_count, 1);
    assert_string_equal(nas[0]->ifname, "eth1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(announcements, setup, teardown),
        cmocka_unit_test_setup_teardown(many_disks, setup, teardown),
        cmocka_unit_test_setup_teardown(same_address_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(overlapping_writes_by_two_interfaces,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(flush_waits_for_writes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(commits_only_what_is_dirty, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(failed_commit_fails_the_next_flush,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_hangs_delays_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(replies_wait_for_a_full_queue, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(interface_that_goes_and_comes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(hostile_frames_are_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stop_finishes_and_flushes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stop_tells_of_a_failed_flush, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stop_twice_does_not_wait, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(removed_disk_ends_its_work_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(added_disk_announces_itself_alone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(request_to_all_while_disks_change,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(unused_interface_is_closed, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
