/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Devices that were unplugged and are back.  The descriptor of an unplugged
 * device stays dead whatever is plugged in under its name, so the device is
 * reopened, but only if it identifies itself as the same one.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "target/store/device.h"
#include "target/store/device_name.h"
#include "target/serve/exports_parts.h"

#define LOOK_EVERY (3 * NS_PER_S)

static void refuse(struct entry *e, const char *why)
{
    unsigned held;

    if (log_minutely(&e->refusals, clock_ns(), &held))
        log_error("%s: %s: %s", e->disk->name, e->config.path, why);
}

/* Whether the device under its name now is the one that was open. */
static bool is_back(struct entry *e, int fd)
{
    struct store *s = e->disk->store;
    struct device d;

    if (device_probe(&d, fd, e->config.path, true) || d.size == 0)
        return false;
    if (device_same(s->fd, fd)) {
        s->gone = false; /* it never left, it only failed for a while */
        return false;
    }
    if (d.identity != s->identity || d.naming != s->naming) {
        refuse(e, "another disk is there now, and is not served in its place");
        return false;
    }
    if (d.unnamed) {
        refuse(e, "a disk is there again, but nothing tells whether it is the "
                  "same one; a reload takes it");
        return false;
    }
    return true;
}

static bool looks_back(struct entry *e)
{
    int fd = device_open(e->config.path, O_RDONLY | O_NONBLOCK);
    bool back;

    if (fd < 0 && (errno == EPERM || errno == EACCES))
        refuse(e, "cannot be opened any more to see whether it is back; "
                  "restart the target");
    if (fd < 0)
        return false;
    back = is_back(e, fd);
    close(fd);
    return back;
}

static void try_again(struct exports *x, struct entry *e)
{
    struct export description;
    struct store *store;

    if (!looks_back(e) ||
        x->options.open(x->options.arg, &e->config, NULL, &description, &store))
        return;
    if (store->size != e->disk->store->size) {
        refuse(e, "is back, but has another size now");
        store_close(store);
        return;
    }
    log_info("%s: %s is back and is served again", e->disk->name,
             e->config.path);
    disk_exchange_store(e->disk, store);
}

static void look(void *arg)
{
    struct exports *x = arg;

    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);

        if (e->leaving || e->disk->next_store)
            continue;
        /* Nobody may have asked for anything since it was pulled out. */
        e->disk->store->gone |= storage_gone(e);
        if (e->disk->store->gone)
            try_again(x, e);
    }
    exports_watch(x);
}

void exports_watch(struct exports *x)
{
    x->reopen = (struct loop_timer){.expired = look, .arg = x};
    /* Without memory for the timer, a reload still looks. */
    loop_timer_set(x->options.loop, &x->reopen,
                   loop_now(x->options.loop) + LOOK_EVERY);
}
