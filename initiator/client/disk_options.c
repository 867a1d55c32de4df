/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options of a disk, as text.
 */
#include "initiator/client/disk_options.h"

#include "base/options.h"

enum { WINDOW_MAX = 4096, REPLAY_MAX = 4096 };

const char *disk_seconds(const char *text, uint64_t *ns)
{
    return option_seconds(text, ns) ? "not a number of seconds" : NULL;
}

const char *disk_window(const char *text, struct aoe_disk_options *o)
{
    uint64_t frames;

    if (option_u64(text, 1, WINDOW_MAX, &frames))
        return "not a number from 1 to 4096";
    o->window = (unsigned)frames;
    return NULL;
}

const char *disk_replay(const char *text, struct aoe_disk_options *o)
{
    uint64_t mib;

    if (option_u64(text, 0, REPLAY_MAX, &mib))
        return "not a number from 0 to 4096";
    o->replay = mib << 20;
    return NULL;
}
