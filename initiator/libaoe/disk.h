/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The disk engine: requests in, frames out, answers in, completions out.  It
 * has no socket and no clock; the context feeds it.
 *
 *   disk.c     its life: opening, timers, closing
 *   event.c    what becomes of it, told to its user
 *   abort.c    requests that end before their time, or begin anew
 *   silence.c  deadlines
 *   requests.c what a user asks for: checks, completion
 *   transfers.c  order, beginning and ending
 *   scheduler.c  cutting requests into frames and choosing their path
 *   responses.c  what a response means
 *   path_mtu.c   how much a frame of a path carries
 *   search.c   finding the disk
 *   identity.c whether who answers is our disk
 *   paths.c    its paths
 *   path_choice.c  which of them a frame goes by
 *   frames.c   a frame that goes another way, or is over
 *   unaligned.c  requests with partial sectors
 *   restart.c  noticing that the target was started again
 *   loss.c     what was lost: epochs, flushes that fail
 *   replay.c   writing again what it may have lost
 *   writer.c   who has to be told of what cannot be written again
 */
#ifndef INITIATOR_LIBAOE_DISK_H
#define INITIATOR_LIBAOE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "initiator/libaoe/aoe.h"
#include "initiator/libaoe/context.h"
#include "initiator/libaoe/time_wait.h"
#include "initiator/libaoe/path.h"
#include "initiator/libaoe/replay.h"
#include "initiator/libaoe/transfer.h"
#include "initiator/libaoe/writer.h"
#include "wire/aoe.h"
#include "wire/ata.h"

enum disk_state {
    DISK_SEARCHING, /* nothing answered yet */
    DISK_SETTLING,  /* identified; a moment for another disk to object */
    DISK_READY,
    DISK_LOST,     /* silent for too long; fails fast */
    DISK_STALE,    /* another disk answers at the address */
    DISK_CONFLICT, /* before it was ready, two different disks answered */
};

struct aoe_disk {
    struct list link; /* in aoe->disks */
    struct aoe *aoe;
    struct aoe_addr addr;
    char name[AOE_ADDR_TEXT];
    struct aoe_disk_options options;
    aoe_event_fn *event;
    void *event_arg;

    enum disk_state state;
    struct aoe_identity identity;
    bool lba48;           /* else 28-bit commands */
    uint8_t flush_opcode; /* 0: the target has none */
    uint16_t trim_blocks; /* most 512-byte blocks of ranges in a TRIM */
    char trouble[480];

    /* Told of each transfer that has ended, before its user is. */
    void (*ended)(struct aoe_disk *d, struct transfer *t);

    struct list paths;  /* of path.link */
    struct list active; /* of transfer.active */
    struct list queue;  /* of transfer.work */
    struct list writes; /* of transfer.range, in order of submission */
    unsigned blocked;   /* transfers with blockers */
    struct time_wait time_wait;

    uint64_t silent;       /* by aoe_awake: since when requests wait and none
                              was answered */
    uint64_t served;       /* likewise, and none of the user's was */
    uint64_t look_at;      /* by aoe_awake: when to look for a request that was
                              left out; see disk_turn */
    uint64_t heard;        /* when it last answered, by any path */
    uint64_t asked;        /* when the first frame since then left */
    uint64_t watched;      /* when restart.c last saw to it that one did */
    uint64_t changed;      /* number of the newest change that is complete */
    uint64_t flushed;      /* of the newest that a FLUSH covers, or of which
                              the user knows that it may be lost */
    uint32_t restarts;     /* how often that may have been lost */
    struct replay *replay; /* or NULL */
    struct writers writers;

    struct ata_vendor vendor; /* as IDENTIFY said it last */
    bool doubted; /* what is flushed or read counts only after a new page */
    uint64_t believe_at;  /* from when on an announcement is a restart */
    unsigned flush_tries; /* FLUSHes in a row that failed and go again, */
    uint64_t flush_at;    /* and when; 0: at once */
    bool refusing;        /* FLUSH was refused the last time */
    uint64_t settled;     /* the epoch of the latest AOE_DISK_SETTLED */

    uint64_t query_at;  /* when to ask the network again */
    uint64_t query_gap; /* and how long to wait after that */
    uint64_t settle_at; /* SETTLING: when it is ready */
    struct aoe_stats stats;
};

/* ---- disk.c ---- */

/* Timers: time-outs, deadlines, time-wait, queries. */
void disk_tick(struct aoe_disk *d, uint64_t now);
/* When disk_tick has something to do; UINT64_MAX: never. */
uint64_t disk_next(struct aoe_disk *d);

/* ---- event.c ---- */

/* Tells the user. */
void disk_event(struct aoe_disk *d, enum aoe_event event);

/* ---- error.c ---- */

/* The -errno of an AoE error. */
int error_status(uint8_t error);

/* ---- abort.c ---- */

/* Ends every request with `status`. */
void disk_fail_all(struct aoe_disk *d, int status);
/* FLUSHes that wait end with -EIO. */
void disk_fail_flushes(struct aoe_disk *d);
/* Takes the frames of all requests, or of all FLUSHes, off the wire; late
 * copies are in time-wait. */
void disk_drop_frames(struct aoe_disk *d, bool flushes_only);

/* Fails it now: its frames enter time-wait or are freed. */
void transfer_abort(struct transfer *t, int status);
/* What is on the way begins anew under new tags, or only FLUSHes do. */
void disk_again(struct aoe_disk *d, bool flushes_only);

/* ---- silence.c ---- */

/* The user has submitted a request. */
void disk_wanted(struct aoe_disk *d);
/* It is the turn of `t`: a frame of it gets a place in a window. */
void disk_turn(struct aoe_disk *d, struct transfer *t);
/* The disk answers `f`; it has not been looked at what. */
void disk_answered(struct frame *f);
/* The lifetime of a late copy is over: it is still in time-wait. */
void disk_time_wait_ends(struct aoe_disk *d);
/* Loses the disk, or gives requests up, whose time has come. */
void disk_silence_tick(struct aoe_disk *d);
uint64_t disk_silence_next(const struct aoe_disk *d);

/* ---- requests.c ---- */

/* Takes a transfer whose op, range, memory, deadline, start and finish are
 * set.
 * `ordered`: it keeps its place among overlapping changes. */
void transfer_begin(struct aoe_disk *d, struct transfer *t, bool ordered);
/* To be called whenever a frame or a part of it ended. */
void transfer_check(struct transfer *t);
/* A failure at `lba`: the first status stays, the lowest LBA. */
void transfer_fail(struct transfer *t, int status, uint64_t lba);
/* Frees its ranges that were to be cut anew. */
void transfer_drop_gaps(struct transfer *t);
/* A transfer's start: it is ready to be cut into frames. */
void transfer_queue(struct transfer *t);

/* ---- scheduler.c ---- */

/* Queues lost and new frames as far as windows allow. */
void disk_schedule(struct aoe_disk *d);
/* ---- responses.c ---- */

/* Whether what came by `from` may be an answer to `f`: from anybody who shows
 * our disk, but for an IDENTIFY and a probe, which speak only for who was
 * asked.  False: it is not to be looked at, and `f` may be gone. */
bool disk_admits(struct aoe_disk *d, struct path *from, const struct frame *f);
/* An admitted answer to `f`. */
void disk_ata(struct aoe_disk *d, struct path *from, struct frame *f,
              const struct aoe_ata *a);
/* The same with the error flag; `error`: enum aoe_error. */
void disk_error(struct aoe_disk *d, struct path *from, struct frame *f,
                uint8_t error);

/* ---- frames.c ---- */

/* `f` can no longer be sent as it is: its range is cut anew. */
void disk_recut(struct aoe_disk *d, struct frame *f);
/* `f` leaves its path for another that carries as much, under the same tag: any
 * copy's answer will do.  Where there is none, its range is cut anew. */
void disk_hand_over(struct aoe_disk *d, struct frame *f);
/* The ATA registers of a frame whose range is set. */
void disk_registers(const struct aoe_disk *d, struct frame *f, enum aoe_op op);
/* A frame answered or given up: in time-wait while late copies may come, else
 * freed.  It is in no path's list any more. */
void disk_retire(struct aoe_disk *d, struct frame *f);

/* ---- path_choice.c ---- */

/* The good path that carries `sectors` in a frame and costs least; with `room`
 * one on which, and at whose target, a frame more is allowed.  NULL: none. */
struct path *disk_best_path(struct aoe_disk *d, unsigned sectors, bool room);

/* ---- paths.c ---- */

/* The path by `port` to the target at `mac`, or NULL. */
struct path *disk_path(struct aoe_disk *d, struct port *port,
                       const struct aoe_mac *mac);
/* A new one; NULL without memory, or where there are too many. */
struct path *disk_add_path(struct aoe_disk *d, struct port *port,
                           const struct aoe_mac *mac);
/* What the target says it queues, and a command may carry; with what the
 * interface allows that limits the window and the length of frames. */
void path_set_limits(struct path *p, unsigned buffer_count,
                     unsigned sector_count);
/* What is on its way by it goes by another. */
void path_free(struct path *p);
/* How many lead to our disk, as far as is known. */
unsigned disk_good_paths(const struct aoe_disk *d);
/* Asks it to IDENTIFY, if it is not asked already. */
void path_identify(struct path *p);
/* An answer to what was asked before may come from who was there before: it
 * does not count. */
void path_forget_identify(struct path *p);
/* Nothing goes to the disk before it has shown again that it is ours. */
void disk_verify_paths(struct aoe_disk *d);
/* How long the answers to its reads and writes take, ns, by the slowest of the
 * paths that some are on now; 0: none are, or it is not known. */
uint64_t disk_data_rtt(const struct aoe_disk *d);
/* An answer to what is long done; `from`: NULL where it is no path of ours. */
void disk_late(struct aoe_disk *d, struct path *from);

/* ---- identity.c ---- */

/* An IDENTIFY page that came over `p`; NULL: it was refused or never came. */
void disk_identified(struct aoe_disk *d, struct path *p, const uint8_t *page);
/* An answer that no frame waits for: if it is the second one to an IDENTIFY
 * that was sent once, two disks may share this network address, too. */
void disk_stray(struct aoe_disk *d, struct port *port,
                const struct aoe_header *h, const uint8_t *frame, size_t len);

/* ---- search.c ---- */

/* While the disk is not there the network is asked so often. */
#define SEARCH_QUERY_MAX NS_PER_S

/* A Query Config response for this disk's address. */
void disk_config(struct aoe_disk *d, struct port *port,
                 const struct aoe_header *h, const struct aoe_config *c);
void disk_search_tick(struct aoe_disk *d, uint64_t now);
/* The interface's MTU or state changed. */
void disk_port_changed(struct aoe_disk *d, struct port *port);

/* ---- unaligned.c ---- */

/* Begins a request with partial sectors.  0 or -ENOMEM. */
int unaligned_begin(struct transfer *whole, const struct aoe_request *r);
/* The range is free of earlier changes: go. */
void unaligned_start(struct transfer *whole);
/* The whole fails with `status`; true if parts are still on their way and
 * will end it. */
bool unaligned_abort(struct transfer *whole, int status);
void unaligned_free(struct unaligned *u);

/* ---- restart.c ---- */

/* A frame left by `p`. */
void disk_asked(struct aoe_disk *d, const struct path *p, uint64_t now);
/* The disk answered.  True: after such a silence that everything on its way
 * begins anew, and the answer counts for nothing. */
bool disk_heard(struct aoe_disk *d);
/* The target may have been restarted.  True: as above. */
bool disk_restarted(struct aoe_disk *d);
/* A page of our disk has come: the vendor words in it. */
void disk_vendor(struct aoe_disk *d, const struct ata_vendor *v);
/* It announced itself, or somebody did. */
void disk_announced(struct aoe_disk *d);
/* Asks now and then, while silence matters. */
void disk_watch(struct aoe_disk *d, uint64_t now);
uint64_t disk_watch_next(const struct aoe_disk *d);

/* ---- loss.c ---- */

/* Nothing counts before a new page has come. */
void disk_doubt(struct aoe_disk *d);
/* What was answered and not flushed is lost, or may be.  With a log it is
 * written again, at once or before the next FLUSH. */
void disk_lost_writes(struct aoe_disk *d, enum aoe_event cause, bool at_once);

enum flush_failure {
    FLUSH_MOVED,   /* the loss epoch is another one */
    FLUSH_BROKEN,  /* the disk failed */
    FLUSH_REFUSED, /* though IDENTIFY shows the command */
};
/* A FLUSH has failed: whether it is tried again; */
bool disk_flush_again(struct aoe_disk *d, enum flush_failure how);
/* and then what follows from that, once its frame is gone. */
void disk_flush_failed(struct aoe_disk *d, enum flush_failure how, bool again);
/* No FLUSH may leave now. */
bool disk_flush_waits(const struct aoe_disk *d);
/* `t` has ended: counts changes and what flushes cover. */
void disk_ended(struct aoe_disk *d, struct transfer *t);

#endif
