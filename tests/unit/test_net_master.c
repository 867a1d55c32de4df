/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which interface to name in place of a bridge's port or a bond's slave, in a
 * sysfs of our own: old kernels' and new ones'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/net_master.h"

static char root[] = "/tmp/aoekit-sysfs-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static int setup(void **state)
{
    static const char *const folders[] = {
        "class",
        "class/net",
        "class/net/eth0",
        "class/net/eth1",
        "class/net/eth2",
        "class/net/eth3",
        "class/net/br0",
        "class/net/bond0",
        "class/net/team0",
        "class/net/eth0/brport",
        "class/net/br0/bridge",
        "class/net/bond0/bonding",
        "class/net/eth4",
    };

    (void)state;
    if (!mkdtemp(root))
        return -1;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        mkdir(path_of(folders[i]), 0700);
    if (symlink("../../br0", path_of("class/net/eth0/brport/bridge")) ||
        symlink("../br0", path_of("class/net/eth1/master")) ||
        symlink("../bond0", path_of("class/net/eth2/master")) ||
        symlink("../team0", path_of("class/net/eth3/master")))
        return -1;
    return 0;
}

static int teardown(void **state)
{
    char command[80];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static void named(const char *ifname, const char *wanted)
{
    char text[NET_MASTER_TEXT] = "";

    assert_int_equal(net_master(ifname, root, text), *wanted != '\0');
    assert_string_equal(text, wanted);
}

static void who_has_it(void **state)
{
    (void)state;
    named("eth0", "is a port of the bridge br0 and hears nothing; name br0");
    named("eth1", "is a port of the bridge br0 and hears nothing; name br0");
    named("eth2",
          "is a slave of the bond bond0 and hears only a part; name bond0");
    named("eth3", "belongs to team0, which gets its frames; name team0");
}

static void nobody_has_it(void **state)
{
    (void)state;
    named("eth4", "");
    named("br0", "");
    named("eth9", "");
    named("../net/eth0", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_it),
        cmocka_unit_test(nobody_has_it),
    };

    return cmocka_run_group_tests_name("net_master", tests, setup, teardown);
}
