/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Messages for syslogd, as syslog(3) sends them (RFC 3164) and BusyBox,
 * sysklogd, rsyslog and systemd's journal take them.  The C library's function
 * waits while syslogd does not read, and with it every disk would.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log_sink.h"

enum { FACILITY_DAEMON = 3 << 3 };

/* Not on every system. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static int syslog_fd = -1;

static int reach(void)
{
    const struct sockaddr_un at = {.sun_family = AF_UNIX,
                                   .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0), err;

    if (fd < 0)
        return -errno;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) == 0) {
        syslog_fd = fd;
        return 0;
    }
    err = -errno;
    close(fd);
    return err;
}

enum { HEADER = 128 };

/* "<27>Nov 29 15:04:05 aoe-target[7]: ", with English names of months. */
static size_t put_header(char *out, enum log_priority priority,
                         const char *program)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    struct tm tm = {0};
    int n;

    localtime_r(&now, &tm);
    n = snprintf(out, HEADER, "<%d>%s %2d %02d:%02d:%02d %s[%ld]: ",
                 FACILITY_DAEMON | (int)priority, months[tm.tm_mon % 12],
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, program,
                 (long)getpid());
    return n < 0 || n >= HEADER ? 0 : (size_t)n;
}

int log_syslog_send(enum log_priority priority, const char *program,
                    const char *line, size_t length)
{
    char message[HEADER + LOG_LINE_MAX];
    size_t used = put_header(message, priority, program);
    size_t name = strlen(program) + 2; /* the header has it already */

    assert(length <= LOG_LINE_MAX && line[length - 1] == '\n');
    if (length <= name || memcmp(line, program, name - 2) != 0)
        name = 0;
    length -= name + 1;
    memcpy(message + used, line + name, length);
    /* Twice: syslogd may have been started again. */
    for (int i = 0; i < 2; i++) {
        int err = syslog_fd < 0 ? reach() : 0;

        if (err)
            return err;
        if (send(syslog_fd, message, used + length,
                 MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
            return -EAGAIN;
        close(syslog_fd);
        syslog_fd = -1;
    }
    return -ECONNREFUSED;
}
