/* SPDX-License-Identifier: BSD-2-Clause
 *
 * /proc/net/packet has a line for each raw socket: protocol, interface, inode.
 * The socket's owner has a link to that inode among its descriptors.
 */
#include "target/serve/neighbour.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SOCKETS_MAX = 64 };

struct search {
    unsigned long inodes[SOCKETS_MAX];
    unsigned count;
    struct aoe_addr addr;
    enum neighbour how;
    struct process *found;
};

/* "sk RefCnt Type Proto Iface R Rmem User Inode"; interface 0 is all. */
static void add_socket(struct search *s, const char *line, unsigned index)
{
    unsigned protocol, of;
    unsigned long inode;

    if (sscanf(line, "%*s %*s %*s %x %u %*s %*s %*s %lu", &protocol, &of,
               &inode) == 3 &&
        protocol == AOE_ETHERTYPE && (of == index || of == 0) && inode &&
        s->count < SOCKETS_MAX)
        s->inodes[s->count++] = inode;
}

static void find_sockets(struct search *s, const char *ifname)
{
    unsigned index = if_nametoindex(ifname);
    FILE *file = index ? fopen("/proc/net/packet", "re") : NULL;
    char line[256];

    while (file && fgets(line, sizeof line, file))
        add_socket(s, line, index);
    if (file)
        fclose(file);
}

static bool one_of_them(const struct search *s, const char *path)
{
    char name[64];
    ssize_t n = readlink(path, name, sizeof name - 1);
    unsigned long inode;

    if (n < 0)
        return false;
    name[n] = '\0';
    if (sscanf(name, "socket:[%lu]", &inode) != 1)
        return false;
    for (unsigned i = 0; i < s->count; i++)
        if (s->inodes[i] == inode)
            return true;
    return false;
}

static enum neighbour judge(const struct search *s, const struct process *p)
{
    if (p->kind == PROCESS_OTHER)
        return NEIGHBOUR_NONE;
    if (p->told)
        return aoe_addr_equal(p->addr, s->addr) ? NEIGHBOUR_SAME
                                                : NEIGHBOUR_NONE;
    /* Our own targets are known by their locks. */
    return p->kind == PROCESS_AOE_TARGET ? NEIGHBOUR_NONE : NEIGHBOUR_DOUBTFUL;
}

static bool look(void *arg, pid_t pid, const char *path)
{
    struct search *s = arg;
    struct process p;
    enum neighbour how;

    if (!one_of_them(s, path) || !process_read(&p, pid))
        return false;
    how = judge(s, &p);
    if (how > s->how) {
        s->how = how;
        *s->found = p;
    }
    return s->how == NEIGHBOUR_SAME;
}

enum neighbour neighbour_find(const char *ifname, struct aoe_addr addr,
                              struct process *found)
{
    struct search s = {.addr = addr, .found = found};

    find_sockets(&s, ifname);
    if (s.count > 0)
        process_each_file(look, &s);
    return s.how;
}
