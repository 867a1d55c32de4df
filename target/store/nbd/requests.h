/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The state of the NBD store, and its requests to the server.
 */
#ifndef TARGET_STORE_NBD_REQUESTS_H
#define TARGET_STORE_NBD_REQUESTS_H

#include "target/store/nbd/connection.h"
#include "target/store/store.h"

enum { NBD_REQUESTS = 64 }; /* that the server has at once */

/* Where a request is; each state is a list of nbd_store.in. */
enum nbd_request_state {
    NBD_IDLE,     /* nowhere: it has no operations */
    NBD_READY,    /* to be sent, for the first time or the next part of it */
    NBD_SENT,     /* libnbd has it */
    NBD_ANSWERED, /* libnbd is done with it: see `error` */
    NBD_REQUEST_STATES,
};

/* What the server is asked: one operation, or a run of neighbours. */
struct nbd_request {
    struct nbd_store *store;
    enum nbd_request_state state;
    struct list link; /* in store->in[state] */
    struct list ops;  /* of store_op.link */
    enum store_kind kind;
    bool durable;
    uint64_t offset; /* in the export */
    uint64_t length;
    uint64_t done;   /* bytes of it */
    uint64_t step;   /* most bytes asked for at once */
    uint8_t *bounce; /* buffer of a run of several, or of a VERIFY; else NULL */
    bool flushing;   /* all is written, and a flush makes it durable */
    bool covers;     /* it flushes writes that the server may forget */
    unsigned losses; /* connections that were lost before it was answered */
    int error;       /* errno, of the latest reply */
};

struct nbd_store {
    struct store store;
    struct nbd_connection connection;
    uint64_t base; /* where in the export the store begins */
    char *uri;

    struct list pending; /* of store_op.link: wait for a request */
    struct list alone;   /* the same, which must not be merged */

    struct nbd_request requests[NBD_REQUESTS];
    struct list in[NBD_REQUEST_STATES]; /* of nbd_request.link */

    struct loop_timer patience;
    bool waiting;   /* the server is lost */
    bool impatient; /* for so long that requests fail at once */
    bool dirty;     /* the server has answered writes that it may forget */
};

/* The store is zero but for its connection's loop and URI. */
void nbd_requests_init(struct nbd_store *ns);
/* From now on the connection's events go to the requests. */
void nbd_requests_serve(struct nbd_store *ns);

/* Does everything that can be done now with what is pending. */
void nbd_requests_turn(struct nbd_store *ns);

#endif
