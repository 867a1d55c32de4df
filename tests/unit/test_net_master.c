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

#include "base/net_master.h"
#include "tests/lib/sysfs.h"

static int setup(void **state)
{
    (void)state;
    if (sysfs_open())
        return -1;
    sysfs_link("class/net/eth0/brport/bridge", "../../br0");
    sysfs_link("class/net/eth1/master", "../br0");
    sysfs_link("class/net/eth2/master", "../bond0");
    sysfs_link("class/net/eth3/master", "../team0");
    sysfs_directory("class/net/br0/bridge");
    sysfs_directory("class/net/bond0/bonding");
    sysfs_directory("class/net/team0");
    sysfs_directory("class/net/eth4");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sysfs_close();
}

static void named(const char *ifname, const char *wanted)
{
    char text[NET_MASTER_TEXT] = "";

    assert_int_equal(net_master(ifname, sysfs_root, text), *wanted != '\0');
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
