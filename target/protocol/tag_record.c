/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A few clients, the last one first; there is usually one.
 */
#include "target/protocol/tag_record.h"

static unsigned find(const struct tag_record *t, const struct aoe_mac *client)
{
    unsigned i = 0;

    while (i < TAG_RECORD_CLIENTS &&
           !aoe_mac_equal(&t->clients[i].client, client))
        i++;
    return i;
}

bool tag_record_proved(const struct tag_record *t, const struct aoe_mac *client)
{
    unsigned i = find(t, client);

    return i < TAG_RECORD_CLIENTS && t->clients[i].unique >= TAG_RECORD_PROOF;
}

static void to_front(struct tag_record *t, const struct aoe_mac *client)
{
    unsigned i = find(t, client);
    uint16_t unique = i < TAG_RECORD_CLIENTS ? t->clients[i].unique : 0;

    if (i == 0)
        return;
    if (i == TAG_RECORD_CLIENTS)
        i--;
    for (; i > 0; i--)
        t->clients[i] = t->clients[i - 1];
    t->clients[0].client = *client;
    t->clients[0].unique = unique;
}

void tag_record_write(struct tag_record *t, const struct aoe_mac *client,
                      bool reused)
{
    uint16_t *unique = &t->clients[0].unique;

    to_front(t, client);
    if (reused)
        *unique = 0;
    else if (*unique < TAG_RECORD_PROOF)
        ++*unique;
}
