/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Links in /sys/class/net: NAME/brport/bridge of a bridge's port, since 2.6.6;
 * NAME/master of a bond's slave, since 2.6.14, and of others, since 3.9.
 */
#include "base/net_master.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 256 };

/* The last part of what a link leads to. */
static bool read_link(const char *root, const char *ifname, const char *link,
                      char name[IF_NAMESIZE])
{
    char path[PATH_SIZE], to[PATH_SIZE];
    const char *last;
    ssize_t n;

    snprintf(path, sizeof path, "%s/class/net/%s/%s", root, ifname, link);
    n = readlink(path, to, sizeof to - 1);
    if (n <= 0)
        return false;
    to[n] = '\0';
    last = strrchr(to, '/');
    last = last ? last + 1 : to;
    if (strlen(last) >= IF_NAMESIZE)
        return false;
    strcpy(name, last);
    return true;
}

static bool has(const char *root, const char *ifname, const char *entry)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof path, "%s/class/net/%s/%s", root, ifname, entry);
    return access(path, F_OK) == 0;
}

/* A sysfs that was mounted in another network name space is about other
 * interfaces. */
static bool is_ours(const char *root, const char *ifname)
{
    char path[PATH_SIZE];
    unsigned index = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/class/net/%s/ifindex", root, ifname);
    f = fopen(path, "re");
    if (f && fscanf(f, "%u", &index) != 1)
        index = 0;
    if (f)
        fclose(f);
    return index > 0 && index == if_nametoindex(ifname);
}

bool net_master(const char *ifname, const char *root, char out[NET_MASTER_TEXT])
{
    char name[IF_NAMESIZE];
    bool bridge;

    if (strchr(ifname, '/') || (!root && !is_ours("/sys", ifname)))
        return false;
    if (!root)
        root = "/sys";
    bridge = read_link(root, ifname, "brport/bridge", name);
    if (!bridge && !read_link(root, ifname, "master", name))
        return false;
    if (bridge || has(root, name, "bridge"))
        snprintf(out, NET_MASTER_TEXT,
                 "is a port of the bridge %s and hears nothing; name %s", name,
                 name);
    else if (has(root, name, "bonding"))
        snprintf(out, NET_MASTER_TEXT,
                 "is a slave of the bond %s and hears only a part; name %s",
                 name, name);
    else
        snprintf(out, NET_MASTER_TEXT,
                 "belongs to %s, which gets its frames; name %s", name, name);
    return true;
}
