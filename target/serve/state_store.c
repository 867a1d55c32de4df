/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A state file and its export.  A new state is written to a second file,
 * synced, and renamed over the old one; then the directory is synced.  After a
 * power cut either the old or the new state is there, complete.
 */
#include "target/serve/state_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/durable.h"
#include "base/fd.h"
#include "base/log.h"
#include "target/serve/state.h"

struct state_store {
    int directory; /* descriptor */
    char *path;    /* of the directory, for messages */
    char name[AOE_ADDR_TEXT + 8];
    char temporary[AOE_ADDR_TEXT + 8];
    struct mac_list allow; /* the owner's mask list */

    uint64_t saved;  /* value of export.changes that is on the disk */
    uint64_t saving; /* value that is being written */
    struct work_queue queue;
    struct work work;
    bool busy;
    char text[STATE_MAX]; /* the worker's while busy */
    size_t len;
    int result;
    struct list running; /* of state_save.link: wait for this write */
    struct list waiting; /* for the next */
    char *next;          /* its text, STATE_MAX bytes */
    size_t next_len;
    uint64_t next_changes;
    struct log_limit errors;
};

/* ---- writing (in a worker) ---------------------------------------------- */

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return durable_file(fd);
}

static int replace(struct state_store *s)
{
    int fd = fd_open_at(s->directory, s->temporary,
                        O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    int err;

    if (fd < 0)
        return -errno;
    err = write_all(fd, s->text, s->len);
    if (close(fd) && !err)
        err = -errno;
    if (!err && renameat(s->directory, s->temporary, s->directory, s->name))
        err = -errno;
    return err ? err : durable_directory(s->directory);
}

static void run(struct work *w)
{
    struct state_store *s = list_entry(w, struct state_store, work);

    s->result = replace(s);
}

/* ---- saving ------------------------------------------------------------- */

static void start(struct state_store *s)
{
    memcpy(s->text, s->next, s->next_len);
    s->len = s->next_len;
    s->saving = s->next_changes;
    list_splice(&s->running, &s->waiting);
    s->busy = true;
    work_submit(&s->queue, &s->work);
}

static void done(struct work *w)
{
    struct state_store *s = list_entry(w, struct state_store, work);
    int result = s->result;
    struct list told;
    unsigned held;

    assert(s->busy);
    s->busy = false;
    if (result == 0) {
        log_debug("%s/%s: saved, %zu bytes", s->path, s->name, s->len);
        s->saved = s->saving;
    } else if (log_allowed(&s->errors, clock_ns(), 1, &held))
        log_error(
            "%s/%s: saving: %s; the client that changed it gets no response",
            s->path, s->name, strerror(-result));
    list_init(&told);
    list_splice(&told, &s->running);
    if (!list_empty(&s->waiting))
        start(s);
    for (struct list *node; (node = list_first(&told));) {
        struct state_save *wait = list_entry(node, struct state_save, link);

        list_remove(node);
        wait->done(wait, result);
    }
}

void state_store_save(struct state_store *s, const struct export *e,
                      struct state_save *w)
{
    s->next_len = state_encode(s->next, e, &s->allow);
    s->next_changes = e->changes;
    assert(w->done && !list_linked(&w->link));
    list_append(&s->waiting, &w->link);
    if (!s->busy)
        start(s);
}

bool state_store_behind(const struct state_store *s, const struct export *e)
{
    return s->saved != e->changes;
}

/* ---- loading ------------------------------------------------------------ */

static ssize_t read_file(int fd, char *out, size_t capacity)
{
    size_t len = 0;
    ssize_t n;

    do {
        n = read(fd, out + len, capacity - len);
        if (n < 0 && errno != EINTR)
            return -errno;
        len += n > 0 ? (size_t)n : 0;
    } while (n != 0 && len < capacity);
    return (ssize_t)len;
}

/* Kept under another name, as evidence. */
static int set_aside(const struct state_store *s)
{
    char damaged[AOE_ADDR_TEXT + 32];

    snprintf(damaged, sizeof damaged, "%s.damaged", s->name);
    if (renameat(s->directory, s->name, s->directory, damaged)) {
        int err = -errno;

        log_error("%s/%s: is damaged and cannot be renamed: %s", s->path,
                  s->name, strerror(-err));
        return err;
    }
    log_error("%s/%s: is damaged and was renamed to %s; config string, mask "
              "list and reservation are reset",
              s->path, s->name, damaged);
    return 0;
}

static int load(struct state_store *s, struct export *e)
{
    int fd = fd_open_at(s->directory, s->name,
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    ssize_t len;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return -errno;
    /* One byte more than the maximum, to detect a file that is too long. */
    len = read_file(fd, s->next, STATE_MAX + 1);
    close(fd);
    if (len < 0)
        return (int)len;
    if (state_decode(e, &s->allow, s->next, (size_t)len))
        return set_aside(s);
    return 0;
}

/* ---- opening ------------------------------------------------------------ */

int state_store_open(struct state_store **out, const char *directory,
                     struct export *e, struct workers *workers)
{
    struct state_store *s = calloc(1, sizeof *s);
    char addr[AOE_ADDR_TEXT];
    int err = 0;

    if (!s) {
        log_error("%s: %s", directory, strerror(ENOMEM));
        return -ENOMEM;
    }
    s->path = strdup(directory);
    s->next = malloc(STATE_MAX + 1);
    s->directory = fd_open(directory, O_RDONLY | O_DIRECTORY, 0);
    if (s->directory < 0)
        err = -errno;
    if (!s->path || !s->next)
        err = -ENOMEM;
    if (err) {
        log_error("%s: opening the state directory: %s", directory,
                  strerror(-err));
        state_store_close(s);
        return err;
    }
    aoe_addr_format(addr, e->addr);
    snprintf(s->name, sizeof s->name, "%s.state", addr);
    snprintf(s->temporary, sizeof s->temporary, "%s.new", addr);
    s->allow = e->mask;
    work_queue_init(&s->queue, workers, 1);
    s->work.run = run;
    s->work.done = done;
    list_init(&s->running);
    list_init(&s->waiting);
    err = load(s, e);
    if (err) {
        log_error("%s/%s: reading the state: %s", directory, s->name,
                  strerror(-err));
        state_store_close(s);
        return err;
    }
    s->saved = e->changes;
    *out = s;
    return 0;
}

void state_store_close(struct state_store *s)
{
    if (!s)
        return;
    assert(!s->busy);
    if (s->directory >= 0)
        close(s->directory);
    free(s->path);
    free(s->next);
    free(s);
}
