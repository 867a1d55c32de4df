/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The mount table's reader, with the names that people give to directories.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mount_table.h"

static char path[] = "/tmp/test_mount_table.XXXXXX";

/* A table of these lines, opened. */
static struct mount_table table_of(const char *text)
{
    struct mount_table t;
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(mount_table_open(&t, path), 0);
    return t;
}

static void a_line_has_these_fields(void **state)
{
    struct mount_table t = table_of(
        "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root "
        "rw,errors=continue,user_id=0\n"
        "40 35 0:41 / /run/u rw - fuse.aoe-fuse e1.2 "
        "ro,user_id=1000,group_id=100\n");
    struct mount_entry e;

    (void)state;
    assert_true(mount_table_next(&t, &e));
    assert_string_equal(e.device, "98:0");
    assert_string_equal(e.dir, "/mnt2");
    assert_string_equal(e.type, "ext3");
    assert_string_equal(e.source, "/dev/root");
    assert_string_equal(e.super_options, "rw,errors=continue,user_id=0");
    assert_true(mount_table_next(&t, &e));
    assert_string_equal(e.device, "0:41");
    assert_string_equal(e.dir, "/run/u");
    assert_string_equal(e.type, "fuse.aoe-fuse");
    assert_string_equal(e.source, "e1.2");
    assert_false(mount_table_next(&t, &e));
    mount_table_rewind(&t);
    assert_true(mount_table_next(&t, &e));
    assert_string_equal(e.dir, "/mnt2");
    mount_table_close(&t);
}

static void names_are_unescaped(void **state)
{
    static const struct {
        const char *written, *meant;
    } names[] = {
        {"/my\\040disk", "/my disk"},
        {"/tab\\011here", "/tab\there"},
        {"/two\\012lines", "/two\nlines"},
        {"/back\\134slash", "/back\\slash"},
        {"/a\\134040b", "/a\\040b"}, /* once, not twice */
        {"/end\\040", "/end "},
        {"/\\303\\244", "/\303\244"},
        /* Not what the kernel writes, and no reason to invent bytes. */
        {"/cut\\04", "/cut\\04"},
        {"/last\\", "/last\\"},
        {"/not\\089octal", "/not\\089octal"},
        {"/big\\777", "/big\\777"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char line[128];
        struct mount_table t;
        struct mount_entry e;

        snprintf(line, sizeof line, "1 2 0:3 / %s rw - t%s %s rw\n",
                 names[i].written, names[i].written, names[i].written);
        t = table_of(line);
        assert_true(mount_table_next(&t, &e));
        assert_string_equal(e.dir, names[i].meant);
        assert_string_equal(e.type + 1, names[i].meant);
        assert_string_equal(e.source, names[i].meant);
        mount_table_close(&t);
    }
}

/* mount -t tmpfs "" DIR */
static void a_source_may_be_empty(void **state)
{
    struct mount_table t = table_of("1 2 0:3 / /a rw shared:4 - tmpfs  rw\n");
    struct mount_entry e;

    (void)state;
    assert_true(mount_table_next(&t, &e));
    assert_string_equal(e.source, "");
    assert_string_equal(e.super_options, "rw");
    mount_table_close(&t);
}

/* A directory called " - " must not end the tags. */
static void a_dash_in_a_name_is_no_separator(void **state)
{
    struct mount_table t =
        table_of("1 2 0:3 /\\040-\\040 - rw shared:4 - tmpfs none rw\n"
                 "1 2 0:3 / /\\040-\\040 rw - tmpfs none rw\n");
    struct mount_entry e;

    (void)state;
    assert_true(mount_table_next(&t, &e));
    assert_string_equal(e.dir, "-");
    assert_string_equal(e.type, "tmpfs");
    assert_true(mount_table_next(&t, &e));
    assert_string_equal(e.dir, "/ - ");
    mount_table_close(&t);
}

static void other_lines_are_skipped(void **state)
{
    struct mount_table t = table_of("\n"
                                    "1\n"
                                    "1 2 0:3 / /nothing rw\n"
                                    "1 2 0:3 / /cut rw - tmpfs none\n"
                                    "1 2 0:3 / /good rw - tmpfs none rw");
    struct mount_entry e;

    (void)state;
    assert_true(mount_table_next(&t, &e));
    assert_string_equal(e.dir, "/good");
    assert_false(mount_table_next(&t, &e));
    mount_table_close(&t);
}

static void an_option_has_its_whole_name(void **state)
{
    const struct mount_entry e = {.super_options =
                                      "rw,xuser_id=1,user_idx=2,user_id=3,a="};

    (void)state;
    assert_string_equal(mount_entry_option(&e, "user_id"), "3,a=");
    assert_string_equal(mount_entry_option(&e, "a"), "");
    assert_null(mount_entry_option(&e, "rw"));
    assert_null(mount_entry_option(&e, "user"));
}

static void no_table_has_no_mounts(void **state)
{
    struct mount_table t;
    struct mount_entry e;

    (void)state;
    assert_int_equal(mount_table_open(&t, "/nonexistent/mountinfo"), -ENOENT);
    assert_false(mount_table_next(&t, &e));
    mount_table_rewind(&t);
    mount_table_close(&t);
}

/* Linux before 2.6.26 has only the older file. */
static void the_older_file_will_do(void **state)
{
    static const char text[] = "/dev/sda1 /a\\040b ext3 rw,noatime 0 0\n"
                               "none /proc proc ro 0 0\n"
                               "short\n";
    char directory[] = "/tmp/t-mounts-XXXXXX", mounts[64], asked[64];
    struct mount_table t;
    struct mount_entry e;
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(mounts, sizeof mounts, "%s/mounts", directory);
    snprintf(asked, sizeof asked, "%s/mountinfo", directory);
    f = fopen(mounts, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
    assert_int_equal(mount_table_open(&t, asked), 0);
    assert_true(mount_table_next(&t, &e));
    assert_string_equal(e.source, "/dev/sda1");
    assert_string_equal(e.dir, "/a b");
    assert_string_equal(e.type, "ext3");
    assert_string_equal(e.super_options, "rw,noatime");
    assert_string_equal(e.device, "");
    assert_true(mount_table_next(&t, &e));
    assert_string_equal(e.super_options, "ro");
    assert_false(mount_table_next(&t, &e));
    mount_table_close(&t);
    unlink(mounts);
    rmdir(directory);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_these_fields),
        cmocka_unit_test(names_are_unescaped),
        cmocka_unit_test(a_source_may_be_empty),
        cmocka_unit_test(a_dash_in_a_name_is_no_separator),
        cmocka_unit_test(other_lines_are_skipped),
        cmocka_unit_test(an_option_has_its_whole_name),
        cmocka_unit_test(no_table_has_no_mounts),
        cmocka_unit_test(the_older_file_will_do),
    };

    return cmocka_run_group_tests_name("mount_table", tests, make_file,
                                       remove_file);
}
