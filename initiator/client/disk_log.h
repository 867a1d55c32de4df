/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the user is told about a disk while a program searches for it and uses
 * it.
 */
#ifndef INITIATOR_CLIENT_DISK_LOG_H
#define INITIATOR_CLIENT_DISK_LOG_H

#include <stdint.h>

#include "base/log.h"
#include "initiator/libaoe/aoe.h"
#include "initiator/client/interfaces.h"

/* Logs a line for an event, except for AOE_DISK_READY.  Anyone on the wire can
 * cause events, so `limit`, one per disk, suppresses most of a flood.
 * `resized` says what a new size means to the program's users. */
void disk_log_event(struct log_limit *limit, uint64_t now_ns,
                    const struct aoe_disk *disk, enum aoe_event event,
                    const char *resized);

/* Nothing answered for `name` within `wait` ns.  `trying` is what the user
 * asked for, "mount". */
void disk_log_no_answer(const char *trying, const char *name,
                        const struct interface_list *ifs, uint64_t wait);

#endif
