/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Ports, the receive path, the transmit path, and the turn of aoe_service.
 */
#include "initiator/libaoe/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "initiator/libaoe/control.h"
#include "initiator/libaoe/disk.h"
#include "initiator/libaoe/discover.h"
#include "initiator/libaoe/prefix.h"

#define REFRESH_INTERVAL NS_PER_S

enum { RECEIVE_ROUNDS = 4 }; /* batches of one port in one service */

/* What a sleep and a wake-up cost where they cost most, in a virtual machine;
 * beyond that polling would gain little and burn much. */
#define POLL_NS (200 * NS_PER_US)

/* ---- opening and closing --------------------------------------------------
 */

static uint64_t system_clock(void *arg)
{
    (void)arg;
    return clock_ns();
}

int aoe_open_links(struct aoe **out, struct link **links, unsigned count,
                   uint64_t (*clock)(void *arg), void *arg, uint32_t prefix,
                   uint32_t seed)
{
    struct aoe *aoe = calloc(1, sizeof *aoe);

    if (!aoe)
        return -ENOMEM;
    aoe->clock = clock;
    aoe->clock_arg = arg;
    awake_init(&aoe->awake, clock(arg));
    aoe->tag_socket = -1;
    aoe->may_poll = sysconf(_SC_NPROCESSORS_ONLN) > 1;
    list_init(&aoe->disks);
    list_init(&aoe->discoveries);
    list_init(&aoe->controls);
    list_init(&aoe->done);
    flight_init(&aoe->flight, prefix, seed);
    for (unsigned i = 0; i < count; i++) {
        struct port *port = &aoe->ports[aoe->port_count++];

        port->link = links[i];
        port->aoe = aoe;
        list_init(&port->tx);
    }
    aoe->refresh_at = aoe_now(aoe) + REFRESH_INTERVAL;
    *out = aoe;
    return 0;
}

int aoe_open(struct aoe **out, const struct aoe_options *o, const char **bad)
{
    struct link *links[AOE_INTERFACE_MAX];
    struct link_options lo = {
        .backend = o->link,
        .rx_frames = 2 * LINK_BATCH,
        .filter = {.responses = true, .tag_mask = FLIGHT_TAG_MASK}};
    uint32_t prefix, seed;
    unsigned n = 0;
    int err = 0, fd;

    if (bad)
        *bad = NULL;
    if (o->interface_count < 1 || o->interface_count > AOE_INTERFACE_MAX)
        return -EINVAL;
    fd = prefix_claim(&prefix, &seed);
    if (fd < -1 && fd != -EBUSY)
        return fd;
    lo.filter.tag_value = prefix;
    for (; n < o->interface_count; n++) {
        err = link_open(&links[n], o->interfaces[n], &lo);
        if (err && bad)
            *bad = o->interfaces[n];
        if (err)
            break;
    }
    if (!err)
        err = aoe_open_links(out, links, n, system_clock, NULL, prefix, seed);
    if (err) {
        while (n > 0)
            link_close(links[--n]);
        if (fd >= 0)
            close(fd);
        return err;
    }
    (*out)->tag_socket = fd;
    (*out)->tags_shared = fd == -EBUSY;
    (*out)->filter = lo.filter;
    return 0;
}

bool aoe_tags_shared(const struct aoe *aoe)
{
    return aoe->tags_shared;
}

static void run_done(struct aoe *aoe)
{
    struct list *node;

    while ((node = list_first(&aoe->done))) {
        struct transfer *t = list_entry(node, struct transfer, work);

        list_remove(node);
        t->finish(t);
    }
}

void aoe_close(struct aoe *aoe)
{
    struct list *node;

    if (!aoe)
        return;
    control_cancel_all(aoe);
    while ((node = list_first(&aoe->discoveries)))
        discovery_free(list_entry(node, struct aoe_discovery, link));
    while ((node = list_first(&aoe->disks)))
        aoe_disk_close(list_entry(node, struct aoe_disk, link));
    for (unsigned i = 0; i < aoe->port_count; i++)
        link_close(aoe->ports[i].link);
    flight_fini(&aoe->flight);
    if (aoe->tag_socket >= 0)
        close(aoe->tag_socket);
    free(aoe);
}

uint64_t aoe_now(struct aoe *aoe)
{
    aoe->now = aoe->clock(aoe->clock_arg);
    if (awake_run(&aoe->awake, aoe->now))
        aoe->woken = aoe->now;
    return aoe->now;
}

uint64_t aoe_awake(const struct aoe *aoe)
{
    return awake_time(&aoe->awake, aoe->now);
}

void aoe_finish_later(struct aoe *aoe, struct transfer *t)
{
    list_remove(&t->work);
    list_append(&aoe->done, &t->work);
    aoe->kicked = true;
}

/* ---- sending --------------------------------------------------------------
 */

void port_queue(struct port *port, struct frame *f)
{
    list_append(&port->tx, &f->link);
}

void port_send(struct port *port, const uint8_t *frame, size_t len)
{
    struct link_out out = {
        .iov[0] = {.iov_base = (void *)(uintptr_t)frame, .iov_len = len},
        .iovcnt = 1};

    link_send(port->link, &out, 1);
}

void aoe_query(struct aoe *aoe, struct aoe_addr addr)
{
    uint8_t frame[AOE_FRAME_MIN];
    struct aoe_config c = {.command = AOE_CONFIG_READ};
    struct aoe_header h = {.dst = aoe_mac_broadcast,
                           .version = AOE_VERSION,
                           .addr = addr,
                           .command = AOE_CMD_CONFIG,
                           .tag = flight_tag(&aoe->flight)};

    for (unsigned i = 0; i < aoe->port_count; i++) {
        size_t len;

        h.src = aoe->ports[i].link->mac;
        aoe_header_build(frame, &h);
        len = aoe_config_build(frame, &c);
        port_send(&aoe->ports[i], frame, aoe_pad(frame, len));
    }
}

/* Memory that a batch points into until the interface has taken it. */
struct scratch {
    struct link_out out[LINK_BATCH];
    uint8_t head[LINK_BATCH][AOE_FRAME_MIN];
    uint8_t page[AOE_SECTOR]; /* ranges of a TRIM */
};

static void build_header(const struct frame *f, uint8_t *head)
{
    struct aoe_header h = {.dst = f->path->mac,
                           .src = f->path->port->link->mac,
                           .version = AOE_VERSION,
                           .addr = f->disk->addr,
                           .command = AOE_CMD_ATA,
                           .tag = f->tag};
    struct aoe_ata a = {.aflags = f->aflags,
                        .feature = f->feature,
                        .count = f->count,
                        .command = f->opcode,
                        .lba = f->opcode == ATA_DATA_SET_MANAGEMENT
                                   ? 0
                                   : f->lba | (uint64_t)f->device << 24};

    aoe_header_build(head, &h);
    aoe_ata_build(head, &a);
    memset(head + AOE_ATA_HEADER, 0, AOE_FRAME_MIN - AOE_ATA_HEADER);
}

static void build_ranges(const struct frame *f, uint8_t page[AOE_SECTOR])
{
    uint64_t lba = f->lba;
    uint32_t left = f->sectors;

    memset(page, 0, AOE_SECTOR);
    for (; left > 0; page += ATA_TRIM_RANGE) {
        uint32_t n = left < ATA_TRIM_RANGE_MAX ? left : ATA_TRIM_RANGE_MAX;

        ata_trim_put(page, lba, (uint16_t)n);
        lba += n;
        left -= n;
    }
}

static void build(const struct frame *f, struct scratch *s, int i)
{
    struct link_out *o = &s->out[i];

    build_header(f, s->head[i]);
    o->iov[0].iov_base = s->head[i];
    o->iov[0].iov_len = AOE_FRAME_MIN;
    o->iovcnt = 1;
    if (!(f->aflags & AOE_AFLAG_WRITE) && !(f->probe && f->iov))
        return;
    o->iov[0].iov_len = AOE_ATA_HEADER;
    if (f->opcode == ATA_DATA_SET_MANAGEMENT) {
        build_ranges(f, s->page);
        o->iov[1] = (struct iovec){s->page, AOE_SECTOR};
        o->iovcnt = 2;
    } else {
        o->iovcnt += iov_slice(f->iov, f->skip, (size_t)f->sectors * AOE_SECTOR,
                               o->iov + 1, LINK_IOV_MAX - 1);
    }
}

/* Sends one batch; returns false when nothing more can leave now. */
static bool send_batch(struct port *port, struct scratch *s)
{
    struct frame *batch[LINK_BATCH];
    int count = 0, taken;
    uint64_t now;

    list_each(node, &port->tx) {
        struct frame *f = list_entry(node, struct frame, link);
        bool trim = f->opcode == ATA_DATA_SET_MANAGEMENT;

        if (count == LINK_BATCH || (trim && count > 0))
            break;
        build(f, s, count);
        batch[count++] = f;
        if (trim)
            break; /* there is one page of ranges */
    }
    if (count == 0)
        return false;
    taken = link_send(port->link, s->out, count);
    now = aoe_now(port->aoe);
    for (int i = 0; i < taken; i++) {
        struct frame *f = batch[i];

        list_remove(&f->link);
        path_sent(f->path, f, now);
        disk_asked(f->disk, f->path, now);
        f->disk->stats.frames_sent++;
        if (f->copies > 1)
            f->disk->stats.retransmitted++;
    }
    port->stalled = taken < count;
    return !port->stalled;
}

static void flush_port(struct port *port)
{
    struct scratch s;

    if (list_empty(&port->tx)) {
        port->stalled = false;
        return;
    }
    while (send_batch(port, &s))
        ;
}

/* ---- receiving ------------------------------------------------------------
 */

static struct aoe_disk *find_disk(struct aoe *aoe, struct aoe_addr addr)
{
    list_each(node, &aoe->disks) {
        struct aoe_disk *d = list_entry(node, struct aoe_disk, link);

        if (aoe_addr_equal(d->addr, addr))
            return d;
    }
    return NULL;
}

static void config_response(struct port *port, const struct aoe_header *h,
                            const uint8_t *data, size_t len)
{
    struct aoe *aoe = port->aoe;
    struct aoe_config c;

    if (h->flags & AOE_FLAG_ERROR || aoe_config_parse(data, len, &c) ||
        aoe_addr_wildcard(h->addr))
        return;
    list_each(node, &aoe->discoveries)
        discovery_config(list_entry(node, struct aoe_discovery, link), port, h,
                         &c);
    list_each(disk_node, &aoe->disks) {
        struct aoe_disk *d = list_entry(disk_node, struct aoe_disk, link);

        if (aoe_addr_equal(d->addr, h->addr))
            disk_config(d, port, h, &c);
    }
}

/* Nobody waits for this any more. */
static void late_response(struct port *port, const struct aoe_header *h,
                          const uint8_t *data, size_t len)
{
    struct aoe_disk *d = find_disk(port->aoe, h->addr);

    list_each(node, &port->aoe->discoveries)
        discovery_ata(list_entry(node, struct aoe_discovery, link), port, h,
                      data, len);
    if (d)
        disk_stray(d, port, h, data, len);
}

static void ata_response(struct port *port, const struct aoe_header *h,
                         const uint8_t *data, size_t len)
{
    struct frame *f = flight_find(&port->aoe->flight, h->tag);
    struct path *from;
    struct aoe_ata a;

    if (!f) {
        late_response(port, h, data, len);
        return;
    }
    /* Only who we asked may answer: the disk, by an address that is its. */
    if (!aoe_addr_equal(f->disk->addr, h->addr))
        return;
    from = disk_path(f->disk, port, &h->src);
    if (!from || !disk_admits(f->disk, from, f))
        return;
    if (h->flags & AOE_FLAG_ERROR) {
        disk_answered(f);
        disk_error(f->disk, from, f, h->error);
    } else if (aoe_ata_parse(data, len, &a) == 0) {
        disk_answered(f);
        disk_ata(f->disk, from, f, &a);
    }
}

static void receive_frame(struct port *port, const uint8_t *data, size_t len)
{
    struct aoe_header h;

    if (aoe_header_parse(data, len, &h) || !(h.flags & AOE_FLAG_RESPONSE) ||
        h.version > AOE_VERSION || aoe_mac_group(&h.src))
        return;
    if (control_response(port, &h, data, len))
        return;
    /* vblade announces itself with version 0; only its config counts. */
    if (h.command == AOE_CMD_CONFIG)
        config_response(port, &h, data, len);
    else if (h.command == AOE_CMD_ATA && h.version == AOE_VERSION)
        ata_response(port, &h, data, len);
}

static void receive(struct port *port)
{
    struct link_frame *frames[LINK_BATCH];
    int n = LINK_BATCH;

    for (int round = 0; round < RECEIVE_ROUNDS && n == LINK_BATCH; round++) {
        n = link_recv(port->link, frames, LINK_BATCH);
        for (int i = 0; i < n; i++) {
            receive_frame(port, frames[i]->data, frames[i]->len);
            link_release(port->link, frames[i]);
        }
    }
}

/* ---- the turn -------------------------------------------------------------
 */

static void refresh(struct aoe *aoe)
{
    if (aoe->now < aoe->refresh_at)
        return;
    aoe->refresh_at = aoe->now + REFRESH_INTERVAL;
    for (unsigned i = 0; i < aoe->port_count; i++) {
        struct port *port = &aoe->ports[i];

        if (link_refresh(port->link) == 0)
            continue;
        list_each(node, &aoe->disks)
            disk_port_changed(list_entry(node, struct aoe_disk, link), port);
    }
}

static void turn(struct aoe *aoe)
{
    refresh(aoe);
    list_each(node, &aoe->disks)
        disk_tick(list_entry(node, struct aoe_disk, link), aoe->now);
    list_each(found, &aoe->discoveries)
        discovery_tick(list_entry(found, struct aoe_discovery, link), aoe->now);
    control_tick(aoe);
    run_done(aoe);
    aoe->kicked = false;
    list_each(disk, &aoe->disks)
        disk_pump(list_entry(disk, struct aoe_disk, link));
    for (unsigned i = 0; i < aoe->port_count; i++)
        flush_port(&aoe->ports[i]);
    /* Nobody may stay away for longer; aoe_timeout tells when sooner. */
    awake_sleep(&aoe->awake, aoe->now + REFRESH_INTERVAL);
}

/* Whose only interest is one disk is not woken by what others announce and
 * answer.  Runs before a frame leaves, so that no answer is missed. */
static void narrow(struct aoe *aoe)
{
    struct list *first = list_first(&aoe->disks);
    struct link_filter f = aoe->filter;

    if (!f.responses)
        return; /* the links are the caller's own */
    f.one_addr = first && first->next == &aoe->disks &&
                 list_empty(&aoe->discoveries) && list_empty(&aoe->controls);
    if (f.one_addr)
        f.addr = list_entry(first, struct aoe_disk, link)->addr;
    if (f.one_addr == aoe->filter.one_addr &&
        (!f.one_addr || aoe_addr_equal(f.addr, aoe->filter.addr)))
        return;
    for (unsigned i = 0; i < aoe->port_count; i++)
        if (link_set_filter(aoe->ports[i].link, &f))
            return; /* tried again with the next call */
    aoe->filter = f;
}

void aoe_service(struct aoe *aoe)
{
    narrow(aoe);
    aoe_now(aoe);
    for (unsigned i = 0; i < aoe->port_count; i++)
        receive(&aoe->ports[i]);
    turn(aoe);
}

void aoe_push(struct aoe *aoe)
{
    narrow(aoe);
    aoe_now(aoe);
    turn(aoe);
}

int aoe_interface_mac(const struct aoe *aoe, const char *interface,
                      uint8_t mac[6])
{
    for (unsigned i = 0; i < aoe->port_count; i++) {
        const struct link *l = aoe->ports[i].link;

        if (strcmp(l->ifname, interface) != 0)
            continue;
        memcpy(mac, l->mac.b, AOE_MAC);
        return 0;
    }
    return -ENODEV;
}

void aoe_each_interface(void (*each)(void *arg, const char *name), void *arg)
{
    link_candidates(each, arg);
}

int aoe_poll_fds(struct aoe *aoe, struct pollfd *fds, int max)
{
    for (unsigned i = 0; i < aoe->port_count && (int)i < max; i++) {
        struct port *port = &aoe->ports[i];

        fds[i].fd = port->link->fd;
        fds[i].events = (short)(port->stalled ? POLLIN | POLLOUT : POLLIN);
        fds[i].revents = 0;
    }
    return (int)aoe->port_count;
}

int64_t aoe_timeout(struct aoe *aoe)
{
    uint64_t next = aoe->refresh_at, now = aoe_now(aoe);

    if (aoe->kicked) {
        awake_sleep(&aoe->awake, now);
        return 0;
    }
    list_each(node, &aoe->disks) {
        uint64_t at = disk_next(list_entry(node, struct aoe_disk, link));

        if (at < next)
            next = at;
    }
    list_each(found, &aoe->discoveries) {
        uint64_t at =
            discovery_next(list_entry(found, struct aoe_discovery, link));

        if (at < next)
            next = at;
    }
    if (control_next(aoe) < next)
        next = control_next(aoe);
    if (next < now)
        next = now;
    awake_sleep(&aoe->awake, next);
    return (int64_t)(next - now);
}

uint64_t aoe_poll_ns(const struct aoe *aoe)
{
    const struct aoe_disk *lone = NULL;
    unsigned requests = 0;
    uint64_t rtt;

    list_each(node, &aoe->disks) {
        const struct aoe_disk *d = list_entry(node, struct aoe_disk, link);

        requests += d->stats.queued;
        if (d->stats.queued)
            lone = d;
    }
    if (requests != 1 || !aoe->may_poll)
        return 0;
    rtt = disk_data_rtt(lone);
    return rtt && rtt < POLL_NS ? POLL_NS : 0;
}
