/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is served and what is wrong, for people without a control socket: in a
 * file, and in the title that ps(1) shows.
 */
#ifndef TARGET_SERVE_STATUS_H
#define TARGET_SERVE_STATUS_H

#include "base/loop.h"
#include "target/serve/exports.h"
#include "target/serve/server.h"

struct status;

struct status_options {
    const char *path; /* created or replaced; NULL: only the title */
    struct loop *loop;
    const struct server *server;
    const struct exports *exports;
};

/* Keeps both up to date, from the second after the start of the loop on.  0, or
 * -errno after saying what went wrong. */
int status_open(struct status **out, const struct status_options *o);
/* Says in the file that the target has ended. */
void status_close(struct status *s);

#endif
