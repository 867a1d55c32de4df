/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of aoe-fuse mount.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "bridge/aoe-fuse/options.h"

/* Parses a line of words; true if the command would continue. */
static bool parse(struct mount_options *o, const char *line, int *status)
{
    static char copy[4096];
    char *argv[128], *rest = copy, *word;
    int argc = 0;

    snprintf(copy, sizeof copy, "%s", line);
    while ((word = strsep(&rest, " ")))
        argv[argc++] = word;
    argv[argc] = NULL;
    return mount_options_parse(o, argc, argv, status);
}

static void wrong(const char *line)
{
    struct mount_options o;
    int status;

    assert_false(parse(&o, line, &status));
    assert_int_equal(status, EXIT_USAGE);
    mount_options_free(&o);
}

/* Whether libfuse would get this as an -o argument. */
static bool passed_on(const struct mount_options *o, const char *option)
{
    for (int i = 1; i + 1 < o->mount.argc; i++)
        if (!strcmp(o->mount.argv[i], "-o") &&
            !strcmp(o->mount.argv[i + 1], option))
            return true;
    return false;
}

static void defaults(void **state)
{
    struct mount_options o;
    int status;

    (void)state;
    assert_true(parse(&o, "mount e1.2 dir", &status));
    assert_string_equal(o.dir, "dir");
    assert_int_equal(o.disks.count, 1);
    assert_int_equal(o.disks.of[0].shelf, 1);
    assert_int_equal(o.disks.of[0].slot, 2);
    assert_false(o.client.foreground);
    assert_int_equal(o.client.disk.timeout, AOE_TIMEOUT_DEFAULT);
    assert_int_equal(o.client.wait, 10 * NS_PER_S);
    assert_int_equal(o.fs.mode, 0600);
    assert_false(o.fs.read_only);
    assert_false(o.fs.cache);
    assert_true(passed_on(&o, "default_permissions"));
    assert_true(passed_on(&o, "subtype=aoe-fuse,fsname=e1.2"));
    mount_options_free(&o);
}

static void everything(void **state)
{
    struct mount_options o;
    int status;

    (void)state;
    assert_true(parse(&o,
                      "mount -f e1.2 -i eth0,eth1 65534.254 -o ro,uid=3 "
                      "--timeout 0 --window 7 --replay 64 -i eth2 -o "
                      ",gid=4,,mode=0664,cache,noatime, "
                      "--wait 1.5 --link pcap /some/dir",
                      &status));
    assert_string_equal(o.dir, "/some/dir");
    assert_int_equal(o.disks.count, 2);
    assert_int_equal(o.disks.of[1].shelf, 65534);
    assert_int_equal(o.disks.of[1].slot, 254);
    assert_int_equal(o.client.interfaces.count, 3);
    assert_string_equal(o.client.interfaces.names[2], "eth2");
    assert_string_equal(o.client.interfaces.link, "pcap");
    assert_true(o.client.foreground);
    assert_int_equal(o.client.disk.timeout, 0);
    assert_int_equal(o.client.disk.window, 7);
    assert_int_equal(o.client.disk.replay, 64 << 20);
    assert_int_equal(o.client.wait, 1500 * NS_PER_MS);
    assert_int_equal(o.fs.uid, 3);
    assert_int_equal(o.fs.gid, 4);
    assert_int_equal(o.fs.mode, 0444);
    assert_true(o.fs.read_only);
    assert_true(o.fs.cache);
    assert_true(passed_on(&o, "ro"));
    assert_true(passed_on(&o, "noatime"));
    assert_false(passed_on(&o, "cache"));
    assert_false(passed_on(&o, "uid=3"));
    mount_options_free(&o);
}

/* Everything that fits into fstab. */
static void everything_in_one_option(void **state)
{
    struct mount_options o;
    int status;

    (void)state;
    assert_true(parse(
        &o,
        "mount e1.2 dir -o rw,interface=eth0,interface=eth1,"
        "timeout=7,wait=0.5,link=pcap,window=9,replay=3,_netdev,nofail,noauto,"
        "user=me,comment=no,x-systemd.automount,X-gvfs-hide,nodev",
        &status));
    assert_int_equal(o.client.interfaces.count, 2);
    assert_string_equal(o.client.interfaces.names[1], "eth1");
    assert_string_equal(o.client.interfaces.link, "pcap");
    assert_int_equal(o.client.disk.window, 9);
    assert_int_equal(o.client.disk.replay, 3 << 20);
    assert_int_equal(o.client.disk.timeout, 7 * NS_PER_S);
    assert_int_equal(o.client.wait, 500 * NS_PER_MS);
    assert_true(passed_on(&o, "nodev"));
    assert_true(passed_on(&o, "rw"));
    assert_false(passed_on(&o, "nofail"));
    assert_false(passed_on(&o, "x-systemd.automount"));
    mount_options_free(&o);
}

static void a_users_fsname_wins(void **state)
{
    struct mount_options o;
    int status, own = 0, users = 0;

    (void)state;
    assert_true(parse(&o, "mount e1.2 dir -o fsname=mine", &status));
    for (int i = 0; i < o.mount.argc; i++) {
        if (strstr(o.mount.argv[i], "fsname=e1.2"))
            own = i;
        if (!strcmp(o.mount.argv[i], "fsname=mine"))
            users = i;
    }
    assert_true(own > 0);
    assert_true(users > own);
    mount_options_free(&o);
}

static void usage(void **state)
{
    char many[2048] = "mount";

    (void)state;
    wrong("mount");
    wrong("mount e1.2");
    wrong("mount e1 dir");
    wrong("mount e1.2.3 dir");
    wrong("mount e65536.1 dir");
    wrong("mount e1.2 1.2 dir");
    wrong("mount e1.2 dir --timeout soon");
    wrong("mount e1.2 dir --timeout -1");
    wrong("mount e1.2 dir --window 0");
    wrong("mount e1.2 dir --replay 1G");
    wrong("mount e1.2 dir --wait 1x");
    wrong("mount e1.2 dir --frobnicate");
    wrong("mount e1.2 dir -i");
    wrong("mount e1.2 dir -o uid=nobody-has-this-name");
    wrong("mount e1.2 dir -o uid=4294967295"); /* means "none" */
    wrong("mount e1.2 dir -o gid=-1");
    wrong("mount e1.2 dir -o mode=");
    wrong("mount e1.2 dir -o mode=0888");
    wrong("mount e1.2 dir -o mode=4755");
    wrong("mount e1.2 dir -o mode=00644");
    wrong("mount e1.2 dir -o max_read=4096");
    wrong("mount e1.2 dir -o timeout=soon");
    wrong("mount e1.2 dir -o wait=");
    wrong("mount e1.2 dir -o window=0");
    wrong("mount e1.2 dir -o replay=4097");
    wrong("mount e1.2 dir -o link=carrier-pigeon");
    wrong("mount e1.2 dir -o interface=");
    for (int i = 0; i < DISK_NAMES_MAX + 1; i++)
        sprintf(many + strlen(many), " 1.%d", i);
    strcat(many, " dir");
    wrong(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(everything),
        cmocka_unit_test(everything_in_one_option),
        cmocka_unit_test(a_users_fsname_wins),
        cmocka_unit_test(usage),
    };

    return cmocka_run_group_tests_name("fuse_options", tests, NULL, NULL);
}
