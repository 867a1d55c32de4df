/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Disks by serial number, in a sysfs of our own: what each bus shows there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_serial),
        cmocka_unit_test(not_by_serial),
        cmocka_unit_test(other_paths),
    };

    return cmocka_run_group_tests_name("device_name", tests, setup, teardown);
}
