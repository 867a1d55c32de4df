/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A client of the control socket: one line in, one answer out.  A client is
 * trusted, but may hang or send garbage: lines are limited in length, and each
 * step in time.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "target/serve/control_parts.h"

/* Not on every system; the target ignores SIGPIPE anyway. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

#define TIMEOUT_NS (10 * NS_PER_S)

void control_client_close(struct control_client *cl)
{
    loop_unwatch(cl->control->options.loop, &cl->watch);
    loop_timer_cancel(cl->control->options.loop, &cl->timer);
    close(cl->watch.fd);
    list_remove(&cl->link);
    cl->control->count--;
    free(cl->answer);
    free(cl);
}

static void timed_out(void *arg)
{
    control_client_close(arg);
}

static void restart_timer(struct control_client *cl)
{
    struct loop *loop = cl->control->options.loop;

    loop_timer_set(loop, &cl->timer, loop_now(loop) + TIMEOUT_NS);
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
        restart_timer(cl);
    }
    control_client_close(cl);
}

/* Begins to send what was written to the stream; `out` NULL: no memory. */
void control_answer_stream(struct control_client *cl, FILE *out)
{
    if (!out || fclose(out)) {
        control_client_close(cl);
        return;
    }
    restart_timer(cl);
    if (loop_watch(cl->control->options.loop, &cl->watch, POLLOUT))
        control_client_close(cl);
}

FILE *control_answer_begin(struct control_client *cl)
{
    assert(!cl->answer); /* one answer per line */
    cl->answering = true;
    return open_memstream(&cl->answer, &cl->answer_len);
}

/* Another one will follow. */
void control_answer_discard(struct control_client *cl, FILE *out)
{
    if (out)
        fclose(out);
    free(cl->answer);
    cl->answer = NULL;
}

void control_answer(struct control_client *cl, const char *text,
                    const char *detail)
{
    FILE *out = control_answer_begin(cl);

    if (out)
        fprintf(out, "%s%s\n", text, detail);
    control_answer_stream(cl, out);
}

void control_wait(struct control_client *cl)
{
    cl->answering = true;
    loop_timer_cancel(cl->control->options.loop, &cl->timer);
    loop_unwatch(cl->control->options.loop, &cl->watch);
}

/* ---- its line ----------------------------------------------------------- */

static void receive(struct control_client *cl)
{
    char *end;
    ssize_t n = recv(cl->watch.fd, cl->line + cl->line_len,
                     CONTROL_LINE_SIZE - 1 - cl->line_len, 0);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        control_client_close(cl);
        return;
    }
    cl->line_len += (size_t)n;
    cl->line[cl->line_len] = '\0';
    end = strchr(cl->line, '\n');
    if (end) {
        *end = '\0';
        cl->control->obey(cl);
    } else if (cl->line_len == CONTROL_LINE_SIZE - 1) {
        control_answer(cl, "error the line is too long", "");
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

void control_client_new(struct control *c, int fd)
{
    struct control_client *cl =
        c->count < CONTROL_CLIENTS_MAX ? calloc(1, sizeof *cl) : NULL;

    if (!cl) {
        close(fd);
        return;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    cl->control = c;
    cl->watch = (struct loop_fd){.fd = fd, .ready = client_ready, .arg = cl};
    cl->timer = (struct loop_timer){.expired = timed_out, .arg = cl};
    list_append(&c->clients, &cl->link);
    c->count++;
    if (loop_watch(c->options.loop, &cl->watch, POLLIN))
        control_client_close(cl);
    else
        restart_timer(cl);
}
