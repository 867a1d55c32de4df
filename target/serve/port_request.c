/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a received frame to the disk it is for, and replies to the wire.
 */
#include "target/serve/port_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "target/serve/port_trace.h"

/* Requests that each disk may have in flight. */
enum { SHARE_MIN = 2 };

const char *const port_counter_names[PORT_COUNTERS] = {
    [PORT_SHORT] = "drop_short",       [PORT_SOURCE] = "drop_source",
    [PORT_RESPONSE] = "drop_response", [PORT_UNMATCHED] = "drop_unmatched",
    [PORT_AGED] = "drop_aged",         [PORT_MEMORY] = "drop_memory",
};

/* ---- requests ----------------------------------------------------------- */

/* The pool grows to the largest number ever in flight at once, and no
 * further. */
inline struct request *port_request_new(struct target_port *p,
                                        struct link_frame *f)
{
    struct list *node = list_pop(&p->unused);
    struct request *r;

    if (node) {
        r = list_entry(node, struct request, link);
    } else {
        r = calloc(1, sizeof *r);
        if (!r)
            return NULL;
        r->port = p;
        r->x.mac = &p->link->mac;
    }
    request_begin(r, f);
    r->x.mtu = p->link->mtu;
    r->x.mtu_fell = p->fell_until && loop_now(p->host->loop) < p->fell_until;
    p->active++;
    return r;
}

/* Gives up the request, but not its frame. */
static void request_free(struct request *r)
{
    assert(r->port->active > 0 && !list_linked(&r->link));
    list_prepend(&r->port->unused, &r->link);
    r->port->active--;
}

void port_answer(struct request *r)
{
    assert(!list_linked(&r->link) && r->x.reply_len > 0);
    list_append(&r->port->outgoing, &r->link);
    port_touch(r->port);
}

void port_release(struct request *r)
{
    struct target_port *p = r->port;

    link_release(p->link, r->frame);
    request_free(r);
    port_touch(p);
}

/* ---- requests come in --------------------------------------------------- */

/* A disk that hangs may hold most of the buffers, but not the last quarter,
 * which is kept for discovery and for the other disks. */
static bool too_busy(const struct target_port *p, const struct disk *d)
{
    unsigned share = (p->frames - p->frames / 4) / p->disk_count;

    /* However many disks there are. */
    if (share < SHARE_MIN)
        share = SHARE_MIN;
    return p->link->free_count < p->frames / 4 && d->in_flight >= share;
}

/* False: there is no reply and never will be. */
static bool give_to(struct request *r, struct disk *d)
{
    enum responder_verdict verdict = responder_request(&r->x);

    if (verdict == RESPONDER_DROP)
        return false;
    if (verdict == RESPONDER_REPLY && !disk_must_save(d, r)) {
        port_answer(r);
        return true;
    }
    if (too_busy(r->port, d)) {
        exchange_drop(&r->x, COUNT_DROP_BUSY);
        return false;
    }
    if (verdict == RESPONDER_REPLY)
        disk_save(d, r);
    else
        disk_start(d, r);
    return true;
}

static void serve(struct request *r, struct disk *d)
{
    r->disk = d;
    r->x.export = &d->export;
    if (give_to(r, d))
        return;
    port_trace(r->port, port_trace_reason(r->x.dropped), r->x.frame, r->x.len);
    port_release(r);
}

RARELY static void refuse(struct request *r, enum port_counter why)
{
    static const char *const texts[PORT_COUNTERS] = {
        [PORT_SHORT] = "dropped (no AoE header)",
        [PORT_SOURCE] = "dropped (its source cannot be answered)",
        [PORT_RESPONSE] = "dropped (a response)",
        [PORT_UNMATCHED] = "dropped (no disk with this address)",
    };

    assert(texts[why]);
    port_trace(r->port, texts[why], r->x.frame, r->x.len);
    r->port->counts[why]++;
    port_release(r);
}

void port_dispatch(struct target_port *p, struct link_frame *f, struct disk *d)
{
    struct request *r = port_request_new(p, f);

    if (!r) {
        port_trace(p, "dropped (out of memory)", f->data, f->len);
        p->counts[PORT_MEMORY]++;
        link_release(p->link, f);
        return;
    }
    switch (responder_accept(&r->x)) {
    case RESPONDER_SHORT:
        refuse(r, PORT_SHORT);
        return;
    case RESPONDER_RESPONSE:
        refuse(r, PORT_RESPONSE);
        return;
    case RESPONDER_SOURCE:
        refuse(r, PORT_SOURCE);
        return;
    case RESPONDER_ACCEPTED:
        break;
    }
    if (!d && aoe_addr_wildcard(r->x.header.addr)) {
        request_free(r);
        list_append(&p->spreading, &f->link);
        port_touch(p);
        return;
    }
    if (!d)
        d = port_disk_at(p, r->x.header.addr);
    if (d)
        serve(r, d);
    else
        refuse(r, PORT_UNMATCHED);
}

/* ---- replies go out ----------------------------------------------------- */

/* The first replies have been sent. */
static void forget_sent(struct target_port *p, int count)
{
    struct list *last = &p->outgoing;

    assert(p->active >= (unsigned)count);
    for (int i = 0; i < count; i++) {
        last = last->next;
        link_release(p->link, list_entry(last, struct request, link)->frame);
    }
    if (count > 0)
        list_move_first(&p->unused, &p->outgoing, last);
    p->active -= (unsigned)count;
}

/* Offers the replies to the link.  False: its queue is full. */
bool port_send_replies(struct target_port *p)
{
    struct link_out *out = p->host->out;

    while (!list_empty(&p->outgoing)) {
        int count = 0, sent;

        list_each(it, &p->outgoing) {
            struct request *r = list_entry(it, struct request, link);

            if (count == LINK_BATCH)
                break;
            port_trace(p, "response", r->x.frame, r->x.reply_len);
            out[count].iov[0].iov_base = r->x.frame;
            out[count].iov[0].iov_len = r->x.reply_len;
            out[count++].iovcnt = 1;
        }
        sent = link_send(p->link, out, count);
        forget_sent(p, sent);
        if (sent < count)
            return false;
    }
    return true;
}
