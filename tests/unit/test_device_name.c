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

#include "target/store/device_name.h"

static char root[] = "/tmp/aoekit-sysfs-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void put(const char *name, const char *bytes, size_t length)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s", path_of(name));
    for (char *at = strchr(path + strlen(root) + 1, '/'); at;
         at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, length, f), length);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(root))
        return -1;
    put("block/vda/serial", "VIRT1", 5);
    put("block/nvme0n1/device/serial", "NVME 7      \n", 13);
    put("block/sda/device/vpd_pg80", "\0\200\0\10  WD-1  ", 12);
    put("block/sdb/device/vpd_pg80", "\0\200\0\5TWICE", 9);
    put("block/sdc/device/vpd_pg80", "\0\200\0\5TWICE", 9);
    put("block/sdd/device/vpd_pg80", "\0\200\0\6WD-1-2", 10);
    put("block/sde/device/vpd_pg80", "\0\200", 2); /* cut off */
    put("block/sdf/size", "1\n", 2);
    return 0;
}

static int teardown(void **state)
{
    char command[80];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static void leads_to(const char *name, const char *wanted)
{
    char found[DEVICE_NAME_MAX] = "";

    assert_int_equal(device_name_find(name, root, "/dev", found), 0);
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

    assert_int_equal(device_name_find(name, root, "/dev", found), err);
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
