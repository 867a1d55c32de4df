/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the backends share: setting up a link on a real interface, the age of
 * frames, and what a send error means for the frames that are left.
 */
#include "wire/link_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "wire/netif.h"

enum { MTU_ASSUMED = 1500 }; /* of an interface that is not there yet */

int link_new(struct link **out, size_t size, const struct link_ops *ops,
             const char *ifname, const struct link_options *o, struct netif *n)
{
    struct link *l;
    int e = netif_read(ifname, n);

    if (e == 0 && !n->ethernet)
        e = -ENOTSUP;
    if (o->absent && (e == -ENODEV || e == -ENOTSUP)) {
        *n = (struct netif){.mtu = MTU_ASSUMED};
        e = 0;
    }
    if (e)
        return e;
    l = calloc(1, size);
    if (!l)
        return -ENOMEM;
    e = link_init(l, ops, ifname, link_capacity(n->mtu), o);
    if (e) {
        free(l);
        return e;
    }
    l->mtu = n->mtu;
    l->mac = n->mac;
    l->up = n->up;
    *out = l;
    return 0;
}

int link_look(struct link *l, int index, struct netif *n, int *changed)
{
    char name[LINK_NAME_MAX];

    if (netif_name(index, name))
        strcpy(name, l->ifname);
    if (strcmp(name, l->name_now) != 0)
        *changed |= LINK_CHANGED_NAME;
    strcpy(l->name_now, name);
    return netif_read(name, n);
}

void link_ages(struct link_frame **frames, int count)
{
    struct timespec ts;
    uint64_t now;

    if (count <= 0)
        return;
    clock_gettime(CLOCK_REALTIME, &ts);
    now = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
    for (int i = 0; i < count; i++) {
        uint64_t stamp = frames[i]->age_ns;

        /* The clock may have been set back since. */
        frames[i]->age_ns = stamp && stamp < now ? now - stamp : 0;
    }
}

bool link_error_down(int error)
{
    return error == ENETDOWN || error == ENXIO || error == ENODEV;
}

bool link_refused(struct link *l, int error, int *taken, int count)
{
    if (error == EINTR)
        return true;
    if (error == EAGAIN)
        return false;
    if (link_error_down(error)) {
        l->tx_errors += (unsigned)(count - *taken);
        *taken = count;
        l->up = false;
        return false;
    }
    /* The interface's own queue is full.  Drop at most one frame, and only
     * when the call achieved nothing else (see link_send). */
    if (error == ENOBUFS && *taken > 0)
        return false;
    l->tx_errors++;
    (*taken)++;
    return error != ENOBUFS;
}
