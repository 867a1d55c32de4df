/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How the server of a disk outlives its users: file systems on the disk are
 * unmounted late at shutdown, after all processes were told to end, and what
 * they have not written by then goes through the server.
 */
#ifndef INITIATOR_CLIENT_SURVIVE_H
#define INITIATOR_CLIENT_SURVIVE_H

#include <stdbool.h>
#include <sys/types.h>

/* For the server of `disk` ("e1.2"), before it forks others that have to live
 * as long.  Marks the process, by an '@' before its command line, as one that
 * shutdown spares, and adds it to the init scripts' list of such processes
 * (/run/sendsigs.omit.d), if there is one.  With `leave` it also moves from the
 * login session or service that started it to a scope of systemd's; without, it
 * stays with its supervisor.  What is not permitted is skipped; failures are
 * logged.  Blocks for some seconds at most. */
void survive(const char *disk, bool leave);

/* Adds another process to that list. */
void survive_too(pid_t pid);

/* The disk has no users any more: takes the server off the list. */
void survive_end(void);

#endif
