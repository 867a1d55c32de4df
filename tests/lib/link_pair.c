/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The switch and its ports.  A frame waits twice in one heap of due times:
 * first on its way to the switch, then, a copy for each receiver, on its way
 * to the port.  Frames due at the same time move in the order they were sent.
 */
#include "tests/lib/link_pair.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/list.h"
#include "tests/lib/bpf.h"
#include "wire/filter.h"
#include "wire/link_backend.h"

enum { ONE_MILLION = 1000000 };

struct port {
    struct link link;
    struct wire *wire;
    size_t slot; /* in wire->ports */
    struct filter_program filter;
    struct wire_faults faults[2]; /* by enum wire_way */
    uint64_t last_due[2];         /* of frames that keep their order */
    uint64_t free_at[2];          /* when the last one has left completely */
    struct list queue;            /* of flight.link: arrived, not yet read */
    unsigned queued, queue_max;
    unsigned sending, sending_max; /* frames not yet at the switch */
    /* The interface's true state; the link learns it at the next refresh. */
    bool up;
    bool reported;
    unsigned mtu;
    struct aoe_mac mac;
};

/* A frame in transit, or in a port's queue. */
struct flight {
    struct list link;
    uint64_t due;
    uint64_t order; /* among frames due at the same time */
    size_t slot;    /* of the port it comes from, then goes to */
    enum wire_way way;
    bool counted; /* in its port's `sending` */
    size_t len;
    uint8_t bytes[];
};

struct wire {
    uint64_t random;
    uint64_t now;
    uint64_t orders;
    struct port **ports; /* NULL where one was closed; never used again */
    size_t port_count;
    struct flight **heap;
    size_t heap_count, heap_capacity;
    uint64_t counts[WIRE_EVENTS];
    void (*seen)(void *arg, uint64_t now, enum wire_event e,
                 const struct link *port, const uint8_t *frame, size_t len);
    void *seen_arg;
};

static struct port *port_of(const struct link *l)
{
    return (struct port *)(uintptr_t)l; /* its first member */
}

_Static_assert(offsetof(struct port, link) == 0, "port_of");

const char *wire_event_text(enum wire_event e)
{
    static const char *const text[WIRE_EVENTS] = {
        "sent",      "lost",      "corrupted", "duplicated",
        "reordered", "truncated", "too long",  "unwanted",
        "overflow",  "unplugged", "delivered",
    };

    return text[e];
}

static void note(struct wire *w, enum wire_event e, const struct port *p,
                 const uint8_t *frame, size_t len)
{
    w->counts[e]++;
    if (w->seen)
        w->seen(w->seen_arg, w->now, e, p ? &p->link : NULL, frame, len);
}

/* ---- chance -------------------------------------------------------------- */

/* splitmix64 (Vigna): any seed will do, including 0. */
static uint64_t draw(struct wire *w)
{
    uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t draw_below(struct wire *w, uint64_t n)
{
    return n ? draw(w) % n : 0;
}

static bool chance(struct wire *w, uint32_t in_a_million)
{
    return in_a_million && draw_below(w, ONE_MILLION) < in_a_million;
}

/* ---- frames in transit --------------------------------------------------- */

static bool earlier(const struct flight *a, const struct flight *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void heap_push(struct wire *w, struct flight *f)
{
    size_t i = w->heap_count;

    if (i == w->heap_capacity) {
        size_t capacity = w->heap_capacity ? 2 * w->heap_capacity : 64;

        w->heap = realloc(w->heap, capacity * sizeof(w->heap[0]));
        if (!w->heap)
            abort();
        w->heap_capacity = capacity;
    }
    w->heap_count++;
    for (; i > 0 && earlier(f, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = f;
}

static struct flight *heap_pop(struct wire *w)
{
    struct flight *first = w->heap[0];
    struct flight *last = w->heap[--w->heap_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= w->heap_count)
            break;
        if (child + 1 < w->heap_count &&
            earlier(w->heap[child + 1], w->heap[child]))
            child++;
        if (!earlier(w->heap[child], last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    if (w->heap_count > 0)
        w->heap[i] = last;
    return first;
}

static struct flight *flight_new(const uint8_t *bytes, size_t len)
{
    struct flight *f = calloc(1, sizeof(*f) + len);

    if (!f)
        abort();
    f->len = len;
    if (len)
        memcpy(f->bytes, bytes, len);
    return f;
}

/* Sends a frame in one direction of a port, in order with the others there
 * unless it is `held`. */
static void launch(struct wire *w, struct port *p, enum wire_way way,
                   struct flight *f, bool held)
{
    const struct wire_faults *c = &p->faults[way];

    f->slot = p->slot;
    f->way = way;
    f->order = w->orders++;
    if (p->free_at[way] < w->now)
        p->free_at[way] = w->now;
    p->free_at[way] += f->len * c->byte_ns;
    f->due = p->free_at[way] + c->delay_ns + draw_below(w, c->jitter_ns + 1);
    if (held) {
        f->due += 1 + draw_below(w, c->hold_ns);
    } else {
        if (f->due < p->last_due[way])
            f->due = p->last_due[way];
        p->last_due[way] = f->due;
    }
    heap_push(w, f);
}

/* Takes over `f` and applies the faults of this direction of the port.  False:
 * the frame was lost. */
static bool expose(struct wire *w, struct port *p, enum wire_way way,
                   struct flight *f)
{
    const struct wire_faults *c = &p->faults[way];
    bool held;

    if (c->frame_max && f->len > c->frame_max) {
        note(w, WIRE_TOO_LONG, p, f->bytes, f->len);
        free(f);
        return false;
    }
    if (chance(w, c->loss)) {
        note(w, WIRE_LOST, p, f->bytes, f->len);
        free(f);
        return false;
    }
    if (chance(w, c->corrupt)) {
        note(w, WIRE_CORRUPTED, p, f->bytes, f->len);
        free(f);
        return false;
    }
    if (chance(w, c->duplicate)) {
        note(w, WIRE_DUPLICATED, p, f->bytes, f->len);
        launch(w, p, way, flight_new(f->bytes, f->len), true);
    }
    if (chance(w, c->truncate) && f->len > AOE_ETHER_HEADER) {
        note(w, WIRE_TRUNCATED, p, f->bytes, f->len);
        f->len =
            AOE_ETHER_HEADER + (size_t)draw_below(w, f->len - AOE_ETHER_HEADER);
    }
    held = chance(w, c->reorder);
    if (held)
        note(w, WIRE_REORDERED, p, f->bytes, f->len);
    launch(w, p, way, f, held);
    return true;
}

static struct port *port_with(struct wire *w, const struct aoe_mac *mac)
{
    for (size_t i = 0; i < w->port_count; i++)
        if (w->ports[i] && aoe_mac_equal(&w->ports[i]->mac, mac))
            return w->ports[i];
    return NULL;
}

/* The frame is at the switch. */
static void forward(struct wire *w, struct port *from, const struct flight *f)
{
    struct aoe_mac dst;
    struct port *to;

    memcpy(dst.b, f->bytes, AOE_MAC);
    if (aoe_mac_group(&dst)) {
        for (size_t i = 0; i < w->port_count; i++)
            if (w->ports[i] && w->ports[i] != from)
                expose(w, w->ports[i], WIRE_RX, flight_new(f->bytes, f->len));
        return;
    }
    to = port_with(w, &dst);
    if (!to)
        note(w, WIRE_UNPLUGGED, from, f->bytes, f->len);
    else if (to != from)
        expose(w, to, WIRE_RX, flight_new(f->bytes, f->len));
}

/* What keeps a frame out of the port's queue; WIRE_DELIVERED: nothing. */
static enum wire_event refusal(const struct port *p, const struct flight *f)
{
    enum bpf_packet_type type = f->bytes[0] & 1 ? BPF_BROADCAST : BPF_HOST;

    if (!p->up)
        return WIRE_UNPLUGGED;
    if (f->len > p->mtu + AOE_ETHER_HEADER)
        return WIRE_TOO_LONG;
    /* The kernel gives a packet socket only what has its EtherType. */
    if (f->len < AOE_ETHER_HEADER ||
        get_be16(f->bytes + 2 * AOE_MAC) != AOE_ETHERTYPE ||
        !bpf_run(&p->filter, f->bytes, f->len, type))
        return WIRE_UNWANTED;
    if (p->queue_max && p->queued >= p->queue_max)
        return WIRE_OVERFLOW;
    return WIRE_DELIVERED;
}

/* The frame is at the port.  True: it is in the queue. */
static bool arrive(struct wire *w, struct port *p, struct flight *f)
{
    enum wire_event e = refusal(p, f);

    note(w, e, p, f->bytes, f->len);
    if (e == WIRE_OVERFLOW)
        p->link.rx_drops++;
    if (e != WIRE_DELIVERED) {
        free(f);
        return false;
    }
    list_append(&p->queue, &f->link);
    p->queued++;
    return true;
}

unsigned wire_advance(struct wire *w, uint64_t now)
{
    unsigned delivered = 0;

    assert(now >= w->now);
    while (w->heap_count > 0 && w->heap[0]->due <= now) {
        struct flight *f = heap_pop(w);
        struct port *p = w->ports[f->slot];

        w->now = f->due;
        if (p && f->way == WIRE_RX) {
            delivered += arrive(w, p, f);
            continue;
        }
        if (p && f->counted)
            p->sending--;
        /* A frame sent before its port was closed is still delivered. */
        if (f->way == WIRE_TX)
            forward(w, p, f);
        free(f);
    }
    w->now = now;
    return delivered;
}

uint64_t wire_next(const struct wire *w)
{
    return w->heap_count > 0 ? w->heap[0]->due : WIRE_NEVER;
}

/* ---- the link ------------------------------------------------------------ */

static int pair_recv(struct link *l, struct link_frame **frames, int max)
{
    struct port *p = port_of(l);
    int n = 0;

    if (!p->up) {
        l->up = false;
        return -ENETDOWN;
    }
    while (n < max && !list_empty(&p->queue)) {
        struct flight *f =
            list_entry(list_first(&p->queue), struct flight, link);
        struct link_frame *frame = link_take(l);

        if (!frame)
            break;
        list_remove(&f->link);
        p->queued--;
        if (f->len > frame->capacity) {
            l->rx_drops++;
            link_release(l, frame);
        } else {
            memcpy(frame->data, f->bytes, f->len);
            frame->len = (uint32_t)f->len;
            frame->age_ns = p->wire->now - f->due;
            frames[n++] = frame;
        }
        free(f);
    }
    return n > 0 || l->up ? n : -ENETDOWN;
}

static struct flight *gather(const struct link_out *out)
{
    struct flight *f;
    size_t len = 0;

    for (int i = 0; i < out->iovcnt; i++)
        len += out->iov[i].iov_len;
    f = flight_new(NULL, 0);
    f = realloc(f, sizeof(*f) + len);
    if (!f)
        abort();
    for (int i = 0; i < out->iovcnt; i++) {
        memcpy(f->bytes + f->len, out->iov[i].iov_base, out->iov[i].iov_len);
        f->len += out->iov[i].iov_len;
    }
    return f;
}

static int pair_send(struct link *l, const struct link_out *out, int count)
{
    struct port *p = port_of(l);
    struct wire *w = p->wire;

    if (!p->up) {
        int taken = 0;

        link_refused(l, ENETDOWN, &taken, count);
        return taken;
    }
    for (int i = 0; i < count; i++) {
        struct flight *f;

        if (p->sending_max && p->sending >= p->sending_max)
            return i;
        f = gather(&out[i]);
        if (f->len < AOE_ETHER_HEADER || f->len > p->mtu + AOE_ETHER_HEADER) {
            l->tx_errors++;
            free(f);
            continue;
        }
        l->tx_frames++;
        l->tx_bytes += f->len;
        note(w, WIRE_SENT, p, f->bytes, f->len);
        f->counted = true;
        if (expose(w, p, WIRE_TX, f))
            p->sending++;
    }
    return count;
}

static int pair_refresh(struct link *l)
{
    struct port *p = port_of(l);
    int changed = 0;

    if (p->mtu != l->mtu && link_grow(l, link_capacity(p->mtu)) == 0) {
        l->mtu = p->mtu;
        changed |= LINK_CHANGED_MTU;
    }
    if (!aoe_mac_equal(&p->mac, &l->mac)) {
        l->mac = p->mac;
        changed |= LINK_CHANGED_MAC;
    }
    if (p->up != l->up || p->up != p->reported)
        changed |= LINK_CHANGED_STATE;
    l->up = p->reported = p->up;
    return changed;
}

static void pair_close(struct link *l)
{
    struct port *p = port_of(l);

    list_each(it, &p->queue)
        free(list_entry(it, struct flight, link));
    p->wire->ports[p->slot] = NULL;
    link_fini(l);
    free(p);
}

static int pair_filter(struct link *l, const struct link_filter *f)
{
    filter_compile(f, true, &port_of(l)->filter);
    return 0;
}

static const struct link_ops pair_ops = {
    .name = "pair",
    .recv = pair_recv,
    .send = pair_send,
    .refresh = pair_refresh,
    .filter = pair_filter,
    .close = pair_close,
};

int wire_open(struct link **out, struct wire *w, const char *name,
              const struct aoe_mac *mac, unsigned mtu,
              const struct link_options *o)
{
    struct port **ports =
        realloc(w->ports, (w->port_count + 1) * sizeof(w->ports[0]));
    struct port *p;

    if (!ports)
        return -ENOMEM;
    w->ports = ports;
    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    if (link_init(&p->link, &pair_ops, name, link_capacity(mtu), o)) {
        free(p);
        return -ENOMEM;
    }
    filter_compile(&o->filter, true, &p->filter);
    list_init(&p->queue);
    p->wire = w;
    p->slot = w->port_count++;
    w->ports[p->slot] = p;
    p->mtu = p->link.mtu = mtu;
    p->mac = p->link.mac = *mac;
    p->up = p->reported = p->link.up = true;
    *out = &p->link;
    return 0;
}

short wire_revents(const struct link *l)
{
    const struct port *p = port_of(l);
    short events = 0;

    if (p->queued > 0)
        events |= POLLIN;
    if (!p->up && l->up)
        events |= POLLERR;
    if (!p->sending_max || p->sending < p->sending_max)
        events |= POLLOUT;
    return events;
}

/* ---- what happens to a port ---------------------------------------------- */

void wire_port_faults(struct link *l, enum wire_way way,
                      const struct wire_faults *f)
{
    port_of(l)->faults[way] = *f;
}

void wire_port_frame_max(struct link *l, enum wire_way way, uint32_t max)
{
    port_of(l)->faults[way].frame_max = max;
}

void wire_port_queues(struct link *l, unsigned rx, unsigned tx)
{
    port_of(l)->queue_max = rx;
    port_of(l)->sending_max = tx;
}

void wire_port_up(struct link *l, bool up)
{
    port_of(l)->up = up;
}

void wire_port_mtu(struct link *l, unsigned mtu)
{
    port_of(l)->mtu = mtu;
}

void wire_port_mac(struct link *l, const struct aoe_mac *mac)
{
    port_of(l)->mac = *mac;
}

/* ---- the wire as a whole ------------------------------------------------- */

struct wire *wire_new(uint64_t seed)
{
    struct wire *w = calloc(1, sizeof(*w));

    if (w)
        w->random = seed;
    return w;
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->port_count; i++)
        assert(!w->ports[i]);
    for (size_t i = 0; i < w->heap_count; i++)
        free(w->heap[i]);
    free(w->heap);
    free(w->ports);
    free(w);
}

uint64_t wire_count(const struct wire *w, enum wire_event e)
{
    return w->counts[e];
}

void wire_watch(struct wire *w,
                void (*seen)(void *arg, uint64_t now, enum wire_event e,
                             const struct link *port, const uint8_t *frame,
                             size_t len),
                void *arg)
{
    w->seen = seen;
    w->seen_arg = arg;
}
