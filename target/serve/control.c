/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whoever may open the socket is trusted, but may hang or talk nonsense: there
 * are so many clients at most, a line is so long, and time is short.
 */
#include "target/serve/control.h"

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
#include "target/serve/stats.h"

/* Not everywhere; the target ignores the signal anyway. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum { CLIENTS_MAX = 16, LINE_SIZE = 128 };

#define PATIENCE (10 * NS_PER_S)

struct control_client {
    struct control *control;
    struct loop_fd watch;
    struct loop_timer timer; /* until its line is there, or its answer gone */
    char line[LINE_SIZE];
    size_t line_len;
    bool answering;
    char *answer; /* owned */
    size_t answer_len, answer_sent;

    /* What its answer waits for. */
    struct exports_wait settled;
    struct state_save saved;
    struct disk *disk; /* whose change is being saved */
    struct list link;  /* in control.clients */
};

struct control {
    struct control_options options;
    struct loop_fd watch;
    struct list clients;
    unsigned count;
};

static void client_close(struct control_client *cl)
{
    loop_unwatch(cl->control->options.loop, &cl->watch);
    loop_timer_cancel(cl->control->options.loop, &cl->timer);
    close(cl->watch.fd);
    list_remove(&cl->link);
    cl->control->count--;
    free(cl->answer);
    free(cl);
}

static void out_of_patience(void *arg)
{
    client_close(arg);
}

static void be_patient(struct control_client *cl)
{
    struct loop *loop = cl->control->options.loop;

    loop_timer_set(loop, &cl->timer, loop_now(loop) + PATIENCE);
}

/* ---- answers ------------------------------------------------------------ */

static void send_some(struct control_client *cl)
{
    while (cl->answer_sent < cl->answer_len) {
        ssize_t n = send(cl->watch.fd, cl->answer + cl->answer_sent,
                         cl->answer_len - cl->answer_sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0)
            break;
        cl->answer_sent += (size_t)n;
        be_patient(cl);
    }
    client_close(cl);
}

/* Begins to send what was written to the stream; `out` NULL: no memory. */
static void answer_stream(struct control_client *cl, FILE *out)
{
    if (!out || fclose(out)) {
        client_close(cl);
        return;
    }
    be_patient(cl);
    if (loop_watch(cl->control->options.loop, &cl->watch, POLLOUT))
        client_close(cl);
}

static FILE *answer_begin(struct control_client *cl)
{
    cl->answering = true;
    return open_memstream(&cl->answer, &cl->answer_len);
}

/* Another will be given. */
static void answer_discard(struct control_client *cl, FILE *out)
{
    if (out)
        fclose(out);
    free(cl->answer);
    cl->answer = NULL;
}

static void answer(struct control_client *cl, const char *text,
                   const char *detail)
{
    FILE *out = answer_begin(cl);

    if (out)
        fprintf(out, "%s%s\n", text, detail);
    answer_stream(cl, out);
}

/* ---- commands ----------------------------------------------------------- */

static void stats(struct control_client *cl, const char *argument)
{
    bool prometheus = strcmp(argument, "prometheus") == 0;
    FILE *out;

    if (*argument && !prometheus) {
        answer(cl, "error no such format: ", argument);
        return;
    }
    out = answer_begin(cl);
    if (out) {
        fputs("ok\n", out);
        if (prometheus)
            stats_prometheus(cl->control->options.server, out);
        else
            stats_text(cl->control->options.server, out);
    }
    answer_stream(cl, out);
}

static void exports(struct control_client *cl, const char *argument)
{
    FILE *out = answer_begin(cl);

    (void)argument;
    if (out) {
        fputs("ok\n", out);
        exports_print(cl->control->options.exports, out);
    }
    answer_stream(cl, out);
}

/* An answer may take long now, as what is stopped has to end. */
static void wait_for(struct control_client *cl)
{
    cl->answering = true;
    loop_timer_cancel(cl->control->options.loop, &cl->timer);
    loop_unwatch(cl->control->options.loop, &cl->watch);
}

static void reload_settled(struct exports_wait *w, enum exports_outcome outcome)
{
    static const char *const texts[] = {
        [EXPORTS_ALL] = "ok",
        [EXPORTS_SOME] = "error reloaded, but not every disk is served; ctl "
                         "exports and the log of the target say more",
        [EXPORTS_UNCHANGED] = "error reloading: nothing was changed; the log "
                              "of the target says why",
    };

    answer(list_entry(w, struct control_client, settled), texts[outcome], "");
}

static void put_line(void *arg, const char *line)
{
    fprintf(arg, "%s\n", line);
}

/* Why it fails is in the log, and what the log gets meanwhile in the answer. */
static void reload(struct control_client *cl, const char *argument)
{
    struct control_options *o = &cl->control->options;
    FILE *out = answer_begin(cl);
    int err;

    (void)argument;
    if (out) {
        fputs("error ", out);
        log_hear(put_line, out);
    }
    err = o->reload(o->arg);
    log_hear(NULL, NULL);
    if (err) {
        answer_stream(cl, out);
        return;
    }
    answer_discard(cl, out);
    wait_for(cl);
    cl->settled.done = reload_settled;
    exports_settled(o->exports, &cl->settled);
}

static void clear_saved(struct state_save *w, int result)
{
    struct control_client *cl = list_entry(w, struct control_client, saved);

    cl->disk->in_flight--;
    server_touch_disk(cl->control->options.server, cl->disk);
    if (result)
        answer(cl, "error cleared, but not saved: ", strerror(-result));
    else
        answer(cl, "ok", "");
}

/* An address may be there more than once, on different interfaces; but not
 * when changes are saved. */
static void clear(struct control_client *cl, const char *argument,
                  void (*change)(struct export *e))
{
    struct aoe_addr addr;
    unsigned count, found = 0;
    struct disk *const *disks =
        server_disks(cl->control->options.server, &count);

    if (aoe_addr_scan(argument, &addr)) {
        answer(cl, "error not an address as e1.2: ", argument);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        struct disk *d = disks[i];

        if (!aoe_addr_equal(d->export.addr, addr) || list_linked(&d->leaving))
            continue;
        found++;
        change(&d->export);
        if (d->state && state_store_behind(d->state, &d->export))
            cl->disk = d;
    }
    if (!found) {
        answer(cl, "error no such disk: ", argument);
    } else if (!cl->disk) {
        answer(cl, "ok", "");
    } else {
        wait_for(cl);
        cl->disk->in_flight++;
        cl->saved.done = clear_saved;
        state_store_save(cl->disk->state, &cl->disk->export, &cl->saved);
    }
}

static void clear_mask(struct control_client *cl, const char *argument)
{
    clear(cl, argument, export_clear_mask);
}

static void clear_reservation(struct control_client *cl, const char *argument)
{
    clear(cl, argument, export_clear_reserve);
}

static void obey(struct control_client *cl)
{
    static const struct {
        const char *name;
        void (*run)(struct control_client *cl, const char *argument);
    } commands[] = {
        {"stats", stats},
        {"exports", exports},
        {"reload", reload},
        {"clear-mask", clear_mask},
        {"clear-reservation", clear_reservation},
    };
    char *argument = cl->line, *name = strsep(&argument, " ");

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(name, commands[i].name) == 0) {
            commands[i].run(cl, argument ? argument : "");
            return;
        }
    answer(cl, "error no such command: ", name);
}

/* ---- clients ------------------------------------------------------------ */

static void receive(struct control_client *cl)
{
    char *end;
    ssize_t n = recv(cl->watch.fd, cl->line + cl->line_len,
                     LINE_SIZE - 1 - cl->line_len, 0);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        client_close(cl);
        return;
    }
    cl->line_len += (size_t)n;
    cl->line[cl->line_len] = '\0';
    end = strchr(cl->line, '\n');
    if (end) {
        *end = '\0';
        obey(cl);
    } else if (cl->line_len == LINE_SIZE - 1) {
        answer(cl, "error the line is too long", "");
    }
}

static void client_ready(void *arg, short revents)
{
    struct control_client *cl = arg;

    (void)revents;
    if (cl->answering)
        send_some(cl);
    else
        receive(cl);
}

static void accept_one(void *arg, short revents)
{
    struct control *c = arg;
    int fd = accept(c->watch.fd, NULL, NULL);
    struct control_client *cl;

    (void)revents;
    if (fd < 0)
        return;
    cl = c->count < CLIENTS_MAX ? calloc(1, sizeof *cl) : NULL;
    if (!cl) {
        close(fd);
        return;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    cl->control = c;
    cl->watch = (struct loop_fd){.fd = fd, .ready = client_ready, .arg = cl};
    cl->timer = (struct loop_timer){.expired = out_of_patience, .arg = cl};
    list_append(&c->clients, &cl->link);
    c->count++;
    if (loop_watch(c->options.loop, &cl->watch, POLLIN))
        client_close(cl);
    else
        be_patient(cl);
}

/* ---- the socket --------------------------------------------------------- */

/* A socket that nobody listens on was left by a target that crashed. */
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
    /* A listener that accepts nobody must not hold us up. */
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
    if (!err && listen(fd, CLIENTS_MAX))
        err = -errno;
    return err ? err : loop_watch(c->options.loop, &c->watch, POLLIN);
}

int control_open(struct control **out, const struct control_options *o)
{
    struct control *c = calloc(1, sizeof *c);
    int err = -ENOMEM;

    if (c) {
        c->options = *o;
        c->watch = (struct loop_fd){.fd = -1, .ready = accept_one, .arg = c};
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
        client_close(list_entry(it, struct control_client, link));
    loop_unwatch(c->options.loop, &c->watch);
    close(c->watch.fd);
    unlink(c->options.path);
    free(c);
}
