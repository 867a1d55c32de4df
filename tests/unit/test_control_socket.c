/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a target listens for `aoe-target ctl`, when the path is already taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"
#include "target/serve/control.h"

enum { PATIENCE = 20 }; /* seconds, then it counts as a hang */

static char directory[] = "/tmp/aoekit-XXXXXX";
static struct sockaddr_un at = {.sun_family = AF_UNIX};

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(at.sun_path, sizeof at.sun_path, "%s/socket", directory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(at.sun_path);
    return rmdir(directory);
}

static int open_there(void)
{
    struct control_options o = {.path = at.sun_path};
    struct control *c = NULL;
    struct stat st;
    int err;

    assert_int_equal(loop_open(&o.loop), 0);
    err = control_open(&c, &o);
    if (!err) {
        assert_int_equal(stat(at.sun_path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    control_close(c);
    loop_close(o.loop);
    return err;
}

static int socket_there(int backlog)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void a_socket_of_a_dead_target_is_replaced(void **state)
{
    (void)state;
    close(socket_there(1));
    assert_int_equal(open_there(), 0);
}

static void a_file_is_left_alone(void **state)
{
    int fd = open(at.sun_path, O_CREAT | O_RDWR, 0600);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(open_there(), -EEXIST);
    assert_int_equal(unlink(at.sun_path), 0);
}

/* It never accepts, and its backlog is full: a blocking connect would wait
 * forever. */
static void a_listener_that_hangs_does_not_hang_us(void **state)
{
    int fd = socket_there(0), clients[8], count = 0;

    (void)state;
    for (; count < 8; count++) {
        clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(clients[count], (struct sockaddr *)&at, sizeof at))
            break;
    }
    assert_int_equal(errno, EAGAIN);
    alarm(PATIENCE);
    assert_int_equal(open_there(), -EADDRINUSE);
    alarm(0);
    for (int i = 0; i <= count && i < 8; i++)
        close(clients[i]);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_of_a_dead_target_is_replaced),
        cmocka_unit_test(a_file_is_left_alone),
        cmocka_unit_test(a_listener_that_hangs_does_not_hang_us),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
