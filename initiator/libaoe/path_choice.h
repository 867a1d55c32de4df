/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which path the next frame goes by.
 */
#ifndef INITIATOR_LIBAOE_PATH_CHOICE_H
#define INITIATOR_LIBAOE_PATH_CHOICE_H

#include "initiator/libaoe/disk.h"

/* The good path that carries `sectors` in a frame and costs least; with `now`
 * one on which, and at whose target, a frame more is allowed.  NULL: none. */
struct path *disk_best_path(struct aoe_disk *d, unsigned sectors, bool now);

#endif
