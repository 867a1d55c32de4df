/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on an export of an NBD server (the NBD protocol and its URI
 * specification), with libnbd.
 */
#ifndef TARGET_STORE_STORE_NBD_H
#define TARGET_STORE_STORE_NBD_H

#include <stdbool.h>

#include "target/store/store.h"

struct loop;

/* Whether what the user names is an NBD URI and not a file: nbd, nbds, and
 * both with +unix or +vsock. */
bool store_nbd_uri(const char *text);

/* A connection to a server that is to be opened. */
struct store_nbd_dial;

/* Connects in the loop, and says what is wrong.  `over` is called from the loop
 * when that has come to an end, good or bad, unless it had when this returns.
 * 0 or -ENOMEM; without libnbd there is nothing to wait for. */
int store_nbd_dial(struct store_nbd_dial **out, const char *uri,
                   struct loop *loop, void (*over)(void *arg), void *arg);
bool store_nbd_dialled(const struct store_nbd_dial *d);
/* Also within `over`. */
void store_nbd_hang_up(struct store_nbd_dial *d);

/* Serves the export at the URI o->path; o->direct means nothing here.  Takes
 * over `dial`, whose end has come; if that is NULL, connects, waiting for the
 * server's first answer a few seconds at most.  Says what is wrong on standard
 * error.  0 or -errno; -ENOTSUP: built without libnbd. */
int store_nbd_open(struct store **out, const struct store_file_options *o,
                   struct loop *loop, struct store_nbd_dial *dial);

#endif
