/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Watches for changes of network interfaces.  Linux only (rtnetlink(7));
 * elsewhere, and in a sandbox without netlink, opening fails and the caller
 * checks from time to time, which it should do in any case: the system drops
 * messages when its queue overflows.
 */
#ifndef WIRE_NETWATCH_H
#define WIRE_NETWATCH_H

#include "base/loop.h"

struct netwatch;

/* Calls `changed` after interfaces appeared, vanished, or changed in any way;
 * several changes at once may bring one call.  0, -ENOTSUP or -errno. */
int netwatch_open(struct netwatch **out, struct loop *loop,
                  void (*changed)(void *arg), void *arg);
void netwatch_close(struct netwatch *w);

#endif
