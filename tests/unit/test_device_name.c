/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Disks by serial number, in a sysfs of our own: what each bus shows there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "tests/lib/sysfs.h"
#include "target/store/device_name.h"

static int setup(void **state)
{
    (void)state;
    if (sysfs_open())
        return -1;
    sysfs_file("block/vda/serial", "VIRT1", 5);
    sysfs_file("block/nvme0n1/device/serial", "NVME 7      \n", 13);
    sysfs_file("block/sda/device/vpd_pg80", "\0\200\0\10  WD-1  ", 12);
    sysfs_file("block/sdb/device/vpd_pg80", "\0\200\0\5TWICE", 9);
    sysfs_file("block/sdc/device/vpd_pg80", "\0\200\0\5TWICE", 9);
    sysfs_file("block/sdd/device/vpd_pg80", "\0\200\0\6WD-1-2", 10);
    sysfs_file("block/sde/device/vpd_pg80", "\0\200", 2); /* cut off */
    sysfs_file("block/sdf/size", "1\n", 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sysfs_close();
}

static void leads_to(const char *name, const char *wanted)
{
    char found[DEVICE_NAME_MAX] = "";

    assert_int_equal(device_name_find(name, sysfs_root, "/dev", found), 0);
    assert_string_equal(found, wanted);
}

static void by_serial(void **state)
{
    (void)state;
    leads_to("serial:VIRT1", "/dev/vda");
    leads_to("serial:NVME 7", "/dev/nvme0n1");
    leads_to("serial:NVME 7-part2", "/dev/nvme0n1p2");
    leads_to("serial:WD-1", "/dev/sda"); /* and not WD-1-2 */
    leads_to("serial:WD-1-part12", "/dev/sda12");
    leads_to("serial:WD-1-2", "/dev/sdd");
}

static void fails(const char *name, int err)
{
    char found[DEVICE_NAME_MAX];

    assert_int_equal(device_name_find(name, sysfs_root, "/dev", found), err);
}

static void not_by_serial(void **state)
{
    (void)state;
    fails("serial:WD", -ENODEV);
    fails("serial:", -ENODEV);
    fails("serial:-part1", -ENODEV);
    fails("serial:WD-1-part0", -ENODEV);
    fails("serial:WD-1-part1x", -ENODEV);
    fails("serial:WD-1-part999", -ENODEV);
    fails("serial:TWICE", -ENOTUNIQ); /* which of them? */
}

static void other_paths(void **state)
{
    struct stat st;
    int fd;

    (void)state;
    assert_true(device_name_is("serial:x"));
    assert_false(device_name_is("/dev/serial:x"));
    fd = device_open("/dev/null", O_RDONLY);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(device_stat("/dev/null", &st), 0);
    assert_int_equal(device_open("serial:there is none", O_RDONLY), -1);
    assert_true(errno == ENODEV || errno == EOPNOTSUPP);
}

#ifdef O_NOATIME

/* Opens a file of root's as somebody else. */
static int open_foreign(void)
{
    int fd;

    if (setgid(65534) || setuid(65534))
        return 1;
    fd = device_open("/dev/null", O_RDONLY);
    return fd >= 0 && !(fcntl(fd, F_GETFL) & O_NOATIME) ? 0 : 2;
}

/* By its owner, with a flag that others must not use. */
static void reads_leave_no_mark(void **state)
{
    int fd = device_open("/proc/self/exe", O_RDONLY), status;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFL) & O_NOATIME);
    close(fd);
    pid = fork();
    if (pid == 0)
        _exit(open_foreign());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_serial),
        cmocka_unit_test(not_by_serial),
        cmocka_unit_test(other_paths),
#ifdef O_NOATIME
        cmocka_unit_test(reads_leave_no_mark),
#endif
    };

    return cmocka_run_group_tests_name("device_name", tests, setup, teardown);
}
