/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Telling the service manager how far a daemon is (sd_notify(3), "Standalone
 * Implementations": a datagram to the socket that $NOTIFY_SOCKET names).
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

/* Sends lines like "READY=1" if a service manager asked for them.  Whether they
 * arrive is its affair: there is nothing a daemon could do about it. */
void notify_manager(const char *state);

#endif
