/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of the responder: a disk in memory, a client that builds requests,
 * and one call that takes a request through the responder.
 *
 * Each request is run twice, with different garbage in the buffer behind it,
 * from the same state.  If anything differs, a byte that was never received was
 * read or sent.
 */
#ifndef TESTS_UNIT_EXCHANGE_H
#define TESTS_UNIT_EXCHANGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "target/protocol/responder.h"
#include "wire/ata.h"

enum { DISK_SECTORS = 200, CAPACITY = 9100 };

static const struct aoe_mac own = {{2, 0, 0, 0, 0, 1}};
static const struct aoe_mac client = {{2, 0, 0, 0, 0, 2}};
static const struct aoe_mac other = {{2, 0, 0, 0, 0, 3}};

struct bench {
    struct export export;
    uint8_t disk[DISK_SECTORS * 512];
    unsigned mtu;
    bool mtu_fell;

    /* The store fails at this sector, if >= 0, with this error. */
    int fail_at, fail_with;
    struct store_op ran[64]; /* operations in the order in which they ran */
    unsigned runs;

    /* The request to send, and what came back. */
    uint8_t request[CAPACITY];
    size_t request_len;
    enum responder_refusal refusal;
    enum responder_verdict verdict;
    uint8_t reply[CAPACITY];
    size_t reply_len;
};

static inline void bench_init(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->export.addr = (struct aoe_addr){1, 2};
    b->export.sectors = DISK_SECTORS;
    b->export.physical_sector = 4096;
    b->export.buffer_count = 16;
    b->export.firmware = 0xa010;
    strcpy(b->export.serial, "aoe-0123456789abcdef");
    b->export.write_cache = true;
    b->export.can_trim = b->export.trim_zeroes = true;
    b->mtu = 1500;
    b->fail_at = -1;
    for (unsigned i = 0; i < sizeof b->disk; i++)
        b->disk[i] = (uint8_t)(i / 512 * 7 + i);
}

static inline void run_op(struct bench *b, struct store_op *op)
{
    uint64_t first = op->offset / 512, count = op->length / 512;

    assert_true(b->runs < 64);
    b->ran[b->runs++] = *op;
    op->result = 0;
    if (op->kind == STORE_FLUSH) {
        op->done = 0;
        if (b->fail_at >= 0)
            op->result = b->fail_with;
        return;
    }
    assert_int_equal(op->offset % 512, 0);
    assert_int_equal(op->length % 512, 0);
    assert_true(count > 0);
    assert_true(first + count <= DISK_SECTORS);
    if (b->fail_at >= 0 && (uint64_t)b->fail_at < first + count) {
        count = (uint64_t)b->fail_at > first ? (uint64_t)b->fail_at - first : 0;
        op->result = b->fail_with;
    }
    op->done = count * 512;
    if (op->kind == STORE_READ)
        memcpy(op->data, b->disk + op->offset, op->done);
    else if (op->kind == STORE_WRITE)
        memcpy(b->disk + op->offset, op->data, op->done);
    else if (op->kind == STORE_TRIM)
        memset(b->disk + op->offset, 0, op->done);
}

/* One run, with `garbage` behind the request. */
static inline void run_once(struct bench *b, uint8_t garbage)
{
    static uint8_t buffer[CAPACITY];
    struct exchange x = {
        .frame = buffer,
        .len = (uint32_t)b->request_len,
        .capacity = CAPACITY,
        .mac = &own,
        .mtu = b->mtu,
        .mtu_fell = b->mtu_fell,
        .export = &b->export,
    };

    memset(buffer, garbage, sizeof buffer);
    memcpy(buffer, b->request, b->request_len);
    b->runs = 0;
    b->reply_len = 0;
    b->verdict = RESPONDER_DROP;
    b->refusal = responder_accept(&x);
    if (b->refusal != RESPONDER_ACCEPTED ||
        !aoe_addr_matches(x.header.addr, b->export.addr))
        return;
    b->verdict = responder_request(&x);
    while (b->verdict == RESPONDER_STORE) {
        assert_true(x.op.kind == STORE_FLUSH ||
                    (x.op.offset >= x.span_start &&
                     x.op.offset + x.op.length <= x.span_end));
        run_op(b, &x.op);
        b->verdict = responder_complete(&x);
    }
    if (b->verdict != RESPONDER_REPLY)
        return;
    assert_true(x.reply_len >= AOE_FRAME_MIN);
    assert_true(x.reply_len <= b->mtu + 14 || x.reply_len == AOE_FRAME_MIN);
    b->reply_len = x.reply_len;
    memcpy(b->reply, buffer, x.reply_len);
}

/* What must hold for every reply. */
static inline void check_header(const struct bench *b)
{
    struct aoe_header request, reply;

    assert_int_equal(aoe_header_parse(b->request, b->request_len, &request), 0);
    assert_int_equal(aoe_header_parse(b->reply, b->reply_len, &reply), 0);
    assert_true(aoe_mac_equal(&reply.dst, &request.src));
    assert_true(aoe_mac_equal(&reply.src, &own));
    assert_int_equal(reply.version, 1);
    assert_true(reply.flags & AOE_FLAG_RESPONSE);
    assert_true(aoe_addr_equal(reply.addr, b->export.addr));
    assert_int_equal(reply.command, request.command);
    assert_int_equal(reply.tag, request.tag);
    assert_int_equal(b->reply[14] & 3, 0);
    if (!(reply.flags & AOE_FLAG_ERROR))
        assert_int_equal(reply.error, 0);
}

/* Sends b->request; the verdict and the reply are in b. */
static inline void bench_send(struct bench *b)
{
    static struct bench before, first;

    before = *b;
    run_once(b, 0xa5);
    first = *b;
    *b = before;
    run_once(b, 0x5a);
    /* The operations hold pointers into a static buffer, the same in both. */
    assert_memory_equal(&first, b, sizeof *b);
    if (b->verdict == RESPONDER_REPLY)
        check_header(b);
}

/* ---- building requests -------------------------------------------------- */

static inline void ask(struct bench *b, uint8_t command)
{
    struct aoe_header h = {.dst = own,
                           .src = client,
                           .version = 1,
                           .addr = {1, 2},
                           .command = command,
                           .tag = 0x80001234};

    memset(b->request, 0, sizeof b->request);
    b->request_len = aoe_header_build(b->request, &h);
}

static inline void ask_from(struct bench *b, const struct aoe_mac *m)
{
    memcpy(b->request + 6, m->b, 6);
}

static inline void ask_everyone(struct bench *b)
{
    memset(b->request, 0xff, 6);
    put_be16(b->request + 16, 0xffff);
    b->request[18] = 0xff;
}

static inline void ask_ata(struct bench *b, uint8_t opcode, uint8_t aflags,
                           uint64_t lba, uint8_t count)
{
    struct aoe_ata a = {
        .aflags = aflags, .command = opcode, .lba = lba, .count = count};

    ask(b, AOE_CMD_ATA);
    b->request_len = aoe_ata_build(b->request, &a);
}

static inline void add_data(struct bench *b, size_t len, uint8_t seed)
{
    for (size_t i = 0; i < len; i++)
        b->request[b->request_len + i] = (uint8_t)(seed + i * 3);
    b->request_len += len;
}

static inline void ask_write(struct bench *b, uint8_t opcode, uint8_t aflags,
                             uint64_t lba, uint8_t count)
{
    ask_ata(b, opcode, aflags | AOE_AFLAG_WRITE, lba, count);
    add_data(b, (size_t)count * 512, 9);
}

static inline void ask_config(struct bench *b, uint8_t command,
                              const char *string)
{
    struct aoe_config c = {.command = command,
                           .length = (uint16_t)strlen(string),
                           .string = (const uint8_t *)string};

    ask(b, AOE_CMD_CONFIG);
    b->request_len = aoe_config_build(b->request, &c);
}

/* ---- looking at replies ------------------------------------------------- */

static inline struct aoe_ata ata_of(const struct bench *b)
{
    struct aoe_ata a;

    assert_int_equal(b->verdict, RESPONDER_REPLY);
    assert_int_equal(b->reply[14], 0x18); /* response, no AoE error */
    assert_int_equal(aoe_ata_parse(b->reply, b->reply_len, &a), 0);
    return a;
}

static inline void expect_ata(const struct bench *b, uint8_t status,
                              uint8_t error)
{
    struct aoe_ata a = ata_of(b);

    assert_int_equal(a.command, status);
    assert_int_equal(a.feature, error);
}

static inline void expect_ok(const struct bench *b)
{
    expect_ata(b, 0x40, 0);
}

static inline void expect_abort(const struct bench *b)
{
    expect_ata(b, 0x41, ATA_ERROR_ABRT);
    assert_int_equal(b->reply_len, AOE_FRAME_MIN);
}

static inline void expect_error(const struct bench *b, uint8_t error)
{
    assert_int_equal(b->verdict, RESPONDER_REPLY);
    assert_int_equal(b->reply[14], 0x1c);
    assert_int_equal(b->reply[15], error);
}

static inline void expect_silence(const struct bench *b)
{
    assert_int_equal(b->verdict, RESPONDER_DROP);
    assert_int_equal(b->runs, 0);
}

#endif
