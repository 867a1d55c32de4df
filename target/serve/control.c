/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The socket itself.
 */
#include "target/serve/control.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "target/serve/control_parts.h"

static void accept_one(void *arg, short revents)
{
    struct control *c = arg;
    int fd = accept(c->watch.fd, NULL, NULL);

    (void)revents;
    if (fd >= 0)
        control_client_new(c, fd);
}

/* Nobody listens on it: a target that crashed left it behind. */
static int remove_stale(const struct sockaddr_un *at)
{
    struct stat st;
    int fd, err = 0;

    if (lstat(at->sun_path, &st))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return -errno;
    /* A listener that never accepts must not block us. */
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 ||
        errno == EAGAIN)
        err = -EADDRINUSE;
    else if (errno != ECONNREFUSED || unlink(at->sun_path))
        err = -errno;
    close(fd);
    return err;
}

static int listen_at(struct control *c)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    mode_t before;
    int fd, err;

    if (strlen(c->options.path) >= sizeof at.sun_path)
        return -ENAMETOOLONG;
    strcpy(at.sun_path, c->options.path);
    err = remove_stale(&at);
    if (err)
        return err;
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return -errno;
    c->watch.fd = fd;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    before = umask(0177);
    err = bind(fd, (struct sockaddr *)&at, sizeof at) ? -errno : 0;
    umask(before);
    if (!err && listen(fd, CONTROL_CLIENTS_MAX))
        err = -errno;
    return err ? err : loop_watch(c->options.loop, &c->watch, POLLIN);
}

int control_open(struct control **out, const struct control_options *o)
{
    struct control *c = calloc(1, sizeof *c);
    int err = -ENOMEM;

    assert(o->path && o->loop);
    if (c) {
        c->options = *o;
        c->watch = (struct loop_fd){.fd = -1, .ready = accept_one, .arg = c};
        c->obey = control_obey;
        list_init(&c->clients);
        err = listen_at(c);
    }
    if (!err) {
        *out = c;
        return 0;
    }
    log_error("%s: control socket: %s", o->path,
              err == -EADDRINUSE ? "another target has it" : strerror(-err));
    if (c && c->watch.fd >= 0)
        close(c->watch.fd);
    free(c);
    return err;
}

void control_close(struct control *c)
{
    if (!c)
        return;
    list_each(it, &c->clients)
        control_client_close(list_entry(it, struct control_client, link));
    loop_unwatch(c->options.loop, &c->watch);
    close(c->watch.fd);
    unlink(c->options.path);
    free(c);
}
