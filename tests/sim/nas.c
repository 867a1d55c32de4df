/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A simulated NAS.
 */
#include "tests/sim/nas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "target/protocol/responder.h"

enum {
    SECTOR = 512,
    CAPACITY = 9100,
    REQUESTS_MAX = 256, /* it drops what exceeds them */
};

/* A reload takes at least this long. */
#define REOPEN_MIN (2 * NS_PER_MS)

struct job {
    struct request request;
    struct link *port;
    uint8_t frame[CAPACITY];
};

static struct job *job_of(struct request *r)
{
    return list_entry(r, struct job, request);
}

/* ---- what the disk asks for -----------------------------------------------
 */

static uint64_t host_now(void *arg)
{
    return ((const struct nas *)arg)->now;
}

static void host_touch(void *arg, struct disk *d)
{
    (void)d;
    ((struct nas *)arg)->touched = true;
}

static void send_reply(struct job *j)
{
    struct link_out out = {.iov[0] = {j->frame, j->request.x.reply_len},
                           .iovcnt = 1};

    link_send(j->port, &out, 1);
}

static void host_release(void *arg, struct request *r)
{
    (void)arg;
    free(job_of(r));
}

static void host_answer(void *arg, struct request *r)
{
    send_reply(job_of(r));
    host_release(arg, r);
}

static void host_committed(void *arg, struct disk *d)
{
    (void)arg;
    (void)d;
}

static void host_lost(void *arg, struct disk *d)
{
    struct nas *n = arg;

    (void)d;
    n->losses++;
    nas_announce(n);
}

static const struct disk_host host = {.now = host_now,
                                      .touch = host_touch,
                                      .answer = host_answer,
                                      .release = host_release,
                                      .committed = host_committed,
                                      .lost = host_lost};

/* ---- opening and closing the disk -----------------------------------------
 */

static void forget_copies(struct nas *n)
{
    reply_cache_free(n->disk.reply_cache);
    n->disk.reply_cache = NULL;
}

void nas_knows_no_copies(struct nas *n)
{
    n->forgets = true;
    if (!n->closed)
        forget_copies(n);
}

static void forget_untold(struct nas *n)
{
    epochs_fini(&n->untold);
}

static void open_disk(struct nas *n)
{
    disk_init(&n->disk, &host, n, &n->export,
              medium_open(&n->medium, n->remote));
    if (n->forgets)
        forget_copies(n);
    if (epochs_untold(&n->untold))
        epochs_inherit(&n->disk.epochs, &n->untold);
    else
        forget_untold(n);
    n->closed = false;
    n->state = NAS_SERVES;
    n->commit_at =
        n->export.commit_ns ? n->now + n->export.commit_ns : UINT64_MAX;
    n->starts++;
}

static void drop_jobs(struct nas *n)
{
    struct list *node;

    while ((node = list_first(&n->disk.order.entries))) {
        struct order_entry *e = list_entry(node, struct order_entry, link);

        list_remove(node);
        free(job_of(list_entry(e, struct request, order)));
    }
}

static void close_disk(struct nas *n)
{
    n->export = n->disk.export;
    epochs_inherit(&n->untold, &n->disk.epochs);
    disk_fini(&n->disk);
    n->closed = true;
}

/* What it had accepted gets no answer. */
static void abandon_disk(struct nas *n)
{
    if (n->closed)
        return;
    medium_abandon(n->disk.store);
    drop_jobs(n);
    close_disk(n);
}

void nas_open(struct nas *n, const struct nas_options *o, uint64_t now)
{
    struct link_options links = {.rx_frames = 512};

    memset(n, 0, sizeof *n);
    n->now = now;
    n->dice = o->dice;
    n->vendor = o->vendor;
    n->remote = o->remote;
    n->export = (struct export){.addr = o->addr,
                                .sectors = o->sectors,
                                .physical_sector = SECTOR,
                                .buffer_count = 32,
                                .write_cache = !o->durable,
                                .sync = o->durable,
                                .can_trim = true,
                                .trim_zeroes = true,
                                .commit_ns = o->commit_ns};
    snprintf(n->export.serial, sizeof n->export.serial, "%s", o->serial);
    medium_init(&n->medium, o->sectors);
    n->medium.dice = o->dice;
    n->medium.now = &n->now;
    epochs_init(&n->untold);
    for (unsigned i = 0; i < o->ports; i++) {
        struct aoe_mac mac = {{2, 0, 0, (uint8_t)o->serial[0], 1, (uint8_t)i}};

        if (wire_open(&n->ports[n->port_count++], o->wire, "nas", &mac, o->mtu,
                      &links))
            abort();
    }
    n->closed = true;
    n->state = NAS_OFF;
    nas_start(n);
}

void nas_close(struct nas *n)
{
    abandon_disk(n);
    forget_untold(n);
    for (unsigned i = 0; i < n->port_count; i++)
        link_close(n->ports[i]);
    medium_fini(&n->medium);
}

/* ---- frames ---------------------------------------------------------------
 */

static bool is_flush(const struct job *j)
{
    struct aoe_ata a;

    return j->request.x.header.command == AOE_CMD_ATA &&
           aoe_ata_parse(j->frame, j->request.x.len, &a) == 0 &&
           (a.command == ATA_FLUSH_CACHE || a.command == ATA_FLUSH_CACHE_EXT);
}

/* Like firmware that claims to have the command, and does not. */
static void refuse_flush(struct nas *n, struct job *j)
{
    if (!n->refuses_flushes || !is_flush(j))
        return;
    j->frame[AOE_HEADER + 3] = ATA_NOP; /* the command register */
    n->refused++;
}

static void take(struct nas *n, struct link *port, const struct link_frame *f)
{
    struct job *j = malloc(sizeof *j);
    struct exchange *x;

    if (!j)
        abort();
    memset(&j->request, 0, sizeof j->request);
    memcpy(j->frame, f->data, f->len);
    j->port = port;
    j->request.disk = &n->disk;
    x = &j->request.x;
    *x = (struct exchange){.frame = j->frame,
                           .len = f->len,
                           .capacity = CAPACITY,
                           .mac = &port->mac,
                           .mtu = port->mtu,
                           .export = &n->disk.export};
    if (responder_accept(x) != RESPONDER_ACCEPTED ||
        !aoe_addr_matches(x->header.addr, n->disk.export.addr)) {
        free(j);
        return;
    }
    refuse_flush(n, j);
    switch (responder_request(x)) {
    case RESPONDER_REPLY:
        send_reply(j);
        /* fall through */
    case RESPONDER_DROP:
        free(j);
        return;
    case RESPONDER_STORE:
        if (n->disk.in_flight < REQUESTS_MAX)
            disk_start(&n->disk, &j->request);
        else
            free(j);
    }
}

/* Below Ethernet's minimum, a frame was truncated on the wire: its checksum is
 * wrong, and no interface would deliver it. */
static bool whole(const struct link_frame *f)
{
    return f->len >= AOE_FRAME_MIN;
}

static void receive(struct nas *n, struct link *port)
{
    struct link_frame *f;

    while (link_recv(port, &f, 1) == 1) {
        if (n->state == NAS_SERVES && whole(f))
            take(n, port, f);
        link_release(port, f);
    }
}

void nas_announce(struct nas *n)
{
    for (unsigned i = 0; i < n->port_count; i++) {
        uint8_t frame[CAPACITY];
        struct exchange x = {.frame = frame,
                             .capacity = CAPACITY,
                             .mac = &n->ports[i]->mac,
                             .mtu = n->ports[i]->mtu,
                             .export = &n->disk.export};
        uint32_t len = responder_announce(&x, &aoe_mac_broadcast);
        struct link_out out = {.iov[0] = {frame, len}, .iovcnt = 1};

        if (len)
            link_send(n->ports[i], &out, 1);
    }
}

/* ---- turns ----------------------------------------------------------------
 */

static void settle(struct nas *n)
{
    while (n->touched) {
        n->touched = false;
        disk_submit(&n->disk);
    }
}

static void commit(struct nas *n)
{
    if (n->commit_at > n->now)
        return;
    disk_commit(&n->disk);
    settle(n);
    n->commit_at = n->now + n->export.commit_ns;
}

/* What is lost with a device is accounted for when it comes back. */
static void closed(struct nas *n)
{
    if (n->pulled)
        disk_abandon(&n->disk);
    close_disk(n);
    if (n->state == NAS_CLOSES) {
        n->open_at = n->now + REOPEN_MIN + dice_below(n->dice, NS_PER_S);
        return;
    }
    /* Not orderly, if some client has not been told yet. */
    n->export.vendor.orderly = !epochs_untold(&n->untold);
    if (!n->export.vendor.orderly)
        n->stopped_lossy++;
    forget_untold(n);
    n->state = NAS_OFF;
}

/* As target/serve/server.c does it (tidy, drop_disk). */
static void tidy(struct nas *n)
{
    if (n->state != NAS_CLOSES && n->state != NAS_STOPS)
        return;
    if (!n->closed && n->disk.in_flight == 0) {
        disk_commit(&n->disk);
        settle(n);
        if (!n->disk.committing)
            closed(n);
    }
    if (n->state == NAS_CLOSES && n->closed && n->open_at <= n->now) {
        n->pulled = false;
        n->reopened++;
        open_disk(n);
    }
}

void nas_run(struct nas *n, uint64_t now)
{
    n->now = now;
    for (unsigned i = 0; i < n->port_count; i++) {
        link_refresh(n->ports[i]);
        receive(n, n->ports[i]);
    }
    if (!n->closed) {
        settle(n);
        while (medium_step(n->disk.store))
            settle(n);
        commit(n);
    }
    tidy(n);
}

uint64_t nas_next(const struct nas *n)
{
    uint64_t next;

    if (n->closed)
        return n->state == NAS_CLOSES ? n->open_at : UINT64_MAX;
    next = medium_next(n->disk.store);
    return next < n->commit_at ? next : n->commit_at;
}

bool nas_idle(const struct nas *n)
{
    return n->state == NAS_SERVES && n->disk.in_flight == 0 &&
           medium_next(n->disk.store) == UINT64_MAX;
}

/* ---- what befalls it ------------------------------------------------------
 */

void nas_reopen(struct nas *n)
{
    if (n->state == NAS_SERVES)
        n->state = NAS_CLOSES;
}

void nas_pull(struct nas *n)
{
    if (n->state != NAS_SERVES)
        return;
    medium_pull(n->disk.store);
    n->pulled = true;
}

void nas_stop(struct nas *n)
{
    if (n->state == NAS_SERVES)
        n->state = NAS_STOPS;
}

void nas_kill(struct nas *n)
{
    abandon_disk(n);
    forget_untold(n);
    n->export.vendor.orderly = false;
    n->state = NAS_OFF;
}

uint64_t nas_crash(struct nas *n)
{
    nas_kill(n);
    return medium_power_off(&n->medium);
}

/* The epoch stays the same only where nothing can have been lost. */
void nas_start(struct nas *n)
{
    struct ata_vendor *v = &n->export.vendor;

    if (n->state != NAS_OFF)
        return;
    v->present = n->vendor;
    v->boot = random_nonzero(UINT64_MAX);
    if (!v->orderly)
        v->epoch = random_nonzero(ATA_EPOCH_MAX);
    n->pulled = false;
    open_disk(n);
    nas_announce(n);
}
