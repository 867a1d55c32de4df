/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of target/exports*.c share; for them only.
 */
#ifndef TARGET_SERVE_EXPORTS_PARTS_H
#define TARGET_SERVE_EXPORTS_PARTS_H

#include "base/log.h"
#include "target/serve/address_lock.h"
#include "target/serve/exports.h"

enum entry_state {
    ENTRY_ASKING,  /* have this machine or the network one of the address? */
    ENTRY_REFUSED, /* yes */
    ENTRY_FREE,    /* no; is to be served at once */
    ENTRY_SERVED,
};

/* An export and the disk it became. */
struct entry {
    struct exports *exports;
    struct export_config config;
    struct disk *disk; /* NULL: something is in its way */
    enum entry_state state;
    bool again;      /* it was refused, and nobody asked for another look */
    unsigned silent; /* such looks in a row that nobody answered */
    bool asked;      /* the look that is under way asks for it */
    bool resumes;    /* the disk it replaces was served where it will be */
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

struct exports {
    struct exports_options options;
    struct list serving; /* all that have a disk, whatever their state */
    struct list waiting; /* for those that are leaving */
    /* Gone, with clients that have not heard of a loss: the next disk of the
     * address has to tell them. */
    struct list gone;
    struct address_lock addresses;
    struct list waits; /* of exports_wait.link */
    bool incomplete;   /* the last reload's exports could not all be opened */
    bool failed;       /* the last reload changed nothing */

    /* The latest reload, until the servers in it have answered. */
    bool dialling;
    struct config next;
    struct list dials;        /* of connections to such servers */
    struct loop_task dialled; /* one of them has come to an end */

    struct loop_timer back;  /* when devices that are gone are looked for */
    struct loop_timer again; /* when refused disks are looked for again */
    struct second *look;     /* NULL: none is under way */
    struct second_question *questions;
    unsigned question_count;
};

static inline struct entry *entry_of(struct list *node)
{
    return list_entry(node, struct entry, link);
}

/* Takes over what is in `c`.  NULL after saying why. */
struct entry *entry_new(struct exports *x, struct export_config *c);
void entry_free(struct entry *e);

/* Opens the storage and makes it a disk of the server's.  0, or -errno after
 * saying what went wrong. */
int entry_open(struct exports *x, struct entry *e);
/* Serves the open disk on its interfaces; 0, or -errno after saying why not. */
int entry_serve(struct exports *x, struct entry *e);
/* One line that it is served. */
void entry_say(const struct entry *e);

/* Whether no other target of this machine serves its address; keeps others from
 * it then.  Says who does otherwise, unless it was asked for again. */
bool exports_here_free(struct exports *x, struct entry *e);
/* Keeps others from the address, whoever else has it. */
void exports_here_take(struct exports *x, struct entry *e);
/* Others may have it. */
void exports_here_release(struct exports *x, struct entry *e);

/* Asks the network for those that are to be asked for and waits for the
 * answers.  0, or -errno after saying what went wrong. */
int exports_look(struct exports *x);
/* Begins the same unless it is under way; `done` is called from the loop, and
 * is to call exports_look_end. */
void exports_look_begin(struct exports *x, void (*done)(void *arg));
/* What was asked for is free or refused from now on. */
void exports_look_end(struct exports *x);
void exports_look_forget(struct exports *x);

void exports_dial_init(struct exports *x);
/* Whether there is no server to be waited for before the export is opened;
 * begins to connect to it otherwise.  When that has come to an end x->dialled
 * runs. */
bool exports_dialled(struct exports *x, const struct export_config *c);
/* The connection, for whoever opens the export; NULL: there is none. */
struct store_nbd_dial *exports_dial_take(struct exports *x,
                                         const struct export_config *c);
/* Ends those that nobody waits for any longer; or all. */
void exports_dial_tidy(struct exports *x);
void exports_dial_forget(struct exports *x);
/* exports_reload, when everything in `c` can be opened, or be found not to be,
 * without waiting. */
int exports_reload_now(struct exports *x, struct config *c);

/* Looks every few seconds whether a device that was pulled out is back. */
void exports_watch(struct exports *x);

/* Looks for refused disks again in a while, if there are any. */
void exports_again(struct exports *x);
/* The answers of such a look: whether the disk may be served at last. */
bool exports_again_silent(struct exports *x, struct entry *e);

/* One step further, wherever one can be made. */
void exports_go_on(struct exports *x);
/* Opens the interfaces of `e`, with room for all that `fresh` and those that
 * are asked for again need there.  0, or -errno after saying what is wrong. */
int exports_open_ports(struct exports *x, struct list *fresh,
                       const struct entry *e);

#endif
