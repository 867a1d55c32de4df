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

/* Whether the user's text is an NBD URI and not a file: nbd, nbds, and both
 * with +unix or +vsock. */
bool store_nbd_uri(const char *text);

/* A connection to a server that is being made. */
struct store_nbd_dial;

/* Connects in the loop.  Errors are logged.  `over` is called from the loop
 * once the attempt has succeeded or failed, unless it already has when this
 * returns. 0 or -ENOMEM; without libnbd there is nothing to wait for. */
int store_nbd_dial(struct store_nbd_dial **out, const char *uri,
                   struct loop *loop, void (*over)(void *arg), void *arg);
bool store_nbd_dialled(const struct store_nbd_dial *d);
/* Also within `over`. */
void store_nbd_hang_up(struct store_nbd_dial *d);

/* A store on the export at the URI o->path; o->direct means nothing here. Takes
 * over `dial`, which must be over.  If it is NULL, connects, and blocks for the
 * server's first reply, a few seconds at most.  Errors are logged.  0 or
 * -errno; -ENOTSUP: built without libnbd. */
int store_nbd_open(struct store **out, const struct store_file_options *o,
                   struct loop *loop, struct store_nbd_dial *dial);

#endif
