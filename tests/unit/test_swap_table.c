/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reader of /proc/swaps, with the names that people give to swap files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/swap_table.h"

static char table[] = "/tmp/test_swap_table.XXXXXX";

static const char lines[] =
    "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    "/dev/sda2                               partition\t999420\t0\t-2\n"
    "/srv/a\\040swap\\134file\t\t\t file\t\t65532\t\t12\t\t-3\n"
    "/dev/nbd0                               partition\t4092\t0\t-4\n";

/* The paths it was called with, a line each. */
struct paths {
    char text[256];
    const char *wanted;
};

static bool collect(void *arg, const char *path)
{
    struct paths *p = arg;

    strcat(strcat(p->text, path), "\n");
    return p->wanted && !strcmp(path, p->wanted);
}

static void each_entry_but_the_heading(void **state)
{
    struct paths p = {.wanted = NULL};

    (void)state;
    assert_false(swap_table_find(table, collect, &p));
    assert_string_equal(p.text, "/dev/sda2\n/srv/a swap\\file\n/dev/nbd0\n");
}

static void a_name_with_a_blank_and_a_backslash_is_found(void **state)
{
    struct paths p = {.wanted = "/srv/a swap\\file"};

    (void)state;
    assert_true(swap_table_find(table, collect, &p));
    assert_string_equal(p.text, "/dev/sda2\n/srv/a swap\\file\n");
}

static void without_a_table_there_is_none(void **state)
{
    struct paths p = {.wanted = NULL};

    (void)state;
    assert_false(swap_table_find("/nonexistent/swaps", collect, &p));
    assert_string_equal(p.text, "");
}

static int write_table(void **state)
{
    int fd = mkstemp(table);
    bool done = fd >= 0 && write(fd, lines, sizeof lines - 1) ==
                               (ssize_t)(sizeof lines - 1);

    (void)state;
    close(fd);
    return done ? 0 : -1;
}

static int remove_table(void **state)
{
    (void)state;
    return unlink(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_entry_but_the_heading),
        cmocka_unit_test(a_name_with_a_blank_and_a_backslash_is_found),
        cmocka_unit_test(without_a_table_there_is_none),
    };

    return cmocka_run_group_tests(tests, write_table, remove_table);
}
