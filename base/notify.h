/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tells the service manager the state of a daemon (sd_notify(3), "Standalone
 * Implementations": a datagram to the socket that $NOTIFY_SOCKET names).
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

/* Sends lines like "READY=1" if a service manager asked for them.  Errors are
 * ignored: a daemon could do nothing about them. */
void notify_manager(const char *state);

#endif
