/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the service manager is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"

/* A manager's socket under `name`; a leading '@' is Linux's zero byte. */
static int manager(const char *name)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    assert_true(strlen(name) < sizeof sun.sun_path);
    memcpy(sun.sun_path, name, strlen(name));
    if (name[0] == '@')
        sun.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&sun,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                                      strlen(name))),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void receives(int fd, const char *text)
{
    char got[64];
    ssize_t n = recv(fd, got, sizeof got, 0);

    assert_int_equal(n, strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static void by_path(void **state)
{
    char path[] = "/tmp/test-notify-XXXXXX", name[64];
    int fd;

    (void)state;
    assert_non_null(mkdtemp(path));
    snprintf(name, sizeof name, "%s/socket", path);
    fd = manager(name);
    notify_manager("READY=1");
    notify_manager("STOPPING=1");
    receives(fd, "READY=1"); /* a datagram for each */
    receives(fd, "STOPPING=1");
    close(fd);
    notify_manager("READY=1"); /* it is gone, which is harmless */
    unlink(name);
    rmdir(path);
}

static void by_abstract_name(void **state)
{
    char name[64];
    int fd;

    (void)state;
    snprintf(name, sizeof name, "@test-notify-%ld", (long)getpid());
    fd = manager(name);
    notify_manager("READY=1");
    receives(fd, "READY=1");
    close(fd);
}

/* Invalid names are not written to, and nothing is written past the address. */
static void no_manager(void **state)
{
    char name[64], longer[300];
    int fd;

    (void)state;
    snprintf(name, sizeof name, "@test-none-%ld", (long)getpid());
    fd = manager(name);
    memset(longer, 'x', sizeof longer - 1);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    setenv("NOTIFY_SOCKET", longer, 1);
    notify_manager("READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify_manager("READY=1");
    setenv("NOTIFY_SOCKET", "@", 1);
    notify_manager("READY=1");
    setenv("NOTIFY_SOCKET", "", 1);
    notify_manager("READY=1");
    unsetenv("NOTIFY_SOCKET");
    notify_manager("READY=1");
    assert_int_equal(recv(fd, name, sizeof name, 0), -1);
    assert_int_equal(errno, EAGAIN);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_path),
        cmocka_unit_test(by_abstract_name),
        cmocka_unit_test(no_manager),
    };

    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
