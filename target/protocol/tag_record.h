/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which clients give each write a tag of its own.  AoE asks only that a tag is
 * unique among the requests in flight, so a client may use few of them, in
 * turn; Linux, BSD and libaoe count through 2^15 and more.
 *
 * A client has proved it once it has sent TAG_RECORD_PROOF writes of which none
 * had the tag of one that the reply cache still remembered.  One that takes
 * turns with few tags never does: the cache would have held the earlier one.
 */
#ifndef TARGET_PROTOCOL_TAG_RECORD_H
#define TARGET_PROTOCOL_TAG_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/aoe.h"

/* Eight times what the reply cache remembers: that an entry survives so many
 * writes in a set of four happens once in 10^10 times. */
enum { TAG_RECORD_PROOF = 4096, TAG_RECORD_CLIENTS = 8 };

/* Zeroed before its first use.  The client that has not written for longest is
 * forgotten when another needs its place, and must prove it again. */
struct tag_record {
    struct {
        struct aoe_mac client;
        uint16_t unique;           /* writes since one reused a tag */
    } clients[TAG_RECORD_CLIENTS]; /* the last one that wrote first */
};

bool tag_record_proved(const struct tag_record *t,
                       const struct aoe_mac *client);
/* The client has sent a write.  `reused`: with the tag of a remembered one that
 * this is no copy of. */
void tag_record_write(struct tag_record *t, const struct aoe_mac *client,
                      bool reused);

#endif
