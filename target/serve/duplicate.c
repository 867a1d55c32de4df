/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A broadcast Query Config finds the targets with the address (AoEr11 section
 * 3.2); IDENTIFY to each of them tells which disk it serves.
 */
#include "target/serve/duplicate.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "wire/ata.h"

/* Who has the address of a query, as far as we know. */
struct holder {
    bool identified; /* a serial number has come: the query is not sent again */
    bool pending;    /* `mac` has the address; its serial number is to come */
    struct aoe_mac mac;
};

/* An interface that queries are sent on. */
struct listener {
    struct duplicate_check *check;
    struct link *link;
    const char *ifname;
    bool down; /* it went down meanwhile */
    struct loop_fd watch;
};

struct duplicate_check {
    struct loop *loop;
    void (*done)(void *arg);
    void *arg;
    struct duplicate_query *queries;
    struct holder *holders; /* one for each query */
    unsigned count;
    struct listener *listeners; /* one for each interface, at most `count` */
    unsigned listener_count;
    uint32_t tag;
    struct loop_timer retry, end;
};

/* ---- requests ----------------------------------------------------------- */

static void send_frame(struct listener *l, uint8_t *frame, size_t len)
{
    struct link_out out = {.iovcnt = 1};

    out.iov[0].iov_base = frame;
    out.iov[0].iov_len = aoe_pad(frame, len);
    /* If the queue is full, the frame is lost like any other and sent again. */
    link_send(l->link, &out, 1);
}

static void put_header(const struct listener *l, uint8_t *frame,
                       const struct aoe_mac *to, struct aoe_addr addr,
                       uint8_t command)
{
    struct aoe_header h = {
        .dst = *to,
        .src = l->link->mac,
        .version = AOE_VERSION,
        .addr = addr,
        .command = command,
        .tag = l->check->tag,
    };

    aoe_header_build(frame, &h);
}

static void send_query_config(struct listener *l, struct aoe_addr addr)
{
    uint8_t frame[AOE_FRAME_MIN];
    struct aoe_config c = {.command = AOE_CONFIG_READ};

    put_header(l, frame, &aoe_mac_broadcast, addr, AOE_CMD_CONFIG);
    send_frame(l, frame, aoe_config_build(frame, &c));
}

static void send_identify(struct listener *l, struct aoe_addr addr,
                          const struct aoe_mac *mac)
{
    uint8_t frame[AOE_FRAME_MIN];
    struct aoe_ata a = {.count = 1, .command = ATA_IDENTIFY};

    put_header(l, frame, mac, addr, AOE_CMD_ATA);
    send_frame(l, frame, aoe_ata_build(frame, &a));
}

static struct listener *find_listener(const struct duplicate_check *c,
                                      const char *ifname)
{
    for (unsigned i = 0; i < c->listener_count; i++)
        if (strcmp(c->listeners[i].ifname, ifname) == 0)
            return &c->listeners[i];
    return NULL;
}

static void send_all(struct duplicate_check *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        const struct duplicate_query *q = &c->queries[i];
        const struct holder *h = &c->holders[i];
        struct listener *l = find_listener(c, q->ifname);

        if (!l || q->conflict)
            continue;
        if (h->pending)
            send_identify(l, q->addr, &h->mac);
        else if (!h->identified)
            send_query_config(l, q->addr);
    }
}

/* ---- responses ---------------------------------------------------------- */

static void set_conflict(struct duplicate_query *q, const struct aoe_mac *mac,
                         const char *serial)
{
    char addr[AOE_ADDR_TEXT], text[AOE_MAC_TEXT];

    log_debug("%s: %s on %s has this address, serial \"%s\"",
              aoe_addr_format(addr, q->addr), aoe_mac_format(text, mac),
              q->ifname, serial);
    q->conflict = true;
    q->mac = *mac;
    snprintf(q->other_serial, sizeof q->other_serial, "%s", serial);
}

static void receive_identify(struct duplicate_query *q, struct holder *holder,
                             const struct aoe_header *h,
                             const struct link_frame *f)
{
    struct aoe_ata a;
    struct ata_identity id;

    /* One that does not identify itself counts as a conflict at the end. */
    if (h->flags & AOE_FLAG_ERROR || aoe_ata_parse(f->data, f->len, &a) ||
        a.command & ATA_STATUS_FAILED || a.data_len < AOE_SECTOR)
        return;
    ata_identity_decode(a.data, &id);
    holder->identified = true;
    if (holder->pending && aoe_mac_equal(&holder->mac, &h->src))
        holder->pending = false;
    if (strcmp(id.serial, q->serial) != 0)
        set_conflict(q, &h->src, id.serial);
}

static void receive_query_config(struct listener *l,
                                 const struct duplicate_query *q,
                                 struct holder *holder,
                                 const struct aoe_header *h)
{
    if (!holder->pending && !holder->identified) {
        holder->pending = true;
        holder->mac = h->src;
    }
    send_identify(l, q->addr, &h->src);
}

/* Whether it is a response to this check, from another machine. */
static bool ours(const struct listener *l, const struct aoe_header *h)
{
    return h->flags & AOE_FLAG_RESPONSE && h->tag == l->check->tag &&
           !aoe_mac_group(&h->src) && !aoe_mac_equal(&h->src, &l->link->mac);
}

static void receive(struct listener *l, const struct link_frame *f)
{
    struct duplicate_check *c = l->check;
    struct aoe_header h;

    if (aoe_header_parse(f->data, f->len, &h) || !ours(l, &h))
        return;
    for (unsigned i = 0; i < c->count; i++) {
        struct duplicate_query *q = &c->queries[i];

        if (q->conflict || !aoe_addr_equal(q->addr, h.addr) ||
            strcmp(q->ifname, l->ifname) != 0)
            continue;
        if (h.command == AOE_CMD_ATA)
            receive_identify(q, &c->holders[i], &h, f);
        else if (h.command == AOE_CMD_CONFIG)
            receive_query_config(l, q, &c->holders[i], &h);
    }
}

static bool all_conflict(const struct duplicate_check *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (!c->queries[i].conflict)
            return false;
    return true;
}

/* Deferred: `done` may close the check, which is on the stack now. */
static int end_soon(struct duplicate_check *c)
{
    return loop_timer_set(c->loop, &c->end, loop_now(c->loop));
}

static void ready(void *arg, short revents)
{
    struct listener *l = arg;
    struct link_frame *frames[LINK_BATCH];
    int n;

    (void)revents;
    do {
        n = link_recv(l->link, frames, LINK_BATCH);
        for (int i = 0; i < n; i++) {
            receive(l, frames[i]);
            link_release(l->link, frames[i]);
        }
    } while (n == LINK_BATCH);
    /* An interface that went down is ignored from now on, but for that fact. */
    if (n < 0) {
        l->down = true;
        loop_unwatch(l->check->loop, &l->watch);
    }
    if (all_conflict(l->check))
        end_soon(l->check);
}

/* ---- a check ------------------------------------------------------------ */

static void retry(void *arg)
{
    send_all(arg);
}

static bool was_asked(const struct duplicate_check *c, const char *ifname)
{
    const struct listener *l = find_listener(c, ifname);

    if (!l || l->down)
        return false;
    link_refresh(l->link);
    return l->link->up;
}

static void end(void *arg)
{
    struct duplicate_check *c = arg;

    for (unsigned i = 0; i < c->count; i++) {
        struct duplicate_query *q = &c->queries[i];

        q->asked = was_asked(c, q->ifname);
        if (c->holders[i].pending && !q->conflict)
            set_conflict(q, &c->holders[i].mac, "");
    }
    loop_timer_cancel(c->loop, &c->retry);
    c->done(c->arg);
}

/* A process that has given up its privilege opens no more links. */
static void cannot_ask(struct duplicate_check *c, const char *ifname, int err)
{
    if (err == -ENODEV) /* that may change */
        return;
    for (unsigned i = 0; i < c->count; i++)
        if (strcmp(c->queries[i].ifname, ifname) == 0)
            c->queries[i].err = err;
}

static int listen_on(struct duplicate_check *c, const char *ifname,
                     const struct duplicate_options *o)
{
    struct link_options options = {
        .backend = o->backend,
        .filter = {.responses = true,
                   .tag_mask = UINT32_MAX,
                   .tag_value = c->tag},
    };
    struct listener *l = &c->listeners[c->listener_count];
    struct link *link;
    int err = o->link_open(&link, ifname, &options);

    if (err) {
        cannot_ask(c, ifname, err);
        return 0;
    }
    if (!link->up) {
        link_close(link);
        return 0;
    }
    *l = (struct listener){.check = c, .link = link, .ifname = ifname};
    l->watch = (struct loop_fd){.fd = link->fd, .ready = ready, .arg = l};
    c->listener_count++;
    return loop_watch(c->loop, &l->watch, POLLIN);
}

static int begin(struct duplicate_check *c, const struct duplicate_options *o)
{
    /* This turn of the loop may have started long ago. */
    uint64_t now = loop_clock(c->loop);
    int err = 0;

    c->holders = calloc(c->count + 1, sizeof *c->holders);
    c->listeners = calloc(c->count + 1, sizeof *c->listeners);
    if (!c->holders || !c->listeners)
        return -ENOMEM;
    for (unsigned i = 0; i < c->count; i++)
        c->queries[i].err = 0;
    for (unsigned i = 0; i < c->count && !err; i++)
        if (!c->queries[i].err && !find_listener(c, c->queries[i].ifname))
            err = listen_on(c, c->queries[i].ifname, o);
    if (!err && c->listener_count == 0)
        return end_soon(c);
    if (!err)
        err = loop_timer_set(c->loop, &c->retry, now + DUPLICATE_RETRY_NS);
    if (!err)
        err = loop_timer_set(c->loop, &c->end, now + DUPLICATE_CHECK_NS);
    if (!err)
        send_all(c);
    return err;
}

int duplicate_check_open(struct duplicate_check **out, struct loop *loop,
                         struct duplicate_query *queries, unsigned count,
                         const struct duplicate_options *o,
                         void (*done)(void *arg), void *arg)
{
    struct duplicate_check *c = malloc(sizeof *c);
    int err;

    assert(done && o->link_open);
    if (!c)
        return -ENOMEM;
    *c = (struct duplicate_check){
        .loop = loop,
        .done = done,
        .arg = arg,
        .queries = queries,
        .count = count,
        /* Tag 0 belongs to announcements. */
        .tag = (uint32_t)clock_ns() | UINT32_C(1) << 31,
        .retry = {.expired = retry, .arg = c},
        .end = {.expired = end, .arg = c},
    };
    err = begin(c, o);
    if (err) {
        duplicate_check_close(c);
        return err;
    }
    *out = c;
    return 0;
}

void duplicate_check_close(struct duplicate_check *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->listener_count; i++) {
        loop_unwatch(c->loop, &c->listeners[i].watch);
        link_close(c->listeners[i].link);
    }
    loop_timer_cancel(c->loop, &c->retry);
    loop_timer_cancel(c->loop, &c->end);
    free(c->listeners);
    free(c->holders);
    free(c);
}

/* ---- a check that is waited for ----------------------------------------- */

static void stop(void *arg)
{
    loop_stop(arg, 0);
}

int duplicate_check_wait(struct duplicate_query *queries, unsigned count,
                         const struct duplicate_options *o)
{
    struct duplicate_check *c = NULL;
    struct loop *loop;
    int err = loop_open(&loop);

    if (err)
        return err;
    err = duplicate_check_open(&c, loop, queries, count, o, stop, loop);
    if (!err)
        err = loop_run(loop);
    duplicate_check_close(c);
    loop_close(loop);
    return err;
}

void duplicate_check_cannot(const struct duplicate_query *q, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned first = 0;

        while (strcmp(q[first].ifname, q[i].ifname) != 0)
            first++;
        if (q[i].err && first == i)
            log_error("%s: cannot look for other disks with our addresses "
                      "there: %s",
                      q[i].ifname, strerror(-q[i].err));
    }
}
