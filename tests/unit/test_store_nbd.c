/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on an NBD export, against a server in a thread of this program that
 * records its requests and fails, or disconnects, where the test wants it to.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/bytes.h"
#include "target/store/nbd/runs.h"
#include "target/store/store_nbd.h"
#include "tests/unit/stores.h"

enum {
    EXPORT = 64 * 1024,
    SEEN_MAX = 256,
    HAS_FLAGS = 1,
    SEND_FLUSH = 4,
    SEND_FUA = 8,
    SEND_TRIM = 32,
};
enum { READ, WRITE, DISC, FLUSH, TRIM };

/* One request as the server saw it. */
struct seen {
    uint16_t flags, type;
    uint64_t offset;
    uint32_t length;
};

/* Everything below belongs to the server's thread while the loop runs. */
static struct {
    pthread_t thread;
    int listener;
    char path[64];
    uint16_t flags; /* of the export */
    uint8_t disk[EXPORT];
    struct seen seen[SEEN_MAX];
    unsigned count;

    unsigned hang_up;    /* this many requests of the next type are not */
    uint16_t hang_up_at; /* answered: the server leaves */
    bool before;         /* without executing them */
    int bad_sector;      /* -1: none */
    uint32_t shuts_down; /* this many requests get ESHUTDOWN */
} server;

/* ---- the server -----------------------------------------------------------
 */

static bool take(int fd, void *to, size_t len)
{
    return recv(fd, to, len, MSG_WAITALL) == (ssize_t)len;
}

static bool give(int fd, const void *from, size_t len)
{
    return send(fd, from, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The old handshake: one block from the server, and that is it. */
static bool greet(int fd)
{
    uint8_t hello[152] = "NBDMAGIC";

    put_be64(hello + 8, UINT64_C(0x00420281861253));
    put_be64(hello + 16, EXPORT);
    put_be16(hello + 26, server.flags);
    return give(fd, hello, sizeof hello);
}

static uint32_t execute(const struct seen *s, uint8_t *data)
{
    int first = (int)(s->offset / 512), last = first + (int)(s->length / 512);

    if (server.shuts_down > 0) {
        server.shuts_down--;
        return 108;
    }
    if (s->type <= WRITE && server.bad_sector >= first &&
        server.bad_sector < last)
        return 5;
    if (s->type == READ)
        memcpy(data, server.disk + s->offset, s->length);
    else if (s->type == WRITE)
        memcpy(server.disk + s->offset, data, s->length);
    return 0;
}

/* False: this connection is over. */
static bool answer(int fd)
{
    static uint8_t data[EXPORT];
    uint8_t request[28], reply[16] = {0x67, 0x44, 0x66, 0x98};
    struct seen s;
    uint32_t error;
    bool leave;

    if (!take(fd, request, sizeof request))
        return false;
    s = (struct seen){get_be16(request + 4), get_be16(request + 6),
                      get_be64(request + 16), get_be32(request + 24)};
    if (s.type == DISC || s.length > sizeof data ||
        (s.type == WRITE && !take(fd, data, s.length)))
        return false;
    if (server.count < SEEN_MAX)
        server.seen[server.count++] = s;
    leave = server.hang_up > 0 && server.hang_up_at == s.type;
    if (leave)
        server.hang_up--;
    if (leave && server.before)
        return false;
    error = execute(&s, data);
    if (leave)
        return false;
    put_be32(reply + 4, error);
    memcpy(reply + 8, request + 8, 8);
    return give(fd, reply, sizeof reply) &&
           (s.type != READ || error || give(fd, data, s.length));
}

static void *serve(void *arg)
{
    int fd;

    while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
        if (greet(fd))
            while (answer(fd))
                ;
        close(fd);
    }
    return arg;
}

/* ---- the tests ------------------------------------------------------------
 */

static int set_up(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *folder = getenv("TMPDIR");

    (void)state;
    memset(&server, 0, sizeof server);
    server.bad_sector = -1;
    server.flags = HAS_FLAGS | SEND_FLUSH | SEND_FUA | SEND_TRIM;
    for (unsigned i = 0; i < EXPORT; i++)
        server.disk[i] = (uint8_t)(i / 512);
    memset(&place, 0, sizeof place);
    list_init(&place.ops);
    snprintf(place.path, sizeof place.path, "%s/store-nbd-XXXXXX",
             folder && strlen(folder) < 30 ? folder : "/tmp");
    assert_non_null(mkdtemp(place.path));
    snprintf(server.path, sizeof server.path, "%.48s/socket", place.path);
    strcpy(address.sun_path, server.path);
    server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(
        bind(server.listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server.listener, 4), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
    return loop_open(&place.loop);
}

static void open_store(void)
{
    char uri[128];
    struct store_file_options o = {.path = uri};

    snprintf(uri, sizeof uri, "nbd+unix:///?socket=%s", server.path);
    assert_int_equal(store_nbd_open(&place.store, &o, place.loop, NULL), 0);
    assert_int_equal(place.store->size, EXPORT);
}

static int tear_down(void **state)
{
    (void)state;
    store_close(place.store);
    loop_close(place.loop);
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
    unlink(server.path);
    return rmdir(place.path);
}

static unsigned seen_of(uint16_t type)
{
    unsigned n = 0;

    for (unsigned i = 0; i < server.count; i++)
        n += server.seen[i].type == type;
    return n;
}

static void neighbours_are_one_request(void **state)
{
    static uint8_t data[4][1024];
    struct store_op ops[4];

    (void)state;
    open_store();
    for (unsigned i = 0; i < 4; i++) {
        memset(data[i], 0xa0 + (int)i, sizeof data[i]);
        add_op(&ops[i], STORE_WRITE, 10 + 2 * i, 2, data[i]);
    }
    place_run();
    assert_int_equal(server.count, 1);
    assert_int_equal(server.seen[0].length, 4096);
    assert_memory_equal(server.disk + 10 * 512, data, sizeof data);

    memset(data, 0, sizeof data);
    for (unsigned i = 0; i < 4; i++)
        add_op(&ops[i], STORE_READ, 20 + 2 * i, 2, data[i]);
    place_run();
    assert_int_equal(server.count, 2);
    assert_memory_equal(server.disk + 20 * 512, data, sizeof data);
}

static void a_bad_sector_fails_alone(void **state)
{
    static uint8_t data[4][1024];
    struct store_op ops[4];

    (void)state;
    open_store();
    server.bad_sector = 15; /* the second of the third */
    for (unsigned i = 0; i < 4; i++)
        add_op(&ops[i], STORE_READ, 10 + 2 * i, 2, data[i]);
    place_run();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(ops[i].result, i == 2 ? -EIO : 0);
    assert_int_equal(ops[2].done, 512);
    assert_memory_equal(server.disk + 16 * 512, data[3], 1024);
}

static void durable_writes(void **state)
{
    uint8_t data[512] = {1};
    struct store_op op;

    (void)state;
    open_store();
    add_op(&op, STORE_WRITE, 1, 1, data)->durable = true;
    place_run();
    assert_int_equal(server.count, 1);
    assert_int_equal(server.seen[0].flags, 1);
}

static void durable_writes_without_fua(void **state)
{
    uint8_t data[512] = {1};
    struct store_op op;

    (void)state;
    server.flags = HAS_FLAGS | SEND_FLUSH;
    open_store();
    assert_false(place.store->can_trim);
    add_op(&op, STORE_WRITE, 1, 1, data)->durable = true;
    place_run();
    assert_int_equal(server.count, 2);
    assert_int_equal(server.seen[0].type, WRITE);
    assert_int_equal(server.seen[1].type, FLUSH);
}

static void no_flush_no_cache(void **state)
{
    struct store_op op;

    (void)state;
    server.flags = HAS_FLAGS;
    open_store();
    assert_true(place.store->no_cache);
    assert_int_equal(run_one(&op, STORE_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(server.count, 0);
}

static void verify_reads_and_trim_trims(void **state)
{
    struct store_op op;

    (void)state;
    open_store();
    assert_int_equal(run_one(&op, STORE_VERIFY, 0, EXPORT / 512, NULL), 0);
    assert_int_equal(run_one(&op, STORE_TRIM, 8, 16, NULL), 0);
    assert_int_equal(seen_of(READ), 1);
    assert_int_equal(server.seen[1].type, TRIM);
    assert_int_equal(server.seen[1].offset, 4096);
    assert_int_equal(server.seen[1].length, 8192);
}

/* What was not answered is asked again, whether it was executed or not. */
static void a_lost_write_is_repeated(void **state)
{
    uint8_t data[512];
    struct store_op op;

    (void)state;
    open_store();
    for (int before = 0; before < 2; before++) {
        memset(data, 0x77 + before, sizeof data);
        server.count = 0;
        server.hang_up = 1;
        server.hang_up_at = WRITE;
        server.before = before;
        assert_int_equal(run_one(&op, STORE_WRITE, 3, 1, data), 0);
        assert_int_equal(seen_of(WRITE), 2);
        assert_memory_equal(server.disk + 3 * 512, data, sizeof data);
    }
    /* Only the first one had been answered when the server was lost again. */
    assert_int_equal(place.store->losses, 1);
    assert_int_equal(run_one(&op, STORE_FLUSH, 0, 0, NULL), 0);
}

static void what_a_lost_server_may_forget_is_counted(void **state)
{
    uint8_t data[512] = {0};
    struct store_op op;

    (void)state;
    open_store();
    server.hang_up_at = READ;

    /* All was flushed: nothing to tell. */
    assert_int_equal(run_one(&op, STORE_WRITE, 3, 1, data), 0);
    assert_int_equal(run_one(&op, STORE_FLUSH, 0, 0, NULL), 0);
    server.hang_up = 1;
    assert_int_equal(run_one(&op, STORE_READ, 3, 1, data), 0);
    assert_int_equal(place.store->losses, 0);

    assert_int_equal(run_one(&op, STORE_WRITE, 3, 1, data), 0);
    server.hang_up = 1;
    assert_int_equal(run_one(&op, STORE_READ, 3, 1, data), 0);
    assert_int_equal(place.store->losses, 1);
    assert_int_equal(run_one(&op, STORE_FLUSH, 0, 0, NULL), 0);

    /* Lost in the middle of the flush itself. */
    assert_int_equal(run_one(&op, STORE_WRITE, 3, 1, data), 0);
    server.hang_up = 1;
    server.hang_up_at = FLUSH;
    assert_int_equal(run_one(&op, STORE_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(place.store->losses, 2);
}

static void a_request_that_kills_servers_fails(void **state)
{
    uint8_t data[512];
    struct store_op op;

    (void)state;
    open_store();
    server.hang_up = 1000;
    server.hang_up_at = READ;
    assert_int_equal(run_one(&op, STORE_READ, 3, 1, data), -EIO);
    assert_int_equal(seen_of(READ), 4);
    server.hang_up = 0;
    assert_int_equal(run_one(&op, STORE_READ, 3, 1, data), 0);
}

static void a_server_that_shuts_down(void **state)
{
    uint8_t data[512];
    struct store_op op;

    (void)state;
    open_store();
    server.shuts_down = 1;
    assert_int_equal(run_one(&op, STORE_READ, 3, 1, data), 0);
    assert_int_equal(seen_of(READ), 2);
    assert_memory_equal(server.disk + 3 * 512, data, sizeof data);
}

/* All of a run is written when its server is lost, and only the flush that
 * would make it durable is left; the server stays away for too long.  Of each
 * operation less is done than of the run. */
static void a_run_that_fails_as_a_whole(void **state)
{
    static uint8_t data[3][1024];
    static struct nbd_store ns;
    struct nbd_request *r = &ns.requests[0];
    struct store_op ops[3];

    (void)state;
    memset(&ns, 0, sizeof ns);
    memset(&place, 0, sizeof place);
    list_init(&place.ops);
    nbd_requests_init(&ns);
    ns.connection.facts =
        (struct nbd_facts){.maximum = 65536, .can_flush = true};
    for (unsigned i = 0; i < 3; i++)
        add_op(&ops[i], STORE_WRITE, 10 + 2 * i, 2, data[i])->durable = true;
    place.waiting++; /* there is no loop to stop */
    list_splice(&ns.pending, &place.ops);
    nbd_run_take(r);
    assert_int_equal(r->length, 3072);
    nbd_request_enter(r, NBD_SENT);
    nbd_request_enter(r, NBD_ANSWERED); /* the connection is down by now */
    ns.impatient = true;
    nbd_requests_turn(&ns);
    assert_int_equal(place.waiting, 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ops[i].result, -EIO);
        assert_int_equal(ops[i].done, 0);
    }
}

static void uris(void **state)
{
    (void)state;
    assert_true(store_nbd_uri("nbd://nas/disk"));
    assert_true(store_nbd_uri("nbds+unix:///?socket=/run/x"));
    assert_false(store_nbd_uri("nbd"));
    assert_false(store_nbd_uri("/srv/nbd://disk"));
    assert_false(store_nbd_uri("http://nas"));
    assert_false(store_nbd_uri("://"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),
        TEST(neighbours_are_one_request),
        TEST(a_bad_sector_fails_alone),
        TEST(durable_writes),
        TEST(durable_writes_without_fua),
        TEST(no_flush_no_cache),
        TEST(verify_reads_and_trim_trims),
        TEST(a_lost_write_is_repeated),
        TEST(what_a_lost_server_may_forget_is_counted),
        TEST(a_request_that_kills_servers_fails),
        TEST(a_server_that_shuts_down),
        cmocka_unit_test(a_run_that_fails_as_a_whole),
    };

    return cmocka_run_group_tests_name("NBD store", tests, NULL, NULL);
}
