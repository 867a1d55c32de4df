/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tag prefixes: each process on a machine has its own, and a user who takes
 * them all cannot lock others out.  In a network namespace of the test's own,
 * where abstract socket names belong.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "initiator/libaoe/aoe.h"
#include "initiator/libaoe/prefix.h"

enum { DONE, FAILED, NOT_PERMITTED, PREFIXES = 128, NOBODY = 65534 };

static bool take(unsigned n)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int len =
        snprintf(sa.sun_path + 1, sizeof sa.sun_path - 1, "aoekit-tag-%02x", n);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    return fd >= 0 && !bind(fd, (struct sockaddr *)&sa,
                            (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                                        1 + (size_t)len));
}

/* As an ordinary user, who needs no privilege for it. */
static bool take_all(void)
{
    bool all = seteuid(NOBODY) == 0;

    for (unsigned n = 0; n < PREFIXES && all; n++)
        all = take(n);
    return seteuid(0) == 0 && all;
}

static int share(void)
{
    static const char *const names[] = {"lo"};
    struct aoe_options o = {.interfaces = names, .interface_count = 1};
    uint32_t prefix = 0, seed;
    struct aoe *aoe;

    if (unshare(CLONE_NEWNET))
        return NOT_PERMITTED;
    if (aoe_open(&aoe, &o, NULL) || aoe_tags_shared(aoe))
        return FAILED;
    aoe_close(aoe);
    if (!take_all() || prefix_claim(&prefix, &seed) != -EBUSY ||
        !(prefix & UINT32_C(0x80000000)) || prefix & UINT32_C(0x00ffffff))
        return FAILED;
    if (aoe_open(&aoe, &o, NULL) || !aoe_tags_shared(aoe))
        return FAILED;
    aoe_close(aoe);
    return DONE;
}

static void taken_prefixes_are_shared(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0)
        _exit(share());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_PERMITTED) {
        print_message("needs root, for a network namespace\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_prefixes_are_shared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
