/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is opened when: a changed disk waits for the one in its place, and
 * nothing is opened any more once the server stops.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "target/serve/exports_parts.h"
#include "tests/unit/server_fixture.h"

static struct exports *exports;
static unsigned opened;
static struct memory *newest;

static int open_memory(void *arg, const struct export_config *c,
                       struct store_nbd_dial *dial, struct export *e,
                       struct store **out)
{
    (void)arg;
    (void)dial;
    opened++;
    newest = calloc(1, sizeof *newest);
    list_init(&newest->held);
    newest->store = (struct store){.ops = &memory_ops,
                                   .fd = -1,
                                   .size = SECTORS * 512,
                                   .physical_sector = 512,
                                   .memory_align = 1};
    *e = (struct export){.addr = c->addr,
                         .sectors = SECTORS,
                         .buffer_count = 16,
                         .write_cache = true};
    *out = &newest->store;
    return 0;
}

/* Nobody asks the network: the address of each disk is forced. */
static int open_no_link(struct link **out, const char *ifname,
                        const struct link_options *o)
{
    (void)out;
    (void)o;
    fail_msg("%s is opened", ifname);
    return -ENODEV;
}

/* One disk, e1.1, with its bytes at `path`. */
static struct config config_of(const char *path)
{
    struct config c = {.count = 1};

    c.exports = calloc(1, sizeof *c.exports);
    export_config_init(c.exports);
    c.exports->addr = (struct aoe_addr){1, 1};
    strcpy(c.exports->interfaces[0], "aoekit-test");
    c.exports->interface_count = 1;
    c.exports->path = strdup(path);
    c.exports->force_address = true;
    return c;
}

/* The disk is served, and the client's write hangs in it. */
static int begin(void **state)
{
    struct exports_options o = {.open = open_memory,
                                .duplicates.link_open = open_no_link};
    struct config c = config_of("/dev/null");

    setup(state);
    opened = 0;
    o.server = server;
    o.loop = loop;
    assert_int_equal(exports_open(&exports, &o), 0);
    assert_int_equal(exports_start(exports, &c), 0);
    run();
    newest->hang = true;
    ask_ata(0, 1, ATA_WRITE_SECTORS_EXT, 5, 1, 0x77);
    run();
    assert_int_equal(newest->held_count, 1);
    return 0;
}

static int end(void **state)
{
    exports_close(exports);
    return teardown(state);
}

static void change_to(const char *path)
{
    struct config c = config_of(path);

    assert_int_equal(exports_reload(exports, &c), 0);
    run();
    assert_int_equal(opened, 1); /* the old one still writes */
}

/* The write and the flush behind it end, and with them the disk. */
static void finish(struct memory *m)
{
    while (m->held_count > 1)
        let_go(m, 0);
    m->hang = false;
    let_go(m, 0);
}

static void a_changed_disk_waits_for_the_old_one(void **state)
{
    (void)state;
    change_to("/dev/zero");
    finish(newest);
    turn();
    assert_int_equal(opened, 2);
}

#ifdef HAVE_NBD
/* An NBD server that lets everyone connect and says nothing. */
static int listen_at(char *path, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(path, size, "/tmp/test_exports.%ld", (long)getpid());
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* A disk waits for its NBD server, and a reload for another one, when the
 * server is told to stop; then both are over, and the next reload tells those
 * who wait for this one. */
static void nothing_is_opened_while_the_server_stops(void **state)
{
    char path[64], first[128], second[128];
    struct config c;
    int fd;

    (void)state;
    fd = listen_at(path, sizeof path);
    snprintf(first, sizeof first, "nbd+unix:///?socket=%s", path);
    snprintf(second, sizeof second, "nbd+unix:///second?socket=%s", path);
    change_to(first);
    finish(newest);
    turn();
    c = config_of(second);
    c.exports->addr.slot = 2;
    assert_int_equal(exports_reload(exports, &c), 0);
    assert_int_equal(exports->reload, RELOAD_CONNECTING);

    server_stop(server);
    assert_int_equal(loop_run(loop), EXIT_DONE);
    c = config_of(first);
    assert_false(exports_dial_over(exports, c.exports));
    close(fd);
    unlink(path);
    while (!exports_dial_over(exports, c.exports))
        turn();
    assert_int_equal(exports_reload(exports, &c), -ESHUTDOWN);
    assert_int_equal(exports->reload, RELOAD_FAILED);
    assert_int_equal(opened, 1);
}
#endif

static void nothing_is_reloaded_while_the_server_stops(void **state)
{
    struct config c = config_of("/dev/zero");

    (void)state;
    server_stop(server);
    assert_int_equal(exports_reload(exports, &c), -ESHUTDOWN);
    run();
    finish(newest);
    assert_int_equal(loop_run(loop), EXIT_DONE);
    assert_int_equal(opened, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_changed_disk_waits_for_the_old_one),
#ifdef HAVE_NBD
        TEST(nothing_is_opened_while_the_server_stops),
#endif
        TEST(nothing_is_reloaded_while_the_server_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
