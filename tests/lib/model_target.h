/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A target for the initiator's tests: an in-memory disk on a wire, with a
 * target's faults on demand.  And a world: one initiator, some such targets,
 * and a clock that jumps from event to event.
 */
#ifndef TESTS_LIB_MODEL_TARGET_H
#define TESTS_LIB_MODEL_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "initiator/libaoe/aoe.h"
#include "initiator/libaoe/context.h"
#include "tests/lib/link_pair.h"
#include "base/clock.h"
#include "wire/aoe.h"
#include "wire/ata.h"

enum { MODEL_HELD = 64 };

struct model {
    struct link *link;
    struct aoe_addr addr;
    struct ata_identity identity;
    uint8_t *disk;
    uint8_t *medium; /* what was flushed */
    uint16_t buffer_count;
    uint8_t sector_count;

    bool silent;       /* answers nothing */
    bool hold;         /* keeps ATA data requests instead of executing them */
    unsigned mute;     /* executes this many data requests without answering */
    uint64_t stuck;    /* an LBA; data requests for it never end; 0: none */
    bool short_reads;  /* leaves the last byte out */
    bool no_flush_ext; /* aborts it */
    bool no_flush;     /* aborts FLUSH CACHE too */
    unsigned bad_flushes;     /* how many fail, and lose what is not flushed */
    uint8_t aoe_error;        /* answers data requests with this error */
    unsigned most;            /* sectors: aborts longer requests; 0: no limit */
    const char *other_serial; /* a second disk at its address, with this serial
                                 number */
    bool gone;                /* reads and writes get device faults */
    uint64_t bad_lba; /* reads and writes that touch it fail; UINT64_MAX */

    unsigned queries, identifies, reads, writes, flushes, trims;
    uint32_t last_tag;
    unsigned held;
    struct {
        uint8_t frame[9100];
        uint32_t len;
    } kept[MODEL_HELD];
};

struct world {
    struct wire *wire;
    uint64_t now;
    struct link *client;
    struct aoe *aoe;
    struct model *models[4];
    unsigned model_count;
};

/* A client with address 02:..:01 and this MTU. */
void world_open(struct world *w, uint64_t seed, unsigned mtu);
void world_close(struct world *w);

/* Adds e1.2 with `sectors` of memory at 02:..:(10 + number). */
struct model *world_add(struct world *w, uint64_t sectors, unsigned mtu,
                        const char *serial);

/* Answers everything that a model held back, oldest first. */
void model_release(struct model *m);
/* Broadcasts its Query Config response with tag 0. */
void model_announce(struct model *m);
/* From now on its IDENTIFY has vendor words. */
void model_speak(struct model *m);
/* Its disk has lost what was not flushed; with vendor words another epoch says
 * so. */
void model_lose(struct model *m);

/* Everything but the client does what is due by w->now. */
void world_act(struct world *w);
/* Runs the world until *done is set or `ns` have passed. */
void world_run(struct world *w, uint64_t ns, const bool *done);

#endif
