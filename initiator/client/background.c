/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Going to the background.
 */
#include "initiator/client/background.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/options.h"

pid_t background_fork(struct background *bg)
{
    int ends[2];
    pid_t pid;

    if (pipe(ends))
        return -errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        pid = -errno;
        close(ends[0]);
        close(ends[1]);
        return pid;
    }
    close(ends[pid ? 1 : 0]);
    bg->ready_fd = ends[pid ? 0 : 1];
    return pid;
}

int background_wait(struct background *bg, pid_t server)
{
    char byte;
    ssize_t n;
    int status;

    do
        n = read(bg->ready_fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    close(bg->ready_fd);
    if (n == 1)
        return EXIT_DONE;
    while (waitpid(server, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILED;
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        return WEXITSTATUS(status);
    log_error("the server ended before it was ready");
    return EXIT_FAILED;
}

/* ---- syslog -------------------------------------------------------------- */

static void end_line(struct background *bg)
{
    size_t prefix = strlen(log_name());
    const char *text = bg->line;

    bg->line[bg->used] = '\0';
    bg->used = 0;
    /* The log begins its lines with the program's name itself. */
    if (strncmp(text, log_name(), prefix) == 0 && text[prefix] == ':')
        text += prefix + 1 + (text[prefix + 1] == ' ');
    if (*text)
        log_info("%s", text);
}

static void log_ready(void *arg, short revents)
{
    struct background *bg = arg;
    char bytes[512];
    ssize_t n;

    (void)revents;
    while ((n = read(bg->log_fd, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] != '\n')
                bg->line[bg->used++] = bytes[i];
            if (bytes[i] == '\n' || bg->used == sizeof bg->line - 1)
                end_line(bg);
        }
}

/* The log goes to syslog.  What else is written to standard error, by
 * libraries, reaches it through a pipe to ourselves.  A full pipe drops lines:
 * it must never block the one thread that drains it. */
static int stderr_to_syslog(struct background *bg, struct loop *loop)
{
    int ends[2];

    if (pipe(ends))
        return -errno;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    log_to_syslog(false);
    log_let_go();
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    bg->log_fd = ends[0];
    bg->loop = loop;
    bg->watch =
        (struct loop_fd){.fd = bg->log_fd, .ready = log_ready, .arg = bg};
    return loop_watch(loop, &bg->watch, POLLIN);
}

int background_detach(struct background *bg, struct loop *loop)
{
    struct stat st;
    int null, err = 0;
    bool told;

    setsid();
    if (chdir("/"))
        return -errno;
    null = fd_open("/dev/null", O_RDWR, 0);
    if (null < 0)
        return -errno;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close(null);
    if (fstat(STDERR_FILENO, &st) || !S_ISREG(st.st_mode))
        err = stderr_to_syslog(bg, loop);
    if (err)
        return err;
    told = write(bg->ready_fd, "", 1) == 1;
    close(bg->ready_fd);
    bg->ready_fd = -1;
    return told ? 0 : -EPIPE;
}

void background_close(struct background *bg)
{
    if (bg->log_fd < 0)
        return;
    log_ready(bg, 0);
    loop_unwatch(bg->loop, &bg->watch);
    close(bg->log_fd);
    bg->log_fd = -1;
}
