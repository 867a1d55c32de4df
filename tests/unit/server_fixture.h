/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of the server: a network in this process, and in-memory disks that
 * answer when the test wants.
 */
#ifndef TESTS_UNIT_SERVER_FIXTURE_H
#define TESTS_UNIT_SERVER_FIXTURE_H

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
#include "target/serve/server.h"
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

static inline void perform(struct memory *m, struct store_op *op)
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

static inline void memory_submit(struct store *s, struct list *ops)
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

/* Completes the held operation number `i`. */
static inline void let_go(struct memory *m, unsigned i)
{
    struct list *node = m->held.next;

    while (i-- > 0)
        node = node->next;
    list_remove(node);
    m->held_count--;
    perform(m, list_entry(node, struct store_op, link));
}

static inline void memory_close(struct store *s)
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

static inline int open_nas(struct link **out, const char *ifname,
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

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    (void)state;
    server_close(server);
    loop_close(loop);
    link_close(client);
    wire_free(wire);
    return 0;
}

static inline struct disk *add_disk(uint16_t shelf, uint8_t slot,
                                    const char *ifname)
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

static inline struct memory *memory_of(struct disk *d)
{
    return list_entry(d->store, struct memory, store);
}

static inline bool client_receives(void)
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

/* Runs everything that can happen without waiting. */
static inline void run(void)
{
    unsigned quiet = 0;

    while (quiet < 3) {
        bool busy = wire_advance(wire, ++now) > 0;

        server_settle(server);
        for (unsigned i = 0; i < nas_count; i++) {
            struct target_port *p = nas[i]->owner;
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

static inline void stop_turning(void *arg)
{
    loop_stop(arg, 0);
}

/* The loop's own turn, for what it does at the end of one. */
static inline void turn(void)
{
    struct loop_timer end = {.expired = stop_turning, .arg = loop};

    run();
    assert_int_equal(loop_timer_set(loop, &end, loop_now(loop)), 0);
    assert_int_equal(loop_run(loop), 0);
    run();
}

static inline void start(void)
{
    assert_int_equal(server_start(server), 0);
    run();
}

/* ---- requests ----------------------------------------------------------- */

static inline void send_to(unsigned port, uint8_t *frame, size_t len)
{
    struct link_out out = {.iov[0] = {.iov_base = frame, .iov_len = len},
                           .iovcnt = 1};

    memcpy(frame, nas[port]->mac.b, 6);
    assert_int_equal(link_send(client, &out, 1), 1);
}

static inline size_t header(uint8_t *frame, uint16_t shelf, uint8_t slot,
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

static inline void ask_config(unsigned port, uint16_t shelf, uint8_t slot,
                              uint32_t tag)
{
    uint8_t frame[64];

    header(frame, shelf, slot, AOE_CMD_CONFIG, tag);
    send_to(port, frame, 60);
}

static inline void ask_ata(unsigned port, uint8_t slot, uint8_t opcode,
                           uint64_t lba, uint32_t tag, uint8_t fill)
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
static inline int status_of(uint32_t tag)
{
    for (unsigned i = 0; i < seen_count; i++)
        if (seen[i].h.tag == tag)
            return seen[i].bytes[27];
    return -1;
}

static inline unsigned answers_to(uint32_t tag)
{
    unsigned n = 0;

    for (unsigned i = 0; i < seen_count; i++)
        n += seen[i].h.tag == tag;
    return n;
}

#endif
