/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which interfaces a command uses: those of -i, else AOE_INTERFACES, else none,
 * and the user is told which there are.  Shared by aoe, aoe-nbd and aoe-fuse.
 */
#ifndef INITIATOR_CLIENT_INTERFACES_H
#define INITIATOR_CLIENT_INTERFACES_H

#include "initiator/libaoe/aoe.h"

struct interface_list {
    char *names[AOE_INTERFACE_MAX]; /* owned */
    unsigned count;
    const char *link; /* --link, or NULL */
    bool parameters;  /* they are given as interface=NETIF (nbdkit), not -i */
};

/* Adds one -i argument, which may hold several names separated by commas. 0, or
 * -E2BIG, -EINVAL or -ENOMEM after reporting why on standard error. */
int interfaces_add(struct interface_list *ifs, const char *arg);

/* Opens them; with -v what libaoe does is logged from then on.  On failure a
 * line on standard error says what was tried, what happened and what to do, and
 * the exit status (EXIT_FAILED or EXIT_USAGE) is returned; 0 on success. */
int interfaces_open(struct interface_list *ifs, struct aoe **out);

/* "eth0, eth1", for messages; as much as fits.  Returns `out`. */
enum { INTERFACES_TEXT = 256 };
const char *interfaces_text(char out[INTERFACES_TEXT],
                            const struct interface_list *ifs);

/* Says why the interface `ifname` could not be opened (-errno of aoe_open). */
void interfaces_explain(const char *ifname, int err);

void interfaces_free(struct interface_list *ifs);

#endif
