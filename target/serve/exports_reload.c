/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From what is served to what another configuration says.  All that can fail
 * is tried first; then what goes ends its work, and what has to wait for that
 * follows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "target/store/device.h"
#include "target/serve/exports_parts.h"

static bool same_file(const char *a, const char *b)
{
    struct stat one, two;

    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &one) == 0 && stat(b, &two) == 0 &&
           one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

/* Whether `e` can be opened only after `old` was closed. */
static bool in_the_way(const struct entry *old, const struct entry *e)
{
    return !old->keep && (aoe_addr_equal(old->config.addr, e->config.addr) ||
                          same_file(old->config.path, e->config.path));
}

static struct entry *first_in_the_way(struct exports *x, const struct entry *e)
{
    list_each(it, &x->serving)
        if (in_the_way(entry_of(it), e))
            return entry_of(it);
    return NULL;
}

/* Its descriptor is dead. */
static bool gone(const struct entry *e)
{
    return e->disk && e->disk->store->fd >= 0 &&
           device_gone(e->disk->store->fd);
}

/* Whether what the path leads to now should be opened in place of what is. */
static bool differs(const struct entry *e, const struct device *d, int fd)
{
    const struct store *s = e->disk->store;
    uint64_t offset = e->config.offset * AOE_SECTOR;
    uint64_t length = e->config.length * AOE_SECTOR;
    uint64_t left = d->size > offset ? d->size - offset : 0;

    if (left < AOE_SECTOR || left < length) {
        log_error("%s: has only %llu bytes left; %s keeps its size",
                  e->config.path, (unsigned long long)d->size, e->disk->name);
        return false;
    }
    if (gone(e) && (d->identity != s->identity || d->naming != s->naming)) {
        log_error("%s: another disk is there now, and is not served in place "
                  "of %s; to take it, start the target anew",
                  e->config.path, e->disk->name);
        return false;
    }
    return d->identity != s->identity || !device_same(s->fd, fd) ||
           (length ? length : left) / AOE_SECTOR * AOE_SECTOR != s->size;
}

/* If it could not be opened as it is now, what is open serves on. */
static bool storage_changed(const struct entry *e)
{
    struct device d;
    int fd, err;
    bool changed;

    if (e->disk->store->fd < 0)
        return false;
    fd = open(e->config.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (gone(e))
            log_error("%s: is gone; %s is served again once it is back",
                      e->config.path, e->disk->name);
        return false;
    }
    err = device_probe(&d, fd, e->config.path, true);
    changed = !err && differs(e, &d, fd);
    close(fd);
    return changed;
}

static struct entry *find_unchanged(struct exports *x,
                                    const struct export_config *c)
{
    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);

        if (!e->leaving && !e->keep && export_config_equal(&e->config, c) &&
            !storage_changed(e))
            return e;
    }
    return NULL;
}

/* Marks what stays, and makes entries for what is new or changed. */
static int compare(struct exports *x, struct config *c, struct list *fresh)
{
    list_each(it, &x->serving)
        entry_of(it)->keep = false;
    for (unsigned i = 0; i < c->count; i++) {
        struct entry *e = find_unchanged(x, &c->exports[i]);

        if (e) {
            e->keep = true;
            e->config.force_file = c->exports[i].force_file;
            e->config.force_address = c->exports[i].force_address;
            continue;
        }
        e = entry_new(x, &c->exports[i]);
        if (!e)
            return -ENOMEM;
        list_append(fresh, &e->link);
    }
    return 0;
}

static void add_needs(const struct entry *e, const char *ifname,
                      unsigned *requests, bool *direct)
{
    const struct export_config *c = &e->config;

    for (unsigned i = 0; i < c->interface_count; i++)
        if (strcmp(c->interfaces[i], ifname) == 0) {
            *requests += c->buffer_count;
            *direct |= c->direct;
        }
}

/* What was refused may be served now; its interfaces may be closed. */
static bool asked_again(const struct entry *e)
{
    return e->keep && (e->state == ENTRY_REFUSED ||
                       (e->state == ENTRY_ASKING && e->again));
}

int exports_open_ports(struct exports *x, struct list *fresh,
                       const struct entry *e)
{
    int err = 0;

    for (unsigned i = 0; i < e->config.interface_count && !err; i++) {
        const char *ifname = e->config.interfaces[i];
        unsigned requests = 0;
        bool direct = false;

        list_each(it, fresh)
            add_needs(entry_of(it), ifname, &requests, &direct);
        list_each(it, &x->serving)
            if (asked_again(entry_of(it)))
                add_needs(entry_of(it), ifname, &requests, &direct);
        err = server_open_port(x->options.server, ifname, requests, direct);
    }
    return err;
}

/* What must be closed first can only be looked at. */
static int look_at(const struct export_config *c)
{
    int fd, err;

    if (strstr(c->path, "://"))
        return 0;
    fd = open(c->path,
              (c->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    err = -errno;
    log_error("%s: opening: %s", c->path, strerror(-err));
    return err;
}

/* All that can fail is tried before anything is changed. */
static int prepare(struct exports *x, struct list *fresh)
{
    list_each(it, fresh) {
        struct entry *e = entry_of(it);
        int err = exports_open_ports(x, fresh, e);

        if (!err)
            err =
                first_in_the_way(x, e) ? look_at(&e->config) : entry_open(x, e);
        if (err)
            return err;
    }
    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);
        int err = asked_again(e) ? exports_open_ports(x, fresh, e) : 0;

        if (err)
            return err;
    }
    return 0;
}

static void ignore(void *arg, struct epochs *epochs)
{
    (void)arg;
    (void)epochs; /* it never had a client */
}

static bool asking(struct exports *x)
{
    list_each(it, &x->serving)
        if (entry_of(it)->state == ENTRY_ASKING && !entry_of(it)->leaving)
            return true;
    return false;
}

/* Interfaces are kept for disks that wait. */
static void close_unused(struct exports *x)
{
    if (list_empty(&x->waiting) && !asking(x))
        server_close_unused(x->options.server);
}

static void discard(struct exports *x, struct list *fresh)
{
    list_each(it, fresh) {
        struct entry *e = entry_of(it);

        if (e->disk)
            server_remove_disk(x->options.server, e->disk, ignore, NULL);
        entry_free(e);
    }
    close_unused(x);
}

/* ---- into service ------------------------------------------------------- */

/* A disk that was on the network until now is not looked for there: nobody
 * should miss it for so long. */
static bool must_ask(const struct entry *e)
{
    return !e->config.force_address &&
           !(e->resumes &&
             strcmp(e->before->serial, e->disk->export.serial) == 0);
}

/* Its storage is open. */
static void join(struct exports *x, struct entry *e)
{
    e->state = must_ask(e) ? ENTRY_ASKING : ENTRY_FREE;
    e->keep = true; /* in nobody's way */
    list_append(&x->serving, &e->link);
}

static void serve(struct exports *x, struct entry *e)
{
    if (entry_serve(x, e)) {
        x->incomplete = true;
        server_remove_disk(x->options.server, e->disk, ignore, NULL);
        entry_free(e);
        return;
    }
    entry_say(e);
}

/* Those for which the way is free now. */
static void start_waiting(struct exports *x)
{
    list_each(it, &x->waiting) {
        struct entry *e = entry_of(it);

        if (first_in_the_way(x, e) || !exports_dialled(x, &e->config))
            continue;
        list_remove(&e->link);
        if (entry_open(x, e)) {
            char name[AOE_ADDR_TEXT];

            log_error("%s: is not served any longer",
                      aoe_addr_format(name, e->config.addr));
            x->incomplete = true;
            entry_free(e);
        } else {
            join(x, e);
        }
    }
}

static bool settled(struct exports *x)
{
    list_each(it, &x->serving)
        if (entry_of(it)->leaving)
            return false;
    return list_empty(&x->waiting) && !asking(x) && !x->dialling;
}

static enum exports_outcome outcome(struct exports *x)
{
    if (x->failed)
        return EXPORTS_UNCHANGED;
    list_each(it, &x->serving)
        if (entry_of(it)->state != ENTRY_SERVED || gone(entry_of(it)))
            return EXPORTS_SOME;
    return x->incomplete ? EXPORTS_SOME : EXPORTS_ALL;
}

static void tell_settled(struct exports *x)
{
    struct list *node;

    while (settled(x) && (node = list_first(&x->waits))) {
        struct exports_wait *w = list_entry(node, struct exports_wait, link);

        list_remove(node);
        w->done(w, outcome(x));
    }
}

void exports_settled(struct exports *x, struct exports_wait *w)
{
    list_append(&x->waits, &w->link);
    tell_settled(x);
}

static void looked(void *arg);

void exports_go_on(struct exports *x)
{
    start_waiting(x);
    list_each(it, &x->serving)
        if (entry_of(it)->state == ENTRY_FREE && !entry_of(it)->leaving)
            serve(x, entry_of(it));
    exports_look_begin(x, looked);
    close_unused(x);
    tell_settled(x);
    exports_again(x);
}

static void looked(void *arg)
{
    struct exports *x = arg;

    exports_look_end(x);
    if (!server_stopping(x->options.server))
        exports_go_on(x);
}

static void left(void *arg, struct epochs *epochs)
{
    struct entry *e = arg;
    struct exports *x = e->exports;

    list_remove(&e->link);
    exports_here_release(x, e);
    if (epochs_untold(epochs)) {
        epochs_inherit(&e->epochs, epochs);
        list_append(&x->gone, &e->link);
    } else {
        entry_free(e);
    }
    exports_go_on(x);
}

/* ---- another configuration ---------------------------------------------- */

static bool served_on(const struct entry *e, const char *ifname)
{
    for (unsigned i = 0; i < e->config.interface_count; i++)
        if (strcmp(e->config.interfaces[i], ifname) == 0)
            return e->state == ENTRY_SERVED;
    return false;
}

/* What a changed export was like before; without memory it begins afresh. */
static void remember(struct exports *x, struct entry *e)
{
    list_each(it, &x->serving) {
        struct entry *old = entry_of(it);

        if (old->keep || e->before ||
            !aoe_addr_equal(old->config.addr, e->config.addr))
            continue;
        e->keep_mask = mac_list_equal(&old->config.allow, &e->config.allow);
        e->before = malloc(sizeof *e->before);
        if (!e->before)
            continue;
        *e->before = old->disk->export;
        e->resumes = true;
        for (unsigned i = 0; i < e->config.interface_count; i++)
            e->resumes &= served_on(old, e->config.interfaces[i]);
    }
}

struct tally {
    unsigned unchanged, changed, started, stopped;
};

static void leave(struct exports *x, struct entry *e, bool changed)
{
    if (!changed && e->state == ENTRY_SERVED)
        log_info("%s: is not served any longer", e->disk->name);
    e->leaving = true;
    /* A dead descriptor has nothing to write, and says that all is well. */
    if (gone(e))
        disk_abandon(e->disk);
    server_remove_disk(x->options.server, e->disk, left, e);
}

static void exchange(struct exports *x, struct list *fresh, struct tally *n)
{
    list_each(it, fresh) {
        struct entry *e = entry_of(it);

        remember(x, e);
        n->changed += e->before != NULL;
        n->started += e->before == NULL;
    }
    list_each(it, &x->serving) {
        struct entry *old = entry_of(it);
        bool changed = false;

        n->unchanged += old->keep;
        if (old->keep || old->leaving)
            continue;
        list_each(f, fresh)
            changed |=
                aoe_addr_equal(entry_of(f)->config.addr, old->config.addr);
        n->stopped += !changed;
        leave(x, old, changed);
    }
    list_each(it, fresh) {
        struct entry *e = entry_of(it);

        list_remove(&e->link);
        if (e->disk)
            join(x, e);
        else
            list_append(&x->waiting, &e->link);
    }
    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);

        if (!asked_again(e))
            continue;
        e->state = e->config.force_address ? ENTRY_FREE : ENTRY_ASKING;
        e->again = false;
    }
}

int exports_reload_now(struct exports *x, struct config *c)
{
    struct tally n = {0};
    struct list fresh;
    int err;

    list_init(&fresh);
    err =
        server_stopping(x->options.server) ? -ESHUTDOWN : compare(x, c, &fresh);
    if (!err)
        err = prepare(x, &fresh);
    config_free(c);
    if (err) {
        list_each(it, &x->serving)
            entry_of(it)->keep = !entry_of(it)->leaving;
        discard(x, &fresh);
        exports_dial_tidy(x);
        log_error("reloading: nothing was changed");
        return err;
    }
    /* An earlier configuration's, which this one takes the place of. */
    list_each(it, &x->waiting)
        entry_free(entry_of(it));
    x->incomplete = x->failed = false;
    exchange(x, &fresh, &n);
    log_info("reloaded: %u unchanged, %u changed, %u started, %u stopped",
             n.unchanged, n.changed, n.started, n.stopped);
    exports_go_on(x);
    exports_dial_tidy(x);
    return 0;
}
