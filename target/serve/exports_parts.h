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
enum { ENTRY_WHY = 300 }; /* bytes of text that says what is wrong */

enum entry_state {
    ENTRY_NEW,      /* its storage is not open yet */
    ENTRY_CHECKING, /* does this machine or the network have another? */
    ENTRY_REFUSED,  /* yes */
    ENTRY_FREE,     /* no; about to be served */
    ENTRY_SERVED,
};

/* An export and the disk it became. */
struct entry {
    struct exports *exports;
    struct export_config config;
    struct disk *disk; /* NULL: something else must close first */
    enum entry_state state;
    bool recheck;           /* it was refused; this check is automatic */
    unsigned silent_checks; /* such checks in a row without an answer */
    bool checked;           /* the check in progress asks for it */
    bool resumes; /* the disk it replaces was served on the same interfaces */
    const struct entry *replaces; /* while a reload is being applied */
    struct export *before; /* what the disk it replaces was like, or NULL */
    bool keep_mask;        /* and so should be its mask list */
    bool keep;             /* it is in the latest configuration */
    bool locked; /* its address is, against other targets on this machine */
    /* Bits, by the number of the interface: it was down when it should have
     * been asked for the address; and: another disk there has it. */
    uint32_t unasked, apart;
    bool doubted; /* another program may have it, which was logged */
    bool leaving; /* removed, but still finishing its requests */
    /* It may be missing: a configuration that is in force has it, and it is
     * served once it is there. */
    bool expected;
    bool tried;          /* in vain */
    char why[ENTRY_WHY]; /* it could not be opened the last time; "": it was not
                            tried */
    struct epochs epochs;      /* of its former disk; see exports.gone */
    struct log_limit refusals; /* of what is in place of its device */
    struct list link;          /* in `serving`, `waiting` or `absent` */
};

/* The outcome of the latest reload. */
enum reload_state {
    RELOAD_APPLIED,    /* all of it, as far as known; also: there was none */
    RELOAD_CONNECTING, /* `next` waits for its NBD servers */
    RELOAD_INCOMPLETE, /* not all of its exports could be opened and served */
    RELOAD_FAILED,     /* it changed nothing */
};

struct exports {
    struct exports_options options;
    struct list serving; /* all with a disk, whatever their state */
    struct list waiting; /* until others have left */
    struct list
        absent; /* their storage cannot be opened; see exports_absent.c */
    /* Gone, while clients have a loss to hear of: the next disk with the
     * address tells them. */
    struct list gone;
    struct address_lock addresses;
    struct list waits; /* of exports_wait.link */
    enum reload_state reload;
    bool stepping; /* exports_step is at work */

    struct config next;       /* while RELOAD_CONNECTING */
    struct list dials;        /* of connections to such servers */
    struct loop_task dialled; /* one of them has ended */

    struct loop_timer reopen;     /* when to look for devices that are gone */
    struct loop_timer take_over;  /* when to check refused disks again */
    struct loop_timer retry;      /* when to try absent disks again */
    uint64_t retry_ns;            /* how long to wait for that the next time */
    struct duplicate_check *late; /* of interfaces that came up; or NULL */
    struct duplicate_query *late_queries;
    unsigned late_count;
    struct duplicate_check *check; /* NULL: none is in progress */
    struct duplicate_query *queries;
    unsigned query_count;
};

static inline struct entry *entry_of(struct list *node)
{
    return list_entry(node, struct entry, link);
}

/* It was refused, and may be being checked again. */
static inline bool entry_refused(const struct entry *e)
{
    return e->state == ENTRY_REFUSED ||
           (e->state == ENTRY_CHECKING && e->recheck);
}

/* ---- exports_entry.c ---------------------------------------------------- */

/* Takes over the contents of `c`.  NULL after saying why. */
struct entry *entry_new(struct exports *x, struct export_config *c);
void entry_free(struct entry *e);
/* The only way from one state to another. */
void entry_enter(struct entry *e, enum entry_state to);
/* Its storage is open, and from now on it is in `serving`: ENTRY_FREE, or
 * ENTRY_CHECKING with `check`. */
void entry_join(struct exports *x, struct entry *e, bool check);
/* Opens the storage and makes it a disk of the server's.  0, or -errno after
 * saying what went wrong. */
int entry_open(struct exports *x, struct entry *e);
/* The same for one that is tried again and again: one line says that it is not
 * served and why, and another one only if the reason changes. */
int entry_try(struct exports *x, struct entry *e);
/* Serves the open disk on its interfaces; 0, or -errno after saying why not. */
int entry_serve(struct exports *x, struct entry *e);
/* Logs that it is served. */
void entry_say(const struct entry *e);
/* Forgets an entry that never had a client, and its disk. */
void entry_discard(struct exports *x, struct entry *e);

/* ---- exports_local.c ---------------------------------------------------- */

/* Locks the address for this target.  False: another target of this machine
 * serves it, which is logged unless the check is automatic. */
bool exports_local_claim(struct exports *x, struct entry *e);
/* The same, even if another has it. */
void exports_local_force(struct exports *x, struct entry *e);
/* Whether another program of this machine answers on that interface: then
 * `why`, of ENTRY_WHY bytes, says so. */
bool exports_local_other(struct entry *e, const char *ifname, char *why);
/* Releases it. */
void exports_local_release(struct exports *x, struct entry *e);

/* ---- exports_check.c ---------------------------------------------------- */

/* Queries the network for those in ENTRY_CHECKING and waits for the answers.
 * 0, or -errno after saying what went wrong. */
int exports_check(struct exports *x);
/* Starts the same without waiting, unless one is in progress; `done` is called
 * from the loop, and must call exports_check_end. */
void exports_check_begin(struct exports *x, void (*done)(void *arg));
/* Makes what was checked free or refused. */
void exports_check_end(struct exports *x);
void exports_check_forget(struct exports *x);

/* ---- exports_late.c ----------------------------------------------------- */

/* Asks interfaces that have come up about the disks that are served there but
 * were never asked for. */
void exports_late_init(struct exports *x);
void exports_late_begin(struct exports *x);
/* Has `e`, which is about to be served, wait for that on the interfaces that
 * were not asked. */
void exports_late_hold(struct exports *x, const struct entry *e);
/* Another disk had its address somewhere: looks again. */
void exports_late_again(struct exports *x, struct entry *e);
void exports_late_forget(struct exports *x);

/* ---- exports_take_over.c ------------------------------------------------ */

/* If there are refused disks, `due` is called from the loop when they should be
 * checked again. */
void exports_take_over_arm(struct exports *x, void (*due)(void *arg));
/* Counts such a check when it has ended.  True: the other disk has been silent
 * for long enough, and the interfaces of ours are open. */
bool exports_take_over_count(struct exports *x, struct entry *e);

/* ---- exports_absent.c --------------------------------------------------- */

/* `e` could not be opened, and waits until it is tried again. */
void exports_absent_add(struct exports *x, struct entry *e);
/* If there are any, `due` is called from the loop when they should be tried
 * again: soon at first. */
void exports_absent_arm(struct exports *x, void (*due)(void *arg));
/* Has them all tried by the next step. */
void exports_absent_try(struct exports *x);
/* The one that is waited for under this configuration, or NULL. */
struct entry *exports_absent_find(struct exports *x,
                                  const struct export_config *c);

/* ---- exports_dial.c ----------------------------------------------------- */

/* `dialled` runs in a task of the loop, with `x`, whenever an attempt to
 * connect has ended. */
void exports_dial_init(struct exports *x, void (*dialled)(void *arg));
/* Starts to connect to the export's NBD server, if it has one. */
void exports_dial_begin(struct exports *x, const struct export_config *c);
/* Whether no server has to be waited for (any longer). */
bool exports_dial_over(struct exports *x, const struct export_config *c);
/* The connection, for whoever opens the export; NULL: there is none. */
struct store_nbd_dial *exports_dial_take(struct exports *x,
                                         const struct export_config *c);
/* Ends those that nobody waits for any longer, or all. */
void exports_dial_tidy(struct exports *x);
void exports_dial_forget(struct exports *x);

/* ---- exports_storage.c -------------------------------------------------- */

/* Whether two paths lead to one file. */
bool storage_same(const char *a, const char *b);
/* Whether the descriptor of its storage is dead. */
bool storage_gone(const struct entry *e);
/* Whether what its path leads to now should be opened in place of what is open.
 * If it cannot be opened the answer is no, and logged. */
bool storage_changed(const struct entry *e);
/* Whether a path can be opened, without doing so: 0, or -errno after saying
 * why not. */
int storage_try(const struct export_config *c);

/* ---- exports_reopen.c --------------------------------------------------- */

/* Checks every few seconds whether an unplugged device is back. */
void exports_watch(struct exports *x);

/* ---- exports_ports.c ---------------------------------------------------- */

/* Opens the interfaces of `e`, with buffers for all that the entries in `fresh`
 * and the refused ones need there.  0, or -errno after saying what is wrong. */
int exports_open_ports(struct exports *x, struct list *fresh,
                       const struct entry *e);
/* Closes interfaces that are not used and will not be. */
void exports_close_ports(struct exports *x);

/* ---- exports_step.c ----------------------------------------------------- */

/* Makes every step that is possible now.  To be called when anything awaited
 * has happened: a disk has left, a check or a connection attempt has ended, a
 * reload was applied. */
void exports_step(struct exports *x);
/* Takes a disk out of service; a step follows when it has ended. */
void exports_leave(struct exports *x, struct entry *e);
/* Those that have to be closed before `e` can be opened: the first, or NULL. */
struct entry *exports_in_the_way(struct exports *x, const struct entry *e);
/* A part of the latest reload failed. */
void exports_incomplete(struct exports *x);

/* ---- exports_reload.c --------------------------------------------------- */

/* For exports_dial_init. */
void exports_reload_dialled(void *exports);

#endif
