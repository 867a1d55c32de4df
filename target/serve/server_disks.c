/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The disks of a server: what they need from it, and how they come and go.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/log.h"
#include "target/serve/server_parts.h"

/* ---- what disks ask for ------------------------------------------------- */

void server_touch_disk(struct server *s, struct disk *d)
{
    if (!list_linked(&d->touched))
        list_append(&s->touched_disks, &d->touched);
    loop_task_queue(s->loop, &s->settle);
}

static uint64_t host_now(void *arg)
{
    const struct server *s = arg;

    return loop_now(s->loop);
}

static void host_touch(void *arg, struct disk *d)
{
    server_touch_disk(arg, d);
}

static void host_answer(void *arg, struct request *r)
{
    (void)arg;
    port_answer(r);
}

static void host_release(void *arg, struct request *r)
{
    (void)arg;
    port_release(r);
}

static void host_committed(void *arg, struct disk *d)
{
    struct server *s = arg;

    (void)d;
    loop_task_queue(s->loop, &s->settle);
}

/* Its clients then send IDENTIFY, and see another epoch. */
static void host_lost(void *arg, struct disk *d)
{
    struct server *s = arg;

    for (unsigned i = 0; i < s->port_count; i++)
        port_announce(s->ports[i], d);
}

static const struct disk_host host = {.now = host_now,
                                      .touch = host_touch,
                                      .answer = host_answer,
                                      .release = host_release,
                                      .committed = host_committed,
                                      .lost = host_lost};

/* ---- commits ------------------------------------------------------------ */

/* Linux's aoe driver never flushes, so we do: a power cut then costs seconds of
 * work, not minutes (doc/safety.md). */
static void commit(void *arg)
{
    struct disk *d = arg;
    const struct server *s = d->host_arg;
    struct loop *loop = s->loop;

    disk_commit(d);
    loop_timer_set(loop, &d->commit_timer,
                   loop_now(loop) + d->export.commit_ns);
}

int server_start_commits(struct server *s, struct disk *d)
{
    if (!d->export.commit_ns)
        return 0;
    d->commit_timer = (struct loop_timer){.expired = commit, .arg = d};
    return loop_timer_set(s->loop, &d->commit_timer,
                          loop_now(s->loop) + d->export.commit_ns);
}

/* ---- they come and go --------------------------------------------------- */

int server_add_disk(struct server *s, const struct export *e,
                    struct store *store, struct disk **out)
{
    struct disk **grown =
        array_resize(s->disks, s->disk_count + 1, sizeof *grown);
    struct disk *d;

    assert(!s->stopping && e->buffer_count >= 2);
    if (!grown)
        return -ENOMEM;
    s->disks = grown;
    d = malloc(sizeof *d);
    if (!d)
        return -ENOMEM;
    disk_init(d, &host, s, e, store);
    d->age = ++s->disks_ever;
    if (s->started && server_start_commits(s, d)) {
        free(d);
        return -ENOMEM;
    }
    s->disks[s->disk_count++] = d;
    *out = d;
    return 0;
}

void server_remove_disk(struct server *s, struct disk *d,
                        void (*gone)(void *arg, struct epochs *epochs),
                        void *arg)
{
    assert(gone && !list_linked(&d->leaving));
    log_debug("%s: removed, %u requests to finish", d->name, d->in_flight);
    for (unsigned i = 0; i < s->port_count; i++)
        port_detach(s->ports[i], d);
    d->gone = gone;
    d->gone_arg = arg;
    list_append(&s->leaving, &d->leaving);
    loop_task_queue(s->loop, &s->tidy);
}

void server_free_disk(struct server *s, struct disk *d)
{
    loop_timer_cancel(s->loop, &d->commit_timer);
    list_remove(&d->touched);
    disk_fini(d);
    free(d);
}

static void drop_disk(struct server *s, struct disk *d)
{
    void (*gone)(void *arg, struct epochs *epochs) = d->gone;
    void *arg = d->gone_arg;
    struct epochs epochs;
    unsigned i = 0;

    assert(d->in_flight == 0 && !d->committing && list_linked(&d->leaving));
    while (s->disks[i] != d)
        i++;
    s->disks[i] = s->disks[--s->disk_count];
    list_remove(&d->leaving);
    disk_end(d);
    epochs_init(&epochs);
    epochs_inherit(&epochs, &d->epochs);
    server_free_disk(s, d);
    gone(arg, &epochs);
    epochs_fini(&epochs);
}

void server_drop_disks(struct server *s)
{
    list_each(it, &s->leaving) {
        struct disk *d = list_entry(it, struct disk, leaving);

        if (d->in_flight > 0)
            continue;
        disk_commit(d);
        if (!d->committing)
            drop_disk(s, d);
    }
}

/* ---- looking ------------------------------------------------------------ */

bool server_idle(const struct server *s)
{
    bool busy = false;

    for (unsigned i = 0; i < s->disk_count; i++)
        busy |= s->disks[i]->committing || s->disks[i]->in_flight > 0;
    return !busy;
}

struct disk *const *server_disks(const struct server *s, unsigned *count)
{
    *count = s->disk_count;
    return s->disks;
}
