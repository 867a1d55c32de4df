/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which path the next frame goes by: of those with a free place in their window
 * the one that will have answered it first.
 */
#include "initiator/libaoe/path_choice.h"

/* Whether a target has as many frames as it has buffers, by whatever local
 * interfaces they come. */
static bool target_full(const struct aoe_disk *d, const struct path *p)
{
    unsigned n = 0;

    list_each(node, &d->paths) {
        const struct path *q = list_entry(node, struct path, link);

        if (q == p || aoe_mac_equal(&q->mac, &p->mac))
            n += q->in_flight;
    }
    return n >= p->limit;
}

struct path *disk_best_path(struct aoe_disk *d, unsigned sectors, bool now)
{
    struct path *best = NULL;

    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (p->state != PATH_GOOD || p->sectors < sectors ||
            (now && (!path_window_open(p) || target_full(d, p))))
            continue;
        if (!best || path_cost(p) < path_cost(best))
            best = p;
    }
    return best;
}
