/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of target/serve/exports*.c share; for them only.  Each calls
 * only those below it: exports, exports_reload, exports_step, then checks,
 * storage, ports and connections.
 */
#ifndef TARGET_SERVE_EXPORTS_PARTS_H
#define TARGET_SERVE_EXPORTS_PARTS_H

#include "base/log.h"
#include "target/serve/address_lock.h"
#include "target/serve/exports.h"

/* The life of an export: entry_enter knows which may follow which. */
enum entry_state {
    ENTRY_NEW,      /* its storage is not open yet */
    ENTRY_CHECKING, /* has this machine or the network one of the address? */
    ENTRY_REFUSED,  /* yes */
    ENTRY_FREE,     /* no; is to be served at once */
    ENTRY_SERVED,
};

/* An export and the disk it became. */
struct entry {
    struct exports *exports;
    struct export_config config;
    struct disk *disk; /* NULL: something is in its way */
    enum entry_state state;
    bool recheck; /* it was refused, and nobody asked for this check */
    unsigned silent_checks; /* such checks in a row that nobody answered */
    bool checked;           /* the check that is under way asks for it */
    bool resumes; /* the disk it replaces was served where it will be */
    const struct entry *replaces; /* while a reload is being applied */
    struct export *before;     /* what the disk it replaces was like, or NULL */
    bool keep_mask;            /* and so should be its mask list */
    bool keep;                 /* it is in the latest configuration */
    bool locked;               /* its address is, for other targets here */
    bool doubted;              /* somebody here may have it, which was said */
    bool leaving;              /* removed, but not done with what it took */
    struct epochs epochs;      /* of the disk that it was; see exports.gone */
    struct log_limit refusals; /* of what is where its device was */
    struct list link;          /* in `serving` or `waiting` */
};

/* What became of the latest reload. */
enum reload_state {
    RELOAD_APPLIED,    /* all of it, as far as is known; also: there was none */
    RELOAD_CONNECTING, /* `next` waits for its NBD servers */
    RELOAD_INCOMPLETE, /* not all of its exports could be opened and served */
    RELOAD_FAILED,     /* it changed nothing */
};

struct exports {
    struct exports_options options;
    struct list serving; /* all that have a disk, whatever their state */
    struct list waiting; /* for those that are leaving */
    /* Gone, with clients that have not heard of a loss: the next disk of the
     * address has to tell them. */
    struct list gone;
    struct address_lock addresses;
    struct list waits; /* of exports_wait.link */
    enum reload_state reload;
    bool stepping; /* exports_step is at work */

    struct config next;       /* while RELOAD_CONNECTING */
    struct list dials;        /* of connections to such servers */
    struct loop_task dialled; /* one of them has come to an end */

    struct loop_timer reopen;    /* when devices that are gone are looked for */
    struct loop_timer take_over; /* when refused disks are checked again */
    struct duplicate_check *check; /* NULL: none is under way */
    struct duplicate_query *queries;
    unsigned query_count;
};

static inline struct entry *entry_of(struct list *node)
{
    return list_entry(node, struct entry, link);
}

/* It was refused, and is perhaps being checked again since. */
static inline bool entry_refused(const struct entry *e)
{
    return e->state == ENTRY_REFUSED ||
           (e->state == ENTRY_CHECKING && e->recheck);
}

/* ---- exports_entry.c ---------------------------------------------------- */

/* Takes over what is in `c`.  NULL after saying why. */
struct entry *entry_new(struct exports *x, struct export_config *c);
void entry_free(struct entry *e);
/* The only way from one state to another. */
void entry_enter(struct entry *e, enum entry_state to);
/* Its storage is open and it belongs to those that are served from now on:
 * ENTRY_FREE, or ENTRY_CHECKING with `check`. */
void entry_join(struct exports *x, struct entry *e, bool check);
/* Opens the storage and makes it a disk of the server's.  0, or -errno after
 * saying what went wrong. */
int entry_open(struct exports *x, struct entry *e);
/* Serves the open disk on its interfaces; 0, or -errno after saying why not. */
int entry_serve(struct exports *x, struct entry *e);
/* One line that it is served. */
void entry_say(const struct entry *e);
/* Forgets an entry that never had a client, and its disk. */
void entry_discard(struct exports *x, struct entry *e);

/* ---- exports_local.c ---------------------------------------------------- */

/* Locks the address for this target.  False: another target of this machine
 * serves it, which is said unless nobody asked for this check. */
bool exports_local_claim(struct exports *x, struct entry *e);
/* The same, whoever else has it. */
void exports_local_force(struct exports *x, struct entry *e);
/* Others may have it. */
void exports_local_release(struct exports *x, struct entry *e);

/* ---- exports_check.c ---------------------------------------------------- */

/* Asks the network for those in ENTRY_CHECKING and waits for the answers.  0,
 * or -errno after saying what went wrong. */
int exports_check(struct exports *x);
/* Begins the same unless it is under way; `done` is called from the loop, and
 * is to call exports_check_end. */
void exports_check_begin(struct exports *x, void (*done)(void *arg));
/* What was asked for is free or refused from now on. */
void exports_check_end(struct exports *x);
void exports_check_forget(struct exports *x);

/* ---- exports_take_over.c ------------------------------------------------ */

/* If there are refused disks, `due` is called in a while from the loop: then
 * they are to be checked again. */
void exports_take_over_arm(struct exports *x, void (*due)(void *arg));
/* Counts such a check, whose answers are there.  True: the other disk has been
 * silent for long enough, and the interfaces of ours are open. */
bool exports_take_over_count(struct exports *x, struct entry *e);

/* ---- exports_dial.c ----------------------------------------------------- */

/* `dialled` runs in a task of the loop, with `x`, whenever a connection has
 * come to an end. */
void exports_dial_init(struct exports *x, void (*dialled)(void *arg));
/* Begins to connect to the server that has the export, if there is one. */
void exports_dial_begin(struct exports *x, const struct export_config *c);
/* Whether there is no server to be waited for (any longer). */
bool exports_dial_over(struct exports *x, const struct export_config *c);
/* The connection, for whoever opens the export; NULL: there is none. */
struct store_nbd_dial *exports_dial_take(struct exports *x,
                                         const struct export_config *c);
/* Ends those that nobody waits for any longer; or all. */
void exports_dial_tidy(struct exports *x);
void exports_dial_forget(struct exports *x);

/* ---- exports_storage.c -------------------------------------------------- */

/* Whether two paths lead to one file. */
bool storage_same(const char *a, const char *b);
/* Whether the descriptor of its storage is dead. */
bool storage_gone(const struct entry *e);
/* Whether what its path leads to now should be opened in place of what is open.
 * What cannot be opened should not, which is said. */
bool storage_changed(const struct entry *e);
/* Whether a path can be opened, without doing so: 0, or -errno after saying
 * why not. */
int storage_try(const struct export_config *c);

/* ---- exports_reopen.c --------------------------------------------------- */

/* Looks every few seconds whether a device that was pulled out is back. */
void exports_watch(struct exports *x);

/* ---- exports_ports.c ---------------------------------------------------- */

/* Opens the interfaces of `e`, with buffers for all that `fresh` and those that
 * are refused need there.  0, or -errno after saying what is wrong. */
int exports_open_ports(struct exports *x, struct list *fresh,
                       const struct entry *e);
/* Closes interfaces that neither are used nor will be. */
void exports_close_ports(struct exports *x);

/* ---- exports_step.c ----------------------------------------------------- */

/* One step further, wherever one can be made.  To be called when anything that
 * is waited for has happened: a disk has left, a check or a connection has come
 * to an end, a reload was applied. */
void exports_step(struct exports *x);
/* Takes a disk out of service; a step follows when it has ended. */
void exports_leave(struct exports *x, struct entry *e);
/* Those that have to be closed before `e` can be opened: the first, or NULL. */
struct entry *exports_in_the_way(struct exports *x, const struct entry *e);
/* Something of the latest reload could not be done. */
void exports_incomplete(struct exports *x);

/* ---- exports_reload.c --------------------------------------------------- */

void exports_reload_init(struct exports *x);

#endif
