/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Syncing files to the medium where fsync is not enough (macOS): the same
 * source, on a simulated system with F_FULLFSYNC.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int full_error, plain_error;
static unsigned fulls, plains;

static int fake(int err, unsigned *count)
{
    ++*count;
    errno = err;
    return err ? -1 : 0;
}

#ifndef F_FULLFSYNC
#define F_FULLFSYNC 51
#endif
#define fcntl(fd, command) ((void)(fd), fake(full_error, &fulls))
#define fsync(fd)          ((void)(fd), fake(plain_error, &plains))
#include "base/durable.c"
#undef fcntl
#undef fsync

static int setup(void **state)
{
    (void)state;
    full_error = plain_error = 0;
    fulls = plains = 0;
    return 0;
}

static void fullfsync_is_enough(void **state)
{
    (void)state;
    assert_int_equal(durable_file(3), 0);
    assert_int_equal(durable_data(3), 0);
    assert_int_equal(fulls, 2);
    assert_int_equal(plains, 0);
}

static void fsync_where_there_is_no_fullfsync(void **state)
{
    static const int none[] = {ENOTSUP, EINVAL, ENOTTY};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        full_error = none[i];
        assert_int_equal(durable_data(3), 0);
        assert_int_equal(plains, i + 1);
    }
    plain_error = EIO;
    assert_int_equal(durable_file(3), -EIO);
}

/* A following fsync would report success. */
static void an_error_is_returned(void **state)
{
    (void)state;
    full_error = EIO;
    assert_int_equal(durable_file(3), -EIO);
    assert_int_equal(durable_directory(3), -EIO);
    assert_int_equal(plains, 0);
}

static void directories(void **state)
{
    (void)state;
    full_error = plain_error = EINVAL; /* they are not for syncing there */
    assert_int_equal(durable_directory(3), 0);
    assert_int_equal(durable_name("/"), 0);
    assert_int_equal(durable_name("/tmp"), 0);
    assert_int_equal(durable_name("file"), 0);
    assert_int_equal(durable_name("/no/such/directory"), -ENOENT);
    plain_error = ENOSPC;
    assert_int_equal(durable_name("./file"), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fullfsync_is_enough, setup),
        cmocka_unit_test_setup(fsync_where_there_is_no_fullfsync, setup),
        cmocka_unit_test_setup(an_error_is_returned, setup),
        cmocka_unit_test_setup(directories, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
