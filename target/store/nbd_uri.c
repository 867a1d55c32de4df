/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every build has of NBD: it knows the URIs, and, without libnbd, says
 * what is missing.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "target/store/store_nbd.h"

bool store_nbd_uri(const char *text)
{
    static const char *const schemes[] = {
        "nbd", "nbds", "nbd+unix", "nbds+unix", "nbd+vsock", "nbds+vsock"};
    const char *end = strstr(text, "://");

    for (size_t i = 0; end && i < sizeof schemes / sizeof schemes[0]; i++)
        if (strlen(schemes[i]) == (size_t)(end - text) &&
            strncmp(text, schemes[i], (size_t)(end - text)) == 0)
            return true;
    return false;
}

#ifndef HAVE_NBD
int store_nbd_dial(struct store_nbd_dial **out, const char *uri,
                   struct loop *loop, void (*over)(void *arg), void *arg)
{
    (void)uri;
    (void)loop;
    (void)over;
    (void)arg;
    *out = NULL;
    return 0;
}

bool store_nbd_dialled(const struct store_nbd_dial *d)
{
    (void)d;
    return true;
}

void store_nbd_hang_up(struct store_nbd_dial *d)
{
    (void)d;
}

int store_nbd_open(struct store **out, const struct store_file_options *o,
                   struct loop *loop, struct store_nbd_dial *dial)
{
    (void)out;
    (void)loop;
    (void)dial;
    log_error("%s: this aoe-target was built without libnbd; install it "
              "(Debian: libnbd-dev) and build again",
              o->path);
    return -ENOTSUP;
}
#endif
