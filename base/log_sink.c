/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A reader of the log that stopped (a full pipe, a console with Ctrl-S, a
 * syslogd that hangs) must not stop a server with it: no disk would be served
 * until somebody presses Ctrl-Q.  What cannot be written at once waits in a
 * small buffer; when that is full, lines are dropped and counted.
 */
#include "base/log_sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

enum {
    PENDING = 16384,
    COUNT_LINE = 160, /* bytes of the line that says how many are missing */
};

/* Not on every system. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* What standard error is; a program may put another file there. */
struct target {
    dev_t device;
    ino_t inode;
    bool known;
    bool socket;
    bool waits;   /* writing may wait: a pipe, a terminal */
    bool journal; /* systemd reads the priority from the beginning of a line */
    /* Our own open file description of it, which does not wait.  To make the
     * one that others have so would disturb them.  -1: none. */
    int own;
};

/* Before each line that waits. */
struct header {
    enum log_priority priority;
    size_t length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct target err_is = {.own = -1};
static const char *program = "aoekit";
static bool never_block, to_syslog, use_stderr = true;
static char pending[PENDING]; /* lines, each after its header */
static size_t pending_used,
    line_sent; /* bytes of the first line that are out */
static unsigned long lost;
uint32_t log_unwritten;

/* ---- standard error ------------------------------------------------------ */

/* systemd.exec(5): device and inode of the socket that leads to the journal. */
static bool is_journal(const struct stat *st)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           (dev_t)device == st->st_dev && (ino_t)inode == st->st_ino;
}

static void forget_own(void)
{
    if (err_is.own >= 0)
        close(err_is.own);
    err_is.own = -1;
    err_is.known = false;
}

/* Without /proc, or the right to open it, poll(2) tells whether there is room;
 * a terminal may still be stopped just then. */
static void open_own(void)
{
    int flags = fcntl(STDERR_FILENO, F_GETFL);

    if (flags >= 0 && flags & O_NONBLOCK) {
        err_is.waits = false;
        return;
    }
    err_is.own =
        fd_open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
}

static void look(void)
{
    struct stat st;

    if (fstat(STDERR_FILENO, &st))
        return;
    if (err_is.known && st.st_dev == err_is.device && st.st_ino == err_is.inode)
        return;
    forget_own();
    err_is =
        (struct target){.device = st.st_dev,
                        .inode = st.st_ino,
                        .known = true,
                        .socket = S_ISSOCK(st.st_mode),
                        .waits = S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode),
                        .journal = is_journal(&st),
                        .own = -1};
    if (never_block && err_is.waits)
        open_own();
}

static bool has_room(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&p, 1, 0) > 0;
}

/* Bytes, or -errno. */
static ssize_t write_some(const char *bytes, size_t length)
{
    ssize_t n;

    if (err_is.socket && never_block)
        n = send(STDERR_FILENO, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (err_is.own >= 0)
        n = write(err_is.own, bytes, length);
    else if (never_block && err_is.waits && !has_room())
        return -EAGAIN;
    else
        n = write(STDERR_FILENO, bytes, length);
    return n < 0 ? -errno : n;
}

/* ---- what waits ---------------------------------------------------------- */

static void drop_first(size_t length)
{
    pending_used -= length;
    line_sent = 0;
    memmove(pending, pending + length, pending_used);
}

/* 0: the line is written, or never can be.  -EAGAIN: the rest of it waits in
 * `pending` until standard error takes more. */
static int write_line(const struct header *h, const char *line)
{
    char out[LOG_LINE_MAX + 8];
    size_t prefix = 0, length;
    ssize_t n;

    look();
    if (err_is.journal)
        prefix = (size_t)snprintf(out, 8, "<%d>", (int)h->priority);
    memcpy(out + prefix, line, h->length);
    length = prefix + h->length;
    n = write_some(out + line_sent, length - line_sent);
    if (n >= 0 && line_sent + (size_t)n < length) {
        line_sent += (size_t)n;
        return -EAGAIN;
    }
    /* After any other error there is nowhere left to report it. */
    return n == -EAGAIN ? -EAGAIN : 0;
}

/* Where there is no syslogd (yet), standard error has to do. */
static int send_line(const struct header *h, const char *line)
{
    int err = -ENOENT;

    if (to_syslog && line_sent == 0)
        err = log_syslog_send(h->priority, program, line, h->length);
    if (err == 0 || err == -EAGAIN || !use_stderr)
        return err == -EAGAIN ? err : 0;
    return write_line(h, line);
}

static void drain(void)
{
    struct header h;

    while (pending_used > 0) {
        memcpy(&h, pending, sizeof h);
        if (send_line(&h, pending + sizeof h) == -EAGAIN)
            return;
        drop_first(sizeof h + h.length);
    }
}

static bool append(enum log_priority priority, const char *line, size_t length)
{
    const struct header h = {priority, length};

    if (sizeof h + length > sizeof pending - pending_used)
        return false;
    memcpy(pending + pending_used, &h, sizeof h);
    memcpy(pending + pending_used + sizeof h, line, length);
    pending_used += sizeof h + length;
    return true;
}

/* In the place of the lines that are missing. */
static void append_count(void)
{
    char line[COUNT_LINE];
    int n = snprintf(line, sizeof line,
                     "%.64s: %lu lines of the log are missing here: nobody "
                     "read them\n",
                     program, lost);

    /* It fits: a line that never did would leave all later ones out. */
    assert(n > 0 && (size_t)n < sizeof line);
    if (append(PRIORITY_ERROR, line, (size_t)n))
        lost = 0;
}

void log_sink_put(enum log_priority priority, const char *line, size_t length)
{
    assert(length > 0 && length <= LOG_LINE_MAX && line[length - 1] == '\n');
    pthread_mutex_lock(&lock);
    drain();
    if (lost && pending_used == 0)
        append_count();
    if (lost || !append(priority, line, length))
        lost++;
    drain();
    shared_store(&log_unwritten, pending_used > 0 || lost > 0);
    pthread_mutex_unlock(&lock);
}

void log_catch_up(void)
{
    pthread_mutex_lock(&lock);
    drain();
    if (lost && pending_used == 0) {
        append_count();
        drain();
    }
    shared_store(&log_unwritten, pending_used > 0 || lost > 0);
    pthread_mutex_unlock(&lock);
}

/* ---- choices ------------------------------------------------------------- */

void log_sink_program(const char *name)
{
    program = name;
}

void log_never_block(void)
{
    pthread_mutex_lock(&lock);
    forget_own();
    never_block = true;
    /* From the background a terminal may be written to (stty tostop). */
    signal(SIGTTOU, SIG_IGN);
    look();
    pthread_mutex_unlock(&lock);
}

void log_to_syslog(bool or_stderr)
{
    log_never_block();
    to_syslog = true;
    use_stderr = or_stderr;
}

void log_let_go(void)
{
    pthread_mutex_lock(&lock);
    forget_own();
    pthread_mutex_unlock(&lock);
}
