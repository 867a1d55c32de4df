/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libaoe inside base/loop: what a bridge's main sets up once, so that disks and
 * clients share one loop, and everything submitted in a turn is sent at its
 * end.
 */
#ifndef INITIATOR_CLIENT_AOE_LOOP_H
#define INITIATOR_CLIENT_AOE_LOOP_H

#include "base/loop.h"
#include "initiator/libaoe/aoe.h"

struct aoe_loop {
    struct loop *loop;
    struct aoe *aoe;
    struct loop_fd watches[AOE_INTERFACE_MAX];
    struct loop_timer timer;
    struct loop_task task;
    int watch_count;
    bool readable; /* a descriptor was ready in this turn */
    bool busy;     /* libaoe is being serviced */
};

/* Attaches; `al` must not move until aoe_loop_detach.  0 or -errno. */
int aoe_loop_attach(struct aoe_loop *al, struct loop *loop, struct aoe *aoe);
void aoe_loop_detach(struct aoe_loop *al);

/* To be called after aoe_submit or any other call that may have work for the
 * wire: services libaoe once at the end of this turn. */
void aoe_loop_kick(struct aoe_loop *al);

#endif
