/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on an export of an NBD server (the NBD protocol and its URI
 * specification), with libnbd.
 */
#ifndef TARGET_STORE_NBD_H
#define TARGET_STORE_NBD_H

#include <stdbool.h>

#include "target/store.h"

struct loop;

/* Whether what the user names is an NBD URI and not a file: nbd, nbds, and
 * both with +unix or +vsock. */
bool store_nbd_uri(const char *text);

/* Serves the export at the URI o->path, waiting for the server's first answer
 * a few seconds at most; o->direct means nothing here.  Says what is wrong on
 * standard error.  0 or -errno; -ENOTSUP: built without libnbd. */
int store_nbd_open(struct store **out, const struct store_file_options *o,
                   struct loop *loop);

#endif
