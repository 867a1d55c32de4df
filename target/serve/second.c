/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Query Config to everyone finds who has the address (AoEr11 section 3.2);
 * IDENTIFY to each of them tells which disk that is.
 */
#include "target/serve/second.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "wire/ata.h"

/* What we know of one question. */
struct suspect {
    bool told;    /* somebody's serial has come: not asked again */
    bool waiting; /* `mac` has the address, and its serial has not come */
    struct aoe_mac mac;
};

/* An interface that is asked. */
struct ear {
    struct second *look;
    struct link *link;
    const char *ifname;
    bool deaf; /* it went down meanwhile */
    struct loop_fd watch;
};

struct second {
    struct loop *loop;
    void (*done)(void *arg);
    void *arg;
    struct second_question *questions;
    struct suspect *suspects; /* one for each question */
    unsigned count;
    struct ear *ears; /* one for each interface, at most `count` */
    unsigned ear_count;
    uint32_t tag;
    struct loop_timer again, end;
};

/* ---- asking ------------------------------------------------------------- */

static void send_frame(struct ear *e, uint8_t *frame, size_t len)
{
    struct link_out out = {.iovcnt = 1};

    out.iov[0].iov_base = frame;
    out.iov[0].iov_len = aoe_pad(frame, len);
    /* If the queue is full it is lost like any frame, and asked again. */
    link_send(e->link, &out, 1);
}

static void put_header(const struct ear *e, uint8_t *frame,
                       const struct aoe_mac *to, struct aoe_addr addr,
                       uint8_t command)
{
    struct aoe_header h = {
        .dst = *to,
        .src = e->link->mac,
        .version = AOE_VERSION,
        .addr = addr,
        .command = command,
        .tag = e->look->tag,
    };

    aoe_header_build(frame, &h);
}

static void ask_who(struct ear *e, struct aoe_addr addr)
{
    uint8_t frame[AOE_FRAME_MIN];
    struct aoe_config c = {.command = AOE_CONFIG_READ};

    put_header(e, frame, &aoe_mac_broadcast, addr, AOE_CMD_CONFIG);
    send_frame(e, frame, aoe_config_build(frame, &c));
}

static void ask_serial(struct ear *e, struct aoe_addr addr,
                       const struct aoe_mac *mac)
{
    uint8_t frame[AOE_FRAME_MIN];
    struct aoe_ata a = {.count = 1, .command = ATA_IDENTIFY};

    put_header(e, frame, mac, addr, AOE_CMD_ATA);
    send_frame(e, frame, aoe_ata_build(frame, &a));
}

static struct ear *ear_of(const struct second *l, const char *ifname)
{
    for (unsigned i = 0; i < l->ear_count; i++)
        if (strcmp(l->ears[i].ifname, ifname) == 0)
            return &l->ears[i];
    return NULL;
}

static void ask_all(struct second *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        struct second_question *q = &l->questions[i];
        struct suspect *s = &l->suspects[i];
        struct ear *e = ear_of(l, q->ifname);

        if (!e || q->found)
            continue;
        if (s->waiting)
            ask_serial(e, q->addr, &s->mac);
        else if (!s->told)
            ask_who(e, q->addr);
    }
}

/* ---- answers ------------------------------------------------------------ */

static void accuse(struct second_question *q, const struct aoe_mac *mac,
                   const char *serial)
{
    q->found = true;
    q->mac = *mac;
    snprintf(q->theirs, sizeof q->theirs, "%s", serial);
}

static void hear_serial(struct second_question *q, struct suspect *s,
                        const struct aoe_header *h, const struct link_frame *f)
{
    struct aoe_ata a;
    struct ata_identity id;

    /* Who refuses to tell stays suspect. */
    if (h->flags & AOE_FLAG_ERROR || aoe_ata_parse(f->data, f->len, &a) ||
        a.command & ATA_STATUS_FAILED || a.data_len < AOE_SECTOR)
        return;
    ata_identity_decode(a.data, &id);
    s->told = true;
    if (s->waiting && aoe_mac_equal(&s->mac, &h->src))
        s->waiting = false;
    if (strcmp(id.serial, q->serial) != 0)
        accuse(q, &h->src, id.serial);
}

static void hear(struct ear *e, const struct link_frame *f)
{
    struct second *l = e->look;
    struct aoe_header h;

    if (aoe_header_parse(f->data, f->len, &h) ||
        !(h.flags & AOE_FLAG_RESPONSE) || h.tag != l->tag ||
        aoe_mac_group(&h.src) || aoe_mac_equal(&h.src, &e->link->mac))
        return;
    for (unsigned i = 0; i < l->count; i++) {
        struct second_question *q = &l->questions[i];
        struct suspect *s = &l->suspects[i];

        if (q->found || !aoe_addr_equal(q->addr, h.addr) ||
            strcmp(q->ifname, e->ifname) != 0)
            continue;
        if (h.command == AOE_CMD_ATA)
            hear_serial(q, s, &h, f);
        if (h.command != AOE_CMD_CONFIG)
            continue;
        if (!s->waiting && !s->told) {
            s->waiting = true;
            s->mac = h.src;
        }
        ask_serial(e, q->addr, &h.src);
    }
}

static bool all_found(const struct second *l)
{
    for (unsigned i = 0; i < l->count; i++)
        if (!l->questions[i].found)
            return false;
    return true;
}

/* Not at once: whoever is told may close the look, which is at work. */
static int end_soon(struct second *l)
{
    return loop_timer_set(l->loop, &l->end, loop_now(l->loop));
}

static void ready(void *arg, short revents)
{
    struct ear *e = arg;
    struct link_frame *frames[LINK_BATCH];
    int n;

    (void)revents;
    do {
        n = link_recv(e->link, frames, LINK_BATCH);
        for (int i = 0; i < n; i++) {
            hear(e, frames[i]);
            link_release(e->link, frames[i]);
        }
    } while (n == LINK_BATCH);
    /* An interface that went down reports nothing but that from now on. */
    if (n < 0) {
        e->deaf = true;
        loop_unwatch(e->look->loop, &e->watch);
    }
    if (all_found(e->look))
        end_soon(e->look);
}

/* ---- a look ------------------------------------------------------------- */

static void again(void *arg)
{
    ask_all(arg);
}

static bool was_asked(const struct second *l, const char *ifname)
{
    struct ear *e = ear_of(l, ifname);

    if (!e || e->deaf)
        return false;
    link_refresh(e->link);
    return e->link->up;
}

static void end(void *arg)
{
    struct second *l = arg;

    for (unsigned i = 0; i < l->count; i++) {
        struct second_question *q = &l->questions[i];

        q->asked = was_asked(l, q->ifname);
        if (l->suspects[i].waiting && !q->found)
            accuse(q, &l->suspects[i].mac, "");
    }
    loop_timer_cancel(l->loop, &l->again);
    l->done(l->arg);
}

static int listen_on(struct second *l, const char *ifname,
                     const struct second_options *o)
{
    struct link_options options = {
        .backend = o->backend,
        .filter = {.responses = true,
                   .tag_mask = UINT32_MAX,
                   .tag_value = l->tag},
    };
    struct ear *e = &l->ears[l->ear_count];
    struct link *link;

    if (ear_of(l, ifname) || o->link_open(&link, ifname, &options))
        return 0;
    if (!link->up) {
        link_close(link);
        return 0;
    }
    *e = (struct ear){.look = l, .link = link, .ifname = ifname};
    e->watch = (struct loop_fd){.fd = link->fd, .ready = ready, .arg = e};
    l->ear_count++;
    return loop_watch(l->loop, &e->watch, POLLIN);
}

static int begin(struct second *l, const struct second_options *o)
{
    /* The turn may have begun long ago. */
    uint64_t now = loop_clock(l->loop);
    int err = 0;

    l->suspects = calloc(l->count + 1, sizeof *l->suspects);
    l->ears = calloc(l->count + 1, sizeof *l->ears);
    if (!l->suspects || !l->ears)
        return -ENOMEM;
    for (unsigned i = 0; i < l->count && !err; i++)
        err = listen_on(l, l->questions[i].ifname, o);
    if (!err && l->ear_count == 0)
        return end_soon(l);
    if (!err)
        err = loop_timer_set(l->loop, &l->again, now + SECOND_AGAIN_NS);
    if (!err)
        err = loop_timer_set(l->loop, &l->end, now + SECOND_LOOK_NS);
    if (!err)
        ask_all(l);
    return err;
}

int second_open(struct second **out, struct loop *loop,
                struct second_question *questions, unsigned count,
                const struct second_options *o, void (*done)(void *arg),
                void *arg)
{
    struct second *l = malloc(sizeof *l);
    int err;

    if (!l)
        return -ENOMEM;
    *l = (struct second){
        .loop = loop,
        .done = done,
        .arg = arg,
        .questions = questions,
        .count = count,
        /* Tag 0 belongs to announcements. */
        .tag = (uint32_t)clock_ns() | UINT32_C(1) << 31,
        .again = {.expired = again, .arg = l},
        .end = {.expired = end, .arg = l},
    };
    err = begin(l, o);
    if (err) {
        second_close(l);
        return err;
    }
    *out = l;
    return 0;
}

void second_close(struct second *l)
{
    if (!l)
        return;
    for (unsigned i = 0; i < l->ear_count; i++) {
        loop_unwatch(l->loop, &l->ears[i].watch);
        link_close(l->ears[i].link);
    }
    loop_timer_cancel(l->loop, &l->again);
    loop_timer_cancel(l->loop, &l->end);
    free(l->ears);
    free(l->suspects);
    free(l);
}

/* ---- a look that is waited for ------------------------------------------ */

static void stop(void *arg)
{
    loop_stop(arg, 0);
}

int second_look(struct second_question *questions, unsigned count,
                const struct second_options *o)
{
    struct second *l = NULL;
    struct loop *loop;
    int err = loop_open(&loop);

    if (err)
        return err;
    err = second_open(&l, loop, questions, count, o, stop, loop);
    if (!err)
        err = loop_run(loop);
    second_close(l);
    loop_close(loop);
    return err;
}
