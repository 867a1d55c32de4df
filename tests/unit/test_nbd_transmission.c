/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NBD requests over an in-memory disk: data against a shadow copy, completions
 * in any order, durability, and every refusal.
 */
#include "tests/unit/nbd_transmission.h"

static uint32_t random32(void)
{
    static uint64_t x = 88172645463325252u;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 16);
}

/* ---- data ---------------------------------------------------------------- */

/* One random request, its effect on the shadow, and its reply. */
static void random_step(struct nbd_peer *peer, uint8_t *shadow)
{
    static uint8_t data[70000];
    uint32_t length = 1 + random32() % (random32() % 4 ? 5000 : sizeof data);
    uint64_t offset = random32() % (DISK - length);
    struct nbd_reply reply;

    switch (random32() % 3) {
    case 0:
        nbd_peer_request(peer, 0, NBD_CMD_READ, 1, offset, length);
        nbd_memory_complete_all(&peer->memory);
        nbd_peer_collect(peer);
        reply = nbd_peer_next(peer, length);
        assert_int_equal(reply.error, 0);
        assert_int_equal(reply.length, length);
        assert_memory_equal(reply.data, shadow + offset, length);
        break;
    case 1:
        for (uint32_t i = 0; i < length; i++)
            data[i] = (uint8_t)random32();
        memcpy(shadow + offset, data, length);
        nbd_peer_request(peer, 0, NBD_CMD_WRITE, 2, offset, length);
        assert_int_equal(nbd_peer_send(peer, data, length), length);
        nbd_memory_complete_all(&peer->memory);
        nbd_peer_collect(peer);
        assert_int_equal(nbd_peer_next(peer, 0).error, 0);
        break;
    case 2:
        memset(shadow + offset, 0, length);
        assert_int_equal(nbd_peer_try(peer,
                                      random32() % 2 ? NBD_CMD_FLAG_NO_HOLE : 0,
                                      NBD_CMD_WRITE_ZEROES, offset, length),
                         0);
        break;
    }
    assert_int_equal(peer->in_length, 0);
}

static void data_against_a_shadow(void **state)
{
    static const size_t chunks[] = {0, 1, 27, 28, 29, 4096};
    struct nbd_peer *peer = *state;
    uint8_t *shadow = calloc(1, DISK);

    for (unsigned structured = 0; structured < 2; structured++) {
        for (size_t c = 0; c < sizeof chunks / sizeof chunks[0]; c++) {
            peer->chunk = chunks[c];
            again(peer, structured);
            for (int i = 0; i < (peer->chunk == 1 ? 20 : 100); i++)
                random_step(peer, shadow);
        }
    }
    assert_memory_equal(shadow, peer->memory.bytes, DISK);
    free(shadow);
}

/* Many requests in one piece, answered in the order of the disk, not ours. */
static void pipelined_and_out_of_order(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t bytes[16 * NBD_REQUEST_SIZE + 2 * 512], *p = bytes;

    for (unsigned i = 0; i < 16; i++) {
        nbd_put_request(p, 0, i < 2 ? NBD_CMD_WRITE : NBD_CMD_READ, 100 + i,
                        i * 512, 512);
        p += NBD_REQUEST_SIZE;
        if (i < 2) {
            memset(p, (int)i + 1, 512);
            p += 512;
        }
    }
    assert_int_equal(nbd_peer_send(peer, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(peer->memory.pending_count, 16);
    for (unsigned left = 16; left > 0; left--)
        nbd_memory_complete(&peer->memory, left - 1, 0);
    assert_int_equal(peer->in_length, 0);
    nbd_peer_collect(peer);
    for (unsigned i = 16; i-- > 0;) {
        struct nbd_reply reply = nbd_peer_next(peer, i < 2 ? 0 : 512);

        assert_int_equal(reply.cookie, 100 + i);
        assert_int_equal(reply.error, 0);
    }
    assert_int_equal(peer->memory.bytes[0], 1);
    assert_int_equal(peer->memory.bytes[1023], 2);
    assert_int_equal(peer->conn->requests, 0);
    assert_int_equal(peer->conn->bytes, 0);
}

/* Not a byte of a read's reply before all its data is there. */
static void read_replies_wait_for_their_data(void **state)
{
    struct nbd_peer *peer = *state;

    nbd_peer_request(peer, 0, NBD_CMD_READ, 1, 0, 4096);
    assert_int_equal(peer->in_length, 0);
    nbd_memory_complete(&peer->memory, 0, -EIO);
    nbd_peer_collect(peer);
    assert_int_equal(peer->in_length, NBD_SIMPLE_REPLY_SIZE);
    assert_int_equal(nbd_peer_next(peer, 4096).error, NBD_EIO);
}

/* A large write's data is received where it is written from. */
static void payload_goes_straight_to_its_buffer(void **state)
{
    struct nbd_peer *peer = *state;
    const uint32_t length = NBD_PIECE;
    struct iovec iov[2];

    for (int i = 0; i < 2; i++) {
        nbd_peer_request(peer, 0, NBD_CMD_WRITE, 1, 0, length);
        assert_int_equal(nbd_conn_input(peer->conn, iov), 2);
        assert_int_equal(iov[0].iov_len, length);
        assert_int_equal(iov[1].iov_len, NBD_REQUEST_SIZE);
        memset(iov[0].iov_base, 0x5a, length);
        nbd_conn_received(peer->conn, length);
        assert_int_equal(peer->memory.pending_count, 1);
        assert_ptr_equal(peer->memory.pending[0]->iov[0].iov_base,
                         iov[0].iov_base);
        /* And the next header is parsed by itself. */
        assert_int_equal(nbd_conn_input(peer->conn, iov), 1);
        assert_int_equal(iov[0].iov_len, NBD_REQUEST_SIZE);
        nbd_memory_complete_all(&peer->memory);
        nbd_peer_collect(peer);
        assert_int_equal(nbd_peer_next(peer, 0).error, 0);
    }
    assert_int_equal(peer->memory.bytes[length - 1], 0x5a);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_FLUSH, 0, 0), 0);
    nbd_conn_input(peer->conn, iov);
    assert_int_equal(iov[0].iov_len, NBD_BUFFER_SIZE);
}

/* ---- durability ---------------------------------------------------------- */

static void fua_reaches_the_disk(void **state)
{
    struct nbd_peer *peer = *state;

    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_WRITE, 0, 512), 0);
    assert_int_equal(peer->memory.fua, 0);
    assert_int_equal(
        nbd_peer_try(peer, NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 0, 512), 0);
    assert_int_equal(peer->memory.fua, 1);
    assert_int_equal(nbd_peer_try(peer, NBD_CMD_FLAG_FUA, NBD_CMD_TRIM, 0, 512),
                     0);
    assert_int_equal(
        nbd_peer_try(peer, NBD_CMD_FLAG_FUA, NBD_CMD_WRITE_ZEROES, 0, 512), 0);
    assert_int_equal(peer->memory.fua, 3);
    assert_int_equal(peer->memory.done[AOE_FLUSH], 0);
    /* Legal, and without meaning, on the others. */
    assert_int_equal(nbd_peer_try(peer, NBD_CMD_FLAG_FUA, NBD_CMD_FLUSH, 0, 0),
                     0);
    assert_int_equal(
        nbd_peer_try(peer, NBD_CMD_FLAG_FUA, NBD_CMD_CACHE, 0, 512), 0);
    assert_int_equal(peer->memory.fua, 3);
    assert_int_equal(peer->memory.done[AOE_FLUSH], 1);
}

/* The reply to a flush or a FUA write leaves after the disk has done it. */
static void durable_before_the_reply(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t data[512] = {0};

    nbd_peer_request(peer, 0, NBD_CMD_FLUSH, 1, 0, 0);
    nbd_peer_request(peer, NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 2, 0, 512);
    nbd_peer_send(peer, data, 512);
    nbd_peer_collect(peer);
    assert_int_equal(peer->in_length, 0);
    assert_int_equal(peer->memory.pending[0]->op, AOE_FLUSH);
    assert_int_equal(peer->memory.pending[0]->length, 0);
    assert_true(peer->memory.pending[1]->fua);
    nbd_memory_complete(&peer->memory, 1, 0);
    nbd_peer_collect(peer);
    assert_int_equal(nbd_peer_next(peer, 0).cookie, 2);
    assert_int_equal(peer->in_length, 0);
    nbd_memory_complete(&peer->memory, 0, -EIO);
    nbd_peer_collect(peer);
    assert_int_equal(nbd_peer_next(peer, 0).error, NBD_EIO);
}

/* Whole sectors are trimmed where that makes zeroes, unaligned ends are
 * written; every step is durable if it must be. */
static void zeroes_by_trimming(void **state)
{
    static const struct {
        uint64_t offset;
        uint32_t length;
        unsigned trims, zeroes;
    } cases[] = {
        {0, 512, 1, 0},      {512, DISK - 512, 1, 0}, {1, 511, 0, 1},
        {1, 510, 0, 1},      {0, 511, 0, 1},          {1, 512, 0, 2},
        {3, DISK - 5, 1, 2}, {512, 513, 1, 1},        {511, 513, 1, 1},
    };
    struct nbd_peer *peer = *state;
    struct nbd_memory *memory = &peer->memory;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t end = cases[i].offset + cases[i].length;

        memset(memory->bytes, 0xff, DISK);
        memset(memory->done, 0, sizeof memory->done);
        memory->fua = 0;
        assert_int_equal(nbd_peer_try(peer, NBD_CMD_FLAG_FUA,
                                      NBD_CMD_WRITE_ZEROES, cases[i].offset,
                                      cases[i].length),
                         0);
        assert_int_equal(memory->done[AOE_TRIM], cases[i].trims);
        assert_int_equal(memory->done[AOE_ZERO], cases[i].zeroes);
        assert_int_equal(memory->fua, cases[i].trims + cases[i].zeroes);
        for (uint64_t b = 0; b < DISK; b++)
            if (!memory->bytes[b] != (b >= cases[i].offset && b < end))
                fail_msg("case %zu: byte %u is wrong", i, (unsigned)b);
    }
}

/* NO_HOLE: the space stays allocated, so there is no trimming. */
static void no_hole_writes_zeroes(void **state)
{
    struct nbd_peer *peer = *state;

    assert_int_equal(
        nbd_peer_try(peer, NBD_CMD_FLAG_NO_HOLE, NBD_CMD_WRITE_ZEROES, 0, 4096),
        0);
    assert_int_equal(peer->memory.done[AOE_TRIM], 0);
    assert_int_equal(peer->memory.done[AOE_ZERO], 1);
}

/* A step that fails or is refused is the last; so is one whose client has
 * gone. */
static void zeroes_cut_short(void **state)
{
    struct nbd_peer *peer = *state;

    for (int i = 0; i < 3; i++) {
        nbd_peer_request(peer, 0, NBD_CMD_WRITE_ZEROES, 1, 1, 4096);
        if (i == 1)
            peer->memory.refuse = -EROFS;
        if (i == 2)
            nbd_peer_disconnect(peer);
        nbd_memory_complete(&peer->memory, 0, i == 0 ? -EIO : 0);
        assert_int_equal(peer->memory.pending_count, 0);
        if (i == 2)
            break;
        nbd_peer_collect(peer);
        assert_int_equal(nbd_peer_next(peer, 0).error,
                         i == 0 ? NBD_EIO : NBD_EPERM);
    }
}

/* ---- refusals ------------------------------------------------------------ */

static void refusals(void **state)
{
    enum { FUA = NBD_CMD_FLAG_FUA, BIG = NBD_PAYLOAD_MAX + 1 };
    static const struct {
        uint16_t flags, command;
        uint64_t offset;
        uint32_t length;
        unsigned error;
    } cases[] = {
        /* past the end */
        {0, NBD_CMD_READ, DISK, 1, NBD_EINVAL},
        {0, NBD_CMD_READ, DISK - 1, 2, NBD_EINVAL},
        {0, NBD_CMD_READ, UINT64_MAX, 1, NBD_EINVAL},
        {0, NBD_CMD_READ, UINT64_MAX - 510, 512, NBD_EINVAL},
        {0, NBD_CMD_TRIM, DISK, 512, NBD_EINVAL},
        {0, NBD_CMD_TRIM, 0, UINT32_MAX, NBD_EINVAL},
        {0, NBD_CMD_CACHE, DISK, 512, NBD_EINVAL},
        {0, NBD_CMD_WRITE, DISK, 1, NBD_ENOSPC},
        {0, NBD_CMD_WRITE, UINT64_MAX, 100, NBD_ENOSPC},
        {0, NBD_CMD_WRITE, 1, DISK, NBD_ENOSPC},
        {0, NBD_CMD_WRITE_ZEROES, 1, DISK, NBD_ENOSPC},
        /* an empty range at the very end is valid */
        {0, NBD_CMD_READ, DISK, 0, NBD_OK},
        {0, NBD_CMD_WRITE, DISK, 0, NBD_OK},
        {0, NBD_CMD_WRITE, DISK + 1, 0, NBD_ENOSPC},
        {0, NBD_CMD_TRIM, 5, 0, NBD_OK},
        {0, NBD_CMD_WRITE_ZEROES, 5, 0, NBD_OK},
        /* commands and flags that do not exist */
        {0, 8, 0, 0, NBD_EINVAL},
        {0, 0xffff, UINT64_MAX, UINT32_MAX, NBD_EINVAL},
        {1 << 5, NBD_CMD_READ, 0, 512, NBD_EINVAL},
        {1 << 15, NBD_CMD_WRITE, 0, 512, NBD_EINVAL},
        {NBD_CMD_FLAG_NO_HOLE, NBD_CMD_WRITE, 0, 512, NBD_EINVAL},
        {NBD_CMD_FLAG_FAST_ZERO, NBD_CMD_TRIM, 0, 512, NBD_EINVAL},
        {NBD_CMD_FLAG_REQ_ONE, NBD_CMD_READ, 0, 512, NBD_EINVAL},
        {NBD_CMD_FLAG_DF, NBD_CMD_FLUSH, 0, 0, NBD_EINVAL},
        /* not negotiated */
        {NBD_CMD_FLAG_DF, NBD_CMD_READ, 0, 512, NBD_EINVAL},
        {0, NBD_CMD_BLOCK_STATUS, 0, 512, NBD_EINVAL},
        /* fine */
        {FUA, NBD_CMD_READ, 0, 0, NBD_OK},
        {FUA, NBD_CMD_TRIM, 1, 511, NBD_OK},
        {NBD_CMD_FLAG_FAST_ZERO, NBD_CMD_WRITE_ZEROES, 0, DISK, NBD_OK},
        /* would have to write the zeroes */
        {NBD_CMD_FLAG_FAST_ZERO | NBD_CMD_FLAG_NO_HOLE, NBD_CMD_WRITE_ZEROES, 0,
         DISK, NBD_ENOTSUP},
    };
    struct nbd_peer *peer = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned error = nbd_peer_try(peer, cases[i].flags, cases[i].command,
                                      cases[i].offset, cases[i].length);

        if (error != cases[i].error)
            fail_msg("case %zu: error %u, not %u", i, error, cases[i].error);
    }
}

static void longer_than_allowed(void **state)
{
    struct nbd_peer peer;

    (void)state;
    nbd_peer_open(&peer, NBD_PAYLOAD_MAX + 4096);
    nbd_peer_go(&peer, false);
    assert_int_equal(nbd_peer_try(&peer, 0, NBD_CMD_WRITE, 0, NBD_PAYLOAD_MAX),
                     NBD_OK);
    assert_int_equal(
        nbd_peer_try(&peer, 0, NBD_CMD_WRITE, 0, NBD_PAYLOAD_MAX + 1),
        NBD_EINVAL);
    assert_int_equal(
        nbd_peer_try(&peer, 0, NBD_CMD_READ, 0, NBD_PAYLOAD_MAX + 1),
        NBD_EINVAL);
    assert_int_equal(
        nbd_peer_try(&peer, 0, NBD_CMD_TRIM, 0, NBD_PAYLOAD_MAX + 1), NBD_OK);
    nbd_peer_close(&peer);
}

static void what_the_disk_cannot(void **state)
{
    struct nbd_peer *peer = *state;

    peer->memory.export.trim_zeroes = false;
    assert_int_equal(nbd_peer_try(peer, NBD_CMD_FLAG_FAST_ZERO,
                                  NBD_CMD_WRITE_ZEROES, 0, 512),
                     NBD_ENOTSUP);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_WRITE_ZEROES, 0, 512), 0);
    peer->memory.export.trim = false;
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_TRIM, 0, 512), NBD_EINVAL);
    peer->memory.export.read_only = true;
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_WRITE, 0, 512), NBD_EPERM);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_TRIM, 0, 512), NBD_EPERM);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_WRITE_ZEROES, 0, 512),
                     NBD_EPERM);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_FLUSH, 0, 0), 0);
}

static void errors_of_the_disk(void **state)
{
    static const struct {
        int status;
        unsigned error;
    } cases[] = {
        {-EIO, NBD_EIO},
        {-ENOSPC, NBD_ENOSPC},
        {-ENXIO, NBD_EINVAL},
        {-EROFS, NBD_EPERM},
        {-EACCES, NBD_EPERM},
        {-EOPNOTSUPP, NBD_EINVAL},
        {-ENOTCONN, NBD_EIO},
        {-ESTALE, NBD_EIO},
        {-ENOMEM, NBD_ENOMEM},
        {-ECANCELED, NBD_ESHUTDOWN},
        {-ENOTRECOVERABLE, NBD_EIO},
    };
    struct nbd_peer *peer = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        peer->memory.refuse = cases[i].status;
        assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_READ, 0, 512),
                         cases[i].error);
        nbd_peer_request(peer, 0, NBD_CMD_FLUSH, 1, 0, 0);
        nbd_memory_complete(&peer->memory, 0, cases[i].status);
        nbd_peer_collect(peer);
        assert_int_equal(nbd_peer_next(peer, 0).error, cases[i].error);
    }
    assert_int_equal(peer->conn->requests, 0);
}

/* The data of a refused write is skipped however it arrives, and answered only
 * then. */
static void the_stream_goes_on_after_a_refused_write(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t *data = calloc(1, 100000);

    for (peer->chunk = 0; peer->chunk < 90000; peer->chunk += 30000) {
        nbd_peer_request(peer, 0, NBD_CMD_WRITE, 7, DISK - 1, 100000);
        assert_int_equal(nbd_peer_send(peer, data, 99999), 99999);
        assert_int_equal(peer->in_length, 0);
        assert_int_equal(peer->conn->bytes, 0);
        assert_int_equal(nbd_peer_send(peer, data, 1), 1);
        assert_int_equal(nbd_peer_next(peer, 0).error, NBD_ENOSPC);
        assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_FLUSH, 0, 0), 0);
    }
    assert_int_equal(peer->memory.done[AOE_WRITE], 0);
    free(data);
}

static void no_magic_ends_it(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t bytes[NBD_REQUEST_SIZE] = {0x25, 0x60, 0x95, 0x14};

    nbd_peer_request(peer, 0, NBD_CMD_READ, 1, 0, 512);
    nbd_peer_send(peer, bytes, sizeof bytes);
    assert_int_equal(peer->conn->phase, NBD_DEAD);
    assert_true(nbd_conn_finished(peer->conn));
    nbd_memory_complete_all(&peer->memory);
    nbd_peer_collect(peer);
    assert_int_equal(peer->in_length, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(data_against_a_shadow),
        TEST(pipelined_and_out_of_order),
        TEST(read_replies_wait_for_their_data),
        TEST(payload_goes_straight_to_its_buffer),
        TEST(fua_reaches_the_disk),
        TEST(durable_before_the_reply),
        TEST(no_hole_writes_zeroes),
        TEST(zeroes_by_trimming),
        TEST(zeroes_cut_short),
        TEST(refusals),
        cmocka_unit_test(longer_than_allowed),
        TEST(what_the_disk_cannot),
        TEST(errors_of_the_disk),
        TEST(the_stream_goes_on_after_a_refused_write),
        TEST(no_magic_ends_it),
    };

    return cmocka_run_group_tests_name("NBD transmission", tests, NULL, NULL);
}
