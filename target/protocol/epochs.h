/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which clients must be told that data they wrote is lost (doc/safety.md, "A
 * client whose writes are lost is told, once").
 *
 * The operating system reports a failed write-back once, to whichever sync asks
 * first.  The others would never know; here it is kept for them.  A write that
 * was answered and is not known to be on the medium belongs to an epoch.  A
 * sync that succeeds settles the epochs before it.  One that fails may have
 * lost every epoch that is not settled, and each client that wrote in one of
 * those is told once, by its next flush or durable request.
 *
 * A client is a network address.  Data only; no I/O.
 */
#ifndef TARGET_PROTOCOL_EPOCHS_H
#define TARGET_PROTOCOL_EPOCHS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/aoe.h"

/* Clients that can have unsettled writes, or a loss they have not been told of,
 * at one time.  Writes of further clients are made durable at once, so that
 * nothing has to be remembered. */
enum { EPOCHS_CLIENTS = 1024 };

struct epochs_client {
    struct aoe_mac mac;
    unsigned pending; /* writes into the cache that are under way */
    uint64_t wrote;   /* epoch of the newest that was answered; 0: none was */
    bool untold;      /* some of it may be lost, and it has not been told */
    uint64_t told;    /* requests up to this number were sent before it was */
};

struct epochs {
    uint64_t now;   /* the epoch of a write that is answered now */
    uint64_t begun; /* the newest that a running sync may settle; < now */
    /* Up to this one everything is on the medium, or known to be lost; <=
     * begun. */
    uint64_t settled;
    uint64_t newest; /* the newest in which something was written */
    uint64_t asked;  /* number of the newest flush or durable request */
    uint64_t losses; /* how often something may have been lost */
    struct epochs_client *clients; /* in no order */
    unsigned count, capacity;
    unsigned last; /* index of the one that was found last */
};

void epochs_init(struct epochs *e);
void epochs_fini(struct epochs *e);
/* Takes over what `from` remembers, and leaves that empty: the same disk was
 * reopened. */
void epochs_inherit(struct epochs *e, struct epochs *from);

/* A cached write of `mac` begins.  False: it cannot be remembered
 * and must be made durable.  Otherwise epochs_wrote must follow. */
bool epochs_write(struct epochs *e, const struct aoe_mac *mac);
/* That write has ended, well or not. */
void epochs_wrote(struct epochs *e, const struct aoe_mac *mac);

/* Whether something was written that no sync so far can settle. */
bool epochs_dirty(const struct epochs *e);
/* A sync begins.  Its success is reported by epochs_settle with what this
 * returns. */
uint64_t epochs_begin(struct epochs *e);
void epochs_settle(struct epochs *e, uint64_t begun);

/* Everything that is not settled may be lost.  Returns whether there was any.
 */
bool epochs_lose(struct epochs *e);
/* A flush or durable request arrives.  Returns its number, for epochs_tell. */
uint64_t epochs_ask(struct epochs *e);
/* Whether the reply to request `asked` must tell `mac` of a loss.  It counts as
 * told from now on, and each request already on its way tells it, too: nobody
 * knows which of the replies its sender will look at. */
bool epochs_tell(struct epochs *e, const struct aoe_mac *mac, uint64_t asked);
/* The same for a reply that its client may ignore: it remains to be told. */
bool epochs_show(struct epochs *e, const struct aoe_mac *mac, uint64_t asked);
/* Whether any client remains to be told. */
bool epochs_untold(const struct epochs *e);
/* Whether everything that was answered is on the medium and everybody told. */
bool epochs_clean(const struct epochs *e);

#endif
