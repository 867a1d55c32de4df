/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From operations to requests and back: neighbouring operations become one
 * request, since a copy of a kilobyte costs much less than a message each way.
 */
#ifndef TARGET_STORE_NBD_RUNS_H
#define TARGET_STORE_NBD_RUNS_H

#include "target/store/nbd/requests.h"

enum { NBD_SECTOR = 512 };

/* Moves the request into the list of `state`, behind those that are there. */
void nbd_request_enter(struct nbd_request *r, enum nbd_request_state state);
/* The same, before them. */
void nbd_request_return(struct nbd_request *r, enum nbd_request_state state);

/* Fills an idle request with the next operation, of which there is one, and its
 * neighbours.  Afterwards it is ready, or, without memory, has failed. */
void nbd_run_take(struct nbd_request *r);

/* All operations but the first go back, to become requests of their own. */
void nbd_run_split(struct nbd_request *r);
/* Whether there is only one. */
bool nbd_run_single(const struct nbd_request *r);

/* Where the next bytes of a read or write are. */
uint8_t *nbd_run_memory(struct nbd_request *r);
/* Bytes that may be asked for at once. */
uint64_t nbd_run_largest_step(const struct nbd_store *ns, enum store_kind kind);

/* Completes the operations with 0 or -errno; the request is idle then. */
void nbd_run_complete(struct nbd_request *r, int result);

#endif
