/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A state file and its export.  A new state is written beside the old one,
 * brought to the disk, and takes its name; then the directory is brought to the
 * disk.  After a power cut there is the old state or the new one, whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/durable.h"
#include "base/log.h"
#include "target/serve/state.h"

struct keeper {
    int directory; /* descriptor */
    char *path;    /* of the directory, for messages */
    char name[AOE_ADDR_TEXT + 8];
    char temporary[AOE_ADDR_TEXT + 8];
    struct mac_list allow; /* what the owner gave as mask list */

    uint64_t saved;  /* export.changes that are on the disk */
    uint64_t saving; /* that are on their way */
    struct work_queue queue;
    struct work work;
    bool busy;
    char text[STATE_MAX]; /* the worker's while busy */
    size_t len;
    int result;
    struct list running; /* of keeper_wait.link: for what is on its way */
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

static int replace(struct keeper *k)
{
    int fd =
        openat(k->directory, k->temporary,
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int err;

    if (fd < 0)
        return -errno;
    err = write_all(fd, k->text, k->len);
    if (close(fd) && !err)
        err = -errno;
    if (!err && renameat(k->directory, k->temporary, k->directory, k->name))
        err = -errno;
    return err ? err : durable_directory(k->directory);
}

static void run(struct work *w)
{
    struct keeper *k = list_entry(w, struct keeper, work);

    k->result = replace(k);
}

/* ---- saving ------------------------------------------------------------- */

static void start(struct keeper *k)
{
    memcpy(k->text, k->next, k->next_len);
    k->len = k->next_len;
    k->saving = k->next_changes;
    list_splice(&k->running, &k->waiting);
    k->busy = true;
    work_submit(&k->queue, &k->work);
}

static void done(struct work *w)
{
    struct keeper *k = list_entry(w, struct keeper, work);
    int result = k->result;
    struct list told;
    unsigned held;

    k->busy = false;
    if (result == 0)
        k->saved = k->saving;
    else if (log_allowed(&k->errors, clock_ns(), 1, &held))
        log_error("%s/%s: saving: %s; who changed it gets no answer", k->path,
                  k->name, strerror(-result));
    list_init(&told);
    list_splice(&told, &k->running);
    if (!list_empty(&k->waiting))
        start(k);
    for (struct list *node; (node = list_first(&told));) {
        struct keeper_wait *wait = list_entry(node, struct keeper_wait, link);

        list_remove(node);
        wait->done(wait, result);
    }
}

void keeper_save(struct keeper *k, const struct export *e,
                 struct keeper_wait *w)
{
    k->next_len = state_encode(k->next, e, &k->allow);
    k->next_changes = e->changes;
    list_append(&k->waiting, &w->link);
    if (!k->busy)
        start(k);
}

bool keeper_behind(const struct keeper *k, const struct export *e)
{
    return k->saved != e->changes;
}

/* ---- loading ------------------------------------------------------------ */

static ssize_t read_file(int fd, char *out, size_t room)
{
    size_t len = 0;
    ssize_t n;

    do {
        n = read(fd, out + len, room - len);
        if (n < 0 && errno != EINTR)
            return -errno;
        len += n > 0 ? (size_t)n : 0;
    } while (n != 0 && len < room);
    return (ssize_t)len;
}

/* It may tell somebody what happened, so it is kept, but out of the way. */
static int set_aside(const struct keeper *k)
{
    char damaged[AOE_ADDR_TEXT + 32];

    snprintf(damaged, sizeof damaged, "%s.damaged", k->name);
    if (renameat(k->directory, k->name, k->directory, damaged)) {
        int err = -errno;

        log_error("%s/%s: is damaged, and renaming it: %s", k->path, k->name,
                  strerror(-err));
        return err;
    }
    log_error("%s/%s: is damaged and was renamed to %s; config string, mask "
              "list and reservation begin anew",
              k->path, k->name, damaged);
    return 0;
}

static int load(struct keeper *k, struct export *e)
{
    int fd = openat(k->directory, k->name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t len;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return -errno;
    /* One byte of room more than a state file has shows a longer one. */
    len = read_file(fd, k->next, STATE_MAX + 1);
    close(fd);
    if (len < 0)
        return (int)len;
    if (state_decode(e, &k->allow, k->next, (size_t)len))
        return set_aside(k);
    return 0;
}

/* ---- opening ------------------------------------------------------------ */

int keeper_open(struct keeper **out, const char *directory, struct export *e,
                struct workers *workers)
{
    struct keeper *k = calloc(1, sizeof *k);
    char addr[AOE_ADDR_TEXT];
    int err = 0;

    if (!k) {
        log_error("%s: %s", directory, strerror(ENOMEM));
        return -ENOMEM;
    }
    k->path = strdup(directory);
    k->next = malloc(STATE_MAX + 1);
    k->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (k->directory < 0)
        err = -errno;
    if (!k->path || !k->next)
        err = -ENOMEM;
    if (err) {
        log_error("%s: opening the state directory: %s", directory,
                  strerror(-err));
        keeper_close(k);
        return err;
    }
    aoe_addr_format(addr, e->addr);
    snprintf(k->name, sizeof k->name, "%s.state", addr);
    snprintf(k->temporary, sizeof k->temporary, "%s.new", addr);
    k->allow = e->mask;
    work_queue_init(&k->queue, workers, 1);
    k->work.run = run;
    k->work.done = done;
    list_init(&k->running);
    list_init(&k->waiting);
    err = load(k, e);
    if (err) {
        log_error("%s/%s: reading the state: %s", directory, k->name,
                  strerror(-err));
        keeper_close(k);
        return err;
    }
    k->saved = e->changes;
    *out = k;
    return 0;
}

void keeper_close(struct keeper *k)
{
    if (!k)
        return;
    if (k->directory >= 0)
        close(k->directory);
    free(k->path);
    free(k->next);
    free(k);
}
