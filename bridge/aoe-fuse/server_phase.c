/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The phases of a mount's server, see server.h.
 */
#include <assert.h>

#include "bridge/aoe-fuse/server.h"

void mount_server_enter(struct mount_server *s, enum mount_phase next)
{
    static const char *const names[] = {
        [MOUNT_DISCOVERING] = "discovering",
        [MOUNT_SERVING] = "serving",
        [MOUNT_FLUSHING] = "flushing",
    };

    assert(next == MOUNT_DISCOVERING || next == s->phase + 1);
    log_debug("%s: %s", s->options->dir, names[next]);
    s->phase = next;
}
