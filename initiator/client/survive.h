/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How the server of a disk outlives its users: file systems on the disk are
 * unmounted late at shutdown, after everything has been told to end, and what
 * they have not written by then goes through the server.
 */
#ifndef INITIATOR_CLIENT_SURVIVE_H
#define INITIATOR_CLIENT_SURVIVE_H

#include <stdbool.h>
#include <sys/types.h>

/* Server of `disk` ("e1.2"), before it forks others that have to live as long:
 * marks the process, by an '@' before its command line, as one that shutdown
 * spares, and where init scripts keep a list of such (/run/sendsigs.omit.d)
 * enters it there.  With `leave` it also leaves the login session or service
 * whose command it came from, for a scope of systemd's; without, whoever
 * supervises it keeps it.  What is not permitted is left out; what fails is
 * said.  Blocks for some seconds at most. */
void survive(const char *disk, bool leave);

/* Another process, for that list. */
void survive_too(pid_t pid);

/* The disk has no user any more: takes the server off the list. */
void survive_end(void);

#endif
