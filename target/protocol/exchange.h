/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One request and its reply, and what every reply has in common (AoEr11 section
 * 2).  The commands of the responder are built on this.
 *
 * One buffer carries the request, the data and the reply: data is read to, and
 * written from, the bytes behind the ATA header.
 */
#ifndef TARGET_PROTOCOL_EXCHANGE_H
#define TARGET_PROTOCOL_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rarely.h"
#include "target/protocol/export.h"
#include "target/protocol/operation.h"
#include "wire/aoe.h"

enum responder_verdict {
    RESPONDER_DROP,  /* nothing to answer */
    RESPONDER_REPLY, /* reply_len bytes of the frame are the reply */
    RESPONDER_STORE, /* run `op`, then call responder_complete */
};

struct exchange {
    /* Set by the caller, who keeps all of it until the exchange is over. */
    uint8_t *frame;
    uint32_t len;              /* bytes received */
    uint32_t capacity;         /* bytes of the buffer, >= AOE_FRAME_MIN */
    const struct aoe_mac *mac; /* of the interface that answers */
    unsigned mtu;              /* of the same */
    bool mtu_fell;             /* it was larger a moment ago */
    struct export *export;

    /* Set by the responder. */
    bool sets; /* asks for a change of config string, mask list, reservation */
    uint32_t reply_len;

    /* Not cleared by exchange_begin: each is set as a whole before it is
     * read. */
    struct aoe_header header;      /* parsed by responder_accept */
    struct aoe_ata ata;            /* registers; `data` until completion */
    uint64_t span_start, span_end; /* bytes that all operations touch */
    uint64_t flush_epoch;          /* a flush is for this only; 0: for any */
    unsigned next_range;           /* private: of DATA SET MANAGEMENT */
    enum export_counter dropped;   /* why there is no reply */
    struct store_op op;            /* but for `complete` */
};

/* An exchange about a frame of `len` bytes in a buffer of `capacity`. */
static inline void exchange_begin(struct exchange *x, uint8_t *frame,
                                  uint32_t len, uint32_t capacity)
{
    x->frame = frame;
    x->len = len;
    x->capacity = capacity;
    x->export = NULL;
    x->sets = false;
    x->reply_len = 0;
}

/* There is no reply, and this is counted as the reason. */
enum responder_verdict exchange_drop(struct exchange *x,
                                     enum export_counter why);

/* ---- for the commands of the responder only ---- */

/* A request to more than one disk, or to more than one machine. */
bool exchange_wide(const struct exchange *x);

/* The most bytes that a reply may have on this interface. */
size_t exchange_limit(const struct exchange *x);

/* Sectors that a command may carry on this interface, 1 to 255. */
unsigned exchange_sectors(const struct exchange *x);

/* Makes the request's AoE header the response's; `error` 0 is none. */
void exchange_header(struct exchange *x, enum aoe_error error);

/* The reply has `len` bytes; pads it. */
enum responder_verdict exchange_reply(struct exchange *x, size_t len);

/* Replies with an AoE error and nothing else, or not at all where many disks
 * would. */
enum responder_verdict exchange_error(struct exchange *x,
                                      enum aoe_error error) RARELY;

/* Refuses a change to somebody who may not make it. */
enum responder_verdict exchange_refuse(struct exchange *x);

#endif
