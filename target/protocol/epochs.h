/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who must hear that written data is lost (doc/safety.md, "One rule").
 *
 * A write that was answered and is not known to be on the medium belongs to an
 * epoch.  A sync that succeeds settles the epochs before it; one that fails may
 * have lost all that are not settled, and then every client that wrote in one
 * of them hears it once, by its next flush or durable request.  The system
 * tells such a failure once, to whoever asks first; this is where it is kept
 * for the others.
 *
 * Clients are told apart by their network address.  Data only; no I/O.
 */
#ifndef TARGET_PROTOCOL_EPOCHS_H
#define TARGET_PROTOCOL_EPOCHS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/aoe.h"

/* Clients that can have unsettled writes, or an untold loss, at one time.  The
 * writes of others are made durable, so that nothing has to be remembered. */
enum { EPOCHS_CLIENTS = 1024 };

struct epochs_client {
    struct aoe_mac mac;
    unsigned pending; /* writes into the cache that are under way */
    uint64_t wrote;   /* epoch of the newest that was answered; 0: none was */
    bool untold;      /* some of it may be lost, and it has not heard that */
    uint64_t told;    /* requests up to this one asked before it had heard */
};

struct epochs {
    uint64_t now;   /* the epoch of a write that is answered now */
    uint64_t begun; /* the newest that a sync which has begun may settle */
    uint64_t
        settled;     /* up to this one all is on the medium, or known as lost */
    uint64_t newest; /* the newest in which something was written */
    uint64_t asked;  /* number of the newest request that may be told */
    uint64_t losses; /* so often something may have been lost */
    struct epochs_client *clients; /* in no order */
    unsigned count, capacity;
    unsigned last; /* the one that was looked for last */
};

void epochs_init(struct epochs *e);
void epochs_fini(struct epochs *e);
/* Takes over what `from` remembers, which is empty afterwards: the same disk
 * was opened anew. */
void epochs_inherit(struct epochs *e, struct epochs *from);

/* A write of `mac` into the cache begins.  False: it cannot be remembered
 * and must be made durable.  Otherwise epochs_wrote must follow. */
bool epochs_write(struct epochs *e, const struct aoe_mac *mac);
/* It has ended, whatever became of it. */
void epochs_wrote(struct epochs *e, const struct aoe_mac *mac);

/* Whether there is anything for a sync to settle that has not begun yet. */
bool epochs_dirty(const struct epochs *e);
/* A sync begins.  Returns what epochs_settle gets when it has succeeded. */
uint64_t epochs_begin(struct epochs *e);
void epochs_settle(struct epochs *e, uint64_t begun);

/* What is not settled may be lost.  Whether that is anything. */
bool epochs_lose(struct epochs *e);
/* A flush or durable request arrives: what epochs_tell gets at its end. */
uint64_t epochs_ask(struct epochs *e);
/* Whether `mac` has lost something without having heard it when it asked.  It
 * hears it now, by each request that is on its way: nobody knows which of the
 * answers it will look at. */
bool epochs_tell(struct epochs *e, const struct aoe_mac *mac, uint64_t asked);
/* The same, but it may not look at this answer: it has still to be told. */
bool epochs_show(struct epochs *e, const struct aoe_mac *mac, uint64_t asked);
/* Whether anybody has. */
bool epochs_untold(const struct epochs *e);
/* Whether all that was answered is on the medium, and nobody has. */
bool epochs_clean(const struct epochs *e);

#endif
