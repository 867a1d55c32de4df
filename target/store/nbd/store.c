/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on an NBD export, over libnbd's asynchronous calls: opening it, and
 * what is told of it.  What is asked of the server is in requests.c.
 */
#include "target/store/store_nbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/log.h"
#include "target/store/nbd/requests.h"

enum {
    SECTOR = 512,
    PHYSICAL_MAX = 4096, /* more confuses programs that format the disk */
};

static struct nbd_store *nbd_of(struct store *s)
{
    return list_entry(s, struct nbd_store, store);
}

static void nbd_submit(struct store *s, struct list *ops)
{
    struct nbd_store *ns = nbd_of(s);

    list_splice(&ns->pending, ops);
    nbd_requests_turn(ns);
}

static void nbd_store_close(struct store *s)
{
    struct nbd_store *ns = nbd_of(s);

    loop_timer_cancel(ns->connection.loop, &ns->patience);
    nbd_connection_close(&ns->connection);
    free(ns->uri);
    free(ns);
}

static const struct store_ops nbd_ops = {
    .name = "nbd", .submit = nbd_submit, .close = nbd_store_close};

/* Which part of the export is served. */
static int set_window(struct nbd_store *ns, const struct store_file_options *o)
{
    uint64_t size = ns->connection.facts.size;
    uint64_t left = o->offset < size ? size - o->offset : 0;

    if (left < SECTOR || o->length > left) {
        log_error("%s: has %llu bytes; offset and length leave nothing, or "
                  "reach beyond its end",
                  ns->uri, (unsigned long long)size);
        return -EINVAL;
    }
    ns->base = o->offset;
    ns->store.size = (o->length ? o->length : left) / SECTOR * SECTOR;
    return 0;
}

/* AoE's sectors have 512 bytes.  Larger blocks would need read-modify-write,
 * which is better done beside the server. */
static int check_blocks(const struct nbd_store *ns)
{
    uint64_t minimum = ns->connection.facts.minimum;

    if (minimum <= SECTOR)
        return 0;
    log_error("%s: takes requests only in blocks of %llu bytes, and AoE has "
              "sectors of 512; put nbdkit's blocksize filter before it",
              ns->uri, (unsigned long long)minimum);
    return -EINVAL;
}

static void describe(struct nbd_store *ns, const struct store_file_options *o)
{
    const struct nbd_facts *f = &ns->connection.facts;
    uint64_t preferred = f->preferred;

    if (preferred < SECTOR || (preferred & (preferred - 1)))
        preferred = SECTOR;
    ns->store.physical_sector =
        (uint32_t)(preferred < PHYSICAL_MAX ? preferred : PHYSICAL_MAX);
    ns->store.read_only = o->read_only || f->read_only;
    ns->store.no_cache = !f->can_flush;
    ns->store.can_trim = f->can_trim && !ns->store.read_only;
    ns->store.memory_align = 1;
    /* Nothing tells which storage is behind a URI; the URI is what stays. */
    ns->store.identity = fnv64(FNV64_START, ns->uri, strlen(ns->uri));
    log_debug(
        "%s: opened: %llu bytes from %llu on, up to %llu in a request, %s, "
        "%s, %s",
        ns->uri, (unsigned long long)ns->store.size,
        (unsigned long long)ns->base, (unsigned long long)f->maximum,
        f->can_flush ? "flush" : "no cache", f->can_fua ? "FUA" : "no FUA",
        f->can_trim ? "trim" : "no trim");
    if (f->read_only && !o->read_only)
        log_info("%s: the server lets nobody write", ns->uri);
}

/* ---- opening --------------------------------------------------------------
 */

struct store_nbd_dial {
    struct nbd_store *store;
    bool up;
    void (*over)(void *arg); /* NULL: it has been called */
    void *arg;
};

/* Not connected. */
static struct nbd_store *store_new(const char *uri, struct loop *loop)
{
    struct nbd_store *ns = calloc(1, sizeof *ns);
    char *copy = strdup(uri);

    if (!ns || !copy) {
        free(ns);
        free(copy);
        return NULL;
    }
    ns->uri = copy;
    ns->store.ops = &nbd_ops;
    ns->store.fd = -1;
    ns->connection.loop = loop;
    ns->connection.uri = ns->uri;
    nbd_requests_init(ns);
    return ns;
}

static void dial_progress(void *arg)
{
    struct store_nbd_dial *d = arg;
    const struct nbd_connection *c = &d->store->connection;
    void (*over)(void *arg) = d->over;

    if (c->handle && !c->up)
        return;
    d->up = c->up;
    d->over = NULL;
    if (over)
        over(d->arg);
}

/* Before the store was opened. */
static void dial_lost(void *arg)
{
    struct store_nbd_dial *d = arg;

    d->up = false;
}

int store_nbd_dial(struct store_nbd_dial **out, const char *uri,
                   struct loop *loop, void (*over)(void *arg), void *arg)
{
    struct store_nbd_dial *d = calloc(1, sizeof *d);
    struct nbd_connection *c;

    if (d)
        d->store = store_new(uri, loop);
    if (!d || !d->store) {
        free(d);
        return -ENOMEM;
    }
    d->over = over;
    d->arg = arg;
    c = &d->store->connection;
    c->progress = dial_progress;
    c->lost = dial_lost;
    c->arg = d;
    if (nbd_connection_begin(c))
        d->over = NULL;
    *out = d;
    return 0;
}

bool store_nbd_dialled(const struct store_nbd_dial *d)
{
    return !d->over;
}

void store_nbd_hang_up(struct store_nbd_dial *d)
{
    if (!d)
        return;
    if (d->store)
        nbd_store_close(&d->store->store);
    free(d);
}

/* The store of a dial that is over.  0 or -ENOTCONN. */
static int take_dialled(struct nbd_store **out, struct store_nbd_dial *d)
{
    struct nbd_store *ns = d->store;

    if (!d->up) {
        store_nbd_hang_up(d);
        return -ENOTCONN;
    }
    d->store = NULL;
    store_nbd_hang_up(d);
    nbd_requests_serve(ns);
    *out = ns;
    return 0;
}

static int connect_now(struct nbd_store **out, const char *uri,
                       struct loop *loop)
{
    struct nbd_store *ns = store_new(uri, loop);
    int err;

    if (!ns)
        return -ENOMEM;
    err = nbd_connection_open(&ns->connection);
    if (err) {
        free(ns->uri);
        free(ns);
        return err;
    }
    *out = ns;
    return 0;
}

int store_nbd_open(struct store **out, const struct store_file_options *o,
                   struct loop *loop, struct store_nbd_dial *dial)
{
    struct nbd_store *ns;
    int err = dial ? take_dialled(&ns, dial) : connect_now(&ns, o->path, loop);

    if (err)
        return err;
    err = check_blocks(ns);
    if (!err)
        err = set_window(ns, o);
    if (err) {
        nbd_store_close(&ns->store);
        return err;
    }
    describe(ns, o);
    *out = &ns->store;
    return 0;
}
