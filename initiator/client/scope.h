/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A scope of systemd's: for a process that belongs to no login session and to
 * no service.
 */
#ifndef INITIATOR_CLIENT_SCOPE_H
#define INITIATOR_CLIENT_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

/* Moves the calling process into a new scope of the system manager.  At
 * shutdown it is stopped after sessions and network mounts, and before the
 * network itself.  Existing children stay where they are.  `unit` is the
 * scope's name without ".scope", `about` one line for people.
 *
 * Blocks until it is done, at most some seconds.  0; -ENOSYS: systemd does not
 * run here; -EPERM: not permitted; or another -errno.  `why` then is the
 * manager's reason, if it gave one. */
int scope_enter(const char *unit, const char *about, char *why,
                size_t capacity);

/* Whether systemd is about to switch the system off, or to restart it.  Blocks
 * for some seconds at most; false when it does not say. */
bool scope_system_stopping(void);

#endif
