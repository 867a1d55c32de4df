/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Network interfaces that belong to another one: a port of a bridge, a slave of
 * a bond.  Their frames go to that one, and a socket on them hears nothing (of
 * a bond: or only what happens to come by this cable).
 */
#ifndef BASE_NET_MASTER_H
#define BASE_NET_MASTER_H

#include <stdbool.h>

enum { NET_MASTER_TEXT = 200 };

/* Writes what is wrong with the use of `ifname` and what to name instead: "is a
 * port of the bridge br0 and hears nothing; name br0".  False: nothing is, or
 * the system does not tell (only Linux does).  `root` is where sysfs is; NULL:
 * /sys. */
bool net_master(const char *ifname, const char *root,
                char out[NET_MASTER_TEXT]);

#endif
