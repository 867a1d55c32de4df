/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A child of `aoe-nbd connect` for calls that may block until requests of the
 * device have completed: we serve those.
 */
#include "base/fd.h"
#include "bridge/aoe-nbd/kernel/connection.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "initiator/client/block_use.h"
#include "bridge/aoe-nbd/kernel/nbd.h"
#include "bridge/aoe-nbd/kernel/use.h"

/* After a server died, the kernel resends a request to the new one when it has
 * waited for a reply for a multiple of this; the default is 30000. */
#define REPEAT_MS "5000"

static int shorten_period(struct kernel_connection *c)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/sys/block/nbd%d/queue/io_timeout", c->index);
    file = fopen(path, "we");
    if (!file)
        return EXIT_FAILED; /* before Linux 5.0 */
    fputs(REPEAT_MS, file);
    return fclose(file) ? EXIT_FAILED : EXIT_DONE;
}

/* The mounts visible here are not the machine's (kernel_guard). */
static void go_to_mounts(void)
{
    int fd = fd_open("/proc/1/ns/mnt", O_RDONLY, 0);

    if (fd < 0 || setns(fd, CLONE_NEWNS))
        log_debug("/proc/1/ns/mnt: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* Whether there is still a user to wait for. */
static bool release(void *arg)
{
    const struct kernel_connection *c = arg;
    struct block_numbers n = {.count = 0};
    char name[16], who[64];

    snprintf(name, sizeof name, "nbd%d", c->index);
    block_numbers_add(&n, name, true);
    block_unmount(&n);
    if (kernel_use(c->index, who, sizeof who))
        return kernel_server(c->index) != 0;
    return kernel_take_away(c->index, false) != EXIT_DONE;
}

static int take_away(struct kernel_connection *c)
{
    int status = kernel_take_away(c->index, false);

    if (status == EXIT_DONE)
        return status;
    go_to_mounts();
    at_shutdown(release, c);
    return status;
}

static int tell_size(struct kernel_connection *c)
{
    struct kernel_nbd k = {
        .index = c->index, .backend = c->backend, .size = c->disk.export.size};
    int err = kernel_nbd_resize(&k);

    if (err)
        log_error("/dev/nbd%d: telling the kernel its size: %s", c->index,
                  kernel_nbd_error(err));
    return err ? EXIT_FAILED : EXIT_DONE;
}

static int (*const works[CHORES])(struct kernel_connection *c) = {
    [CHORE_PERIOD] = shorten_period,
    [CHORE_SIZE] = tell_size,
    [CHORE_TAKE_AWAY] = take_away,
};

/* In the child, whose copies of our descriptors must not keep the device alive
 * when we die.  Signals that go to all processes of a session or a service at
 * once are for the server to handle. */
static int work(struct kernel_connection *c, enum chore chore)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    close(c->socket);
    close(c->lock);
    return works[chore](c);
}

static void next(struct kernel_connection *c)
{
    enum chore chore = 0;

    if (c->helper || c->index < 0 || !c->chores)
        return;
    while (!(c->chores & 1u << chore))
        chore++;
    assert(chore < CHORES);
    c->chores &= ~(1u << chore);
    fflush(NULL);
    c->helper = fork();
    if (c->helper == 0)
        _exit(work(c, chore));
    if (c->helper < 0) {
        log_error("/dev/nbd%d: fork: %s", c->index, strerror(errno));
        c->helper = 0;
    }
}

void helper_chore(struct kernel_connection *c, enum chore chore)
{
    assert(chore < CHORES);
    c->chores |= 1u << chore;
    next(c);
}

void helper_ended(struct kernel_connection *c)
{
    if (c->helper && waitpid(c->helper, NULL, WNOHANG) == c->helper)
        c->helper = 0;
    next(c);
}
