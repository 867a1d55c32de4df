/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What ties disks and ports together: turns, timers, start and stop.
 */
#include "target/serve/server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "target/serve/server_parts.h"
#include "wire/netwatch.h"

/* How often interfaces are checked, and how long a full transmit queue may hold
 * up the last replies when we stop. */
#define REFRESH_NS NS_PER_S
#define DRAIN_NS   (5 * NS_PER_S)

/* ---- turns -------------------------------------------------------------- */

static void touch_port(void *arg, struct target_port *p)
{
    struct server *s = arg;

    if (!list_linked(&p->touched))
        list_append(&s->touched_ports, &p->touched);
    loop_task_queue(s->loop, &s->settle);
}

/* Once the last reply has left, dirty data is synced; then we are done. */
static void finish(struct server *s)
{
    bool lost = false;

    if (server_active(s) > 0 && !s->late)
        return;
    for (unsigned i = 0; i < s->disk_count; i++) {
        disk_commit(s->disks[i]);
        lost |= epochs_untold(&s->disks[i]->epochs);
    }
    if (server_idle(s))
        loop_stop(s->loop, lost ? EXIT_FAILED : EXIT_DONE);
}

static void appeared(void *arg)
{
    struct server *s = arg;

    if (s->appeared && !s->stopping)
        s->appeared(s->appeared_arg);
}

void server_on_appeared(struct server *s, void (*up)(void *arg), void *arg)
{
    assert(!s->started);
    s->appeared = up;
    s->appeared_arg = arg;
}

static void await_next(struct server *s)
{
    if (s->may_poll && s->polling.asked && server_active(s) == 0)
        loop_poll_for(s->loop, adaptive_polling_ns(&s->polling));
}

static void received(void *arg, unsigned count)
{
    struct server *s = arg;

    bool polled = s->polling.pays;

    adaptive_polling_requests(&s->polling, count, loop_now(s->loop));
    if (s->may_poll && s->polling.pays != polled)
        log_debug("polling for requests %s", polled ? "ends" : "begins");
}

void server_settle(struct server *s)
{
    struct list *node;

    /* Disks first: replies to what completes at once leave in the same
     * batch. */
    for (;;) {
        if ((node = list_first(&s->touched_disks))) {
            list_remove(node);
            disk_submit(list_entry(node, struct disk, touched));
        } else if ((node = list_first(&s->touched_ports))) {
            list_remove(node);
            port_settle(list_entry(node, struct target_port, touched));
        } else {
            break;
        }
    }
    await_next(s);
    if (s->stopping)
        finish(s);
    else if (s->ports_leaving || !list_empty(&s->leaving))
        loop_task_queue(s->loop, &s->tidy);
}

static void settle(void *arg)
{
    server_settle(arg);
}

/* In a task of its own: no port or disk is on the stack. */
static void tidy(void *arg)
{
    struct server *s = arg;

    if (s->stopping)
        return;
    server_drop_disks(s);
    server_drop_ports(s);
}

/* ---- timers ------------------------------------------------------------- */

/* Setting a timer again cannot run out of memory: its place in the heap has
 * just been freed. */
static void refresh(void *arg)
{
    struct server *s = arg;

    server_refresh_ports(s);
    loop_timer_set(s->loop, &s->refresh, loop_now(s->loop) + REFRESH_NS);
}

static void drained(void *arg)
{
    struct server *s = arg;

    s->late = true;
    finish(s);
}

/* ---- start and stop ----------------------------------------------------- */

int server_open(struct server **out, struct loop *loop,
                const struct server_options *o)
{
    struct server *s = calloc(1, sizeof *s);

    assert(o->link_open);
    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->options = *o;
    s->may_poll = sysconf(_SC_NPROCESSORS_ONLN) > 1;
    list_init(&s->touched_disks);
    list_init(&s->touched_ports);
    list_init(&s->leaving);
    s->port_host = (struct port_host){.loop = loop,
                                      .out = s->out,
                                      .changing = o->changing,
                                      .touch = touch_port,
                                      .received = received,
                                      .appeared = appeared,
                                      .settle = settle,
                                      .arg = s};
    s->tidy = (struct loop_task){.run = tidy, .arg = s};
    s->settle = (struct loop_task){.run = settle, .arg = s};
    s->refresh = (struct loop_timer){.expired = refresh, .arg = s};
    s->drain = (struct loop_timer){.expired = drained, .arg = s};
    *out = s;
    return 0;
}

void server_close(struct server *s)
{
    if (!s)
        return;
    netwatch_close(s->netwatch);
    loop_timer_cancel(s->loop, &s->refresh);
    loop_timer_cancel(s->loop, &s->drain);
    loop_task_cancel(&s->settle);
    loop_task_cancel(&s->tidy);
    for (unsigned i = 0; i < s->port_count; i++)
        port_free(s->ports[i]);
    for (unsigned i = 0; i < s->disk_count; i++)
        server_free_disk(s, s->disks[i]);
    free(s->ports);
    free(s->disks);
    free(s);
}

int server_start(struct server *s)
{
    uint64_t now = loop_now(s->loop);
    int err = 0;

    assert(!s->started && !s->stopping);
    for (unsigned i = 0; i < s->port_count && !err; i++) {
        struct link_options o;

        port_link_options(s->ports[i], &o);
        o.absent = s->options.waits;
        err = server_open_link(s, s->ports[i], o);
    }
    if (err)
        return err;
    /* Without it a change is noticed a little later. */
    if (netwatch_open(&s->netwatch, s->loop, server_refresh_ports, s))
        s->netwatch = NULL;
    err = loop_timer_set(s->loop, &s->refresh, now + REFRESH_NS);
    for (unsigned i = 0; i < s->disk_count && !err; i++)
        err = server_start_commits(s, s->disks[i]);
    if (err)
        log_error("starting: %s", strerror(-err));
    s->started = !err;
    return err;
}

void server_stop(struct server *s)
{
    if (s->stopping) {
        log_error("stopped before everything was written to disk");
        loop_stop(s->loop, EXIT_FAILED);
        return;
    }
    log_debug("stopping, %u requests to finish", server_active(s));
    s->stopping = true;
    for (unsigned i = 0; i < s->port_count; i++)
        port_stop(s->ports[i]);
    loop_timer_set(s->loop, &s->drain, loop_now(s->loop) + DRAIN_NS);
    loop_task_queue(s->loop, &s->settle);
}

bool server_stopping(const struct server *s)
{
    return s->stopping;
}
