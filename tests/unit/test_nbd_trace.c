/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What -v and -vv show of an NBD client: its phases, its requests and their
 * replies, each in a line that can be searched for.
 */
#include "tests/unit/nbd_fixture.h"

#include "base/log.h"
#include "bridge/nbd/trace.h"

/* Redirects the log to a file. */
struct capture {
    FILE *file;
    int stderr_before;
};

static struct capture capture_log(struct nbd_fixture *f, int verbosity)
{
    struct capture c = {.file = tmpfile()};

    assert_non_null(c.file);
    c.stderr_before = dup(STDERR_FILENO);
    dup2(fileno(c.file), STDERR_FILENO);
    log_program("aoe-nbd");
    log_verbosity = verbosity;
    f->service.server.observer = verbosity ? &nbd_trace : NULL;
    return c;
}

static const char *captured(struct capture *c)
{
    static char text[8192];
    size_t length;

    log_verbosity = 0;
    dup2(c->stderr_before, STDERR_FILENO);
    close(c->stderr_before);
    rewind(c->file);
    length = fread(text, 1, sizeof text - 1, c->file);
    text[length] = '\0';
    fclose(c->file);
    return text;
}

/* A session: a write with FUA, a read that is refused, a flush, and the end. */
static const char *log_of_session(struct nbd_fixture *f, int verbosity)
{
    struct capture log = capture_log(f, verbosity);
    uint8_t header[NBD_REQUEST_SIZE], data[4096] = {0};
    struct test_client c;

    open_client(f, &c);
    nbd_put_request(header, NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 1, 81920,
                    sizeof data);
    send_bytes(&c, header, sizeof header);
    send_bytes(&c, data, sizeof data);
    assert_int_equal(reply_error(&c), NBD_OK);
    send_request(&c, NBD_CMD_READ, DISK, 512);
    assert_int_equal(reply_error(&c), NBD_EINVAL);
    assert_served(&c);
    send_request(&c, NBD_CMD_DISC, 0, 0);
    assert_ended(&c);
    close(c.fd);
    while (f->service.server.connections > 0)
        turn(f);
    return captured(&log);
}

static void has(const char *log, const char *line)
{
    if (!strstr(log, line))
        fail_msg("no line with \"%s\" in:\n%s", line, log);
}

static void requests_are_traced(void **state)
{
    const char *log = log_of_session(*state, 2);

    has(log, "client 1: option 1, 0 bytes\n");
    has(log, "client 1: write 4096 at 81920, fua\n");
    has(log, "client 1: write 4096 at 81920, fua: done\n");
    has(log, "client 1: read 512 at 8388608: it goes past the end of the disk");
    has(log, "client 1: flush\n");
}

static void phases_are_logged(void **state)
{
    const char *log = log_of_session(*state, 1);

    has(log, "client 1: connected\n");
    has(log, "client 1: requests for e1.2\n");
    has(log, "client 1: sends no more, 0 requests in flight\n");
    has(log, "client 1: done\n");
    assert_null(strstr(log, "write"));
}

static void nothing_is_logged_otherwise(void **state)
{
    assert_string_equal(log_of_session(*state, 0), "");
}

static void waiting_is_traced(void **state)
{
    struct nbd_fixture *f = *state;
    struct capture log = capture_log(f, 2);
    static uint8_t data[NBD_BYTES_MIN / 2];
    struct test_client holder, c;
    const char *text;

    nbd_server_limit(&f->service.server, NBD_BYTES_MIN);
    open_client(f, &holder);
    send_request(&holder, NBD_CMD_READ, 0, sizeof data);
    while (f->memory.done[AOE_READ] < 1)
        turn(f);
    open_client(f, &c);
    send_request(&c, NBD_CMD_READ, 0, sizeof data);
    for (int i = 0; i < 3; i++)
        turn(f);
    close(holder.fd);
    assert_int_equal(reply_error(&c), NBD_OK);
    close(c.fd);
    text = captured(&log);
    has(text, "client 2: waits for common memory\n");
    has(text, "client 2: goes on\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(requests_are_traced),
        TEST(phases_are_logged),
        TEST(nothing_is_logged_otherwise),
        TEST(waiting_is_traced),
    };

    return cmocka_run_group_tests_name("NBD trace", tests, NULL, NULL);
}
