/* SPDX-License-Identifier: BSD-2-Clause
 *
 * StartTransientUnit of org.freedesktop.systemd1(5), by D-Bus without a bus:
 * the manager listens on a socket of its own, even before there is a bus.  The
 * D-Bus Specification, "Authentication Protocol"; messages are made by
 * dbus_message.
 */
#include "initiator/client/scope.h"

#include <errno.h>

#ifdef __linux__

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "initiator/client/dbus_message.h"

static const char manager[] = "/run/systemd/private";
static const char manager_path[] = "/org/freedesktop/systemd1"; /* its object */

/* A deadlock at boot: the start of the scope may wait for the very mount that
 * waits for us.  So we give up soon; the process is then moved later. */
static const uint64_t patience = 5 * NS_PER_S;

/* How long a shutdown waits for the disk's users.  Dirty pages may have to go
 * through a slow network to a slow disk. */
static const uint64_t stop_us = UINT64_C(300) * 1000000;

/* ---- what is asked for --------------------------------------------------- */

/* A property: its name and the signature of its value, which follows. */
static void put_property(struct dbus_message *m, const char *name,
                         const char *type)
{
    dbus_align(m, 8);
    dbus_put_string(m, name);
    dbus_put_signature(m, type);
}

static void put_text(struct dbus_message *m, const char *name,
                     const char *value)
{
    put_property(m, name, "s");
    dbus_put_string(m, value);
}

static void put_no(struct dbus_message *m, const char *name)
{
    put_property(m, name, "b");
    dbus_put_u32(m, 0);
}

static void put_time(struct dbus_message *m, const char *name, uint64_t us)
{
    put_property(m, name, "t");
    dbus_align(m, 8);
    dbus_put(m, &us, sizeof us);
}

/* Units, up to a NULL. */
static void put_units(struct dbus_message *m, const char *name, ...)
{
    const char *unit;
    struct dbus_array array;
    va_list units;

    put_property(m, name, "as");
    array = dbus_begin_array(m, 4);
    va_start(units, name);
    while ((unit = va_arg(units, const char *)))
        dbus_put_string(m, unit);
    va_end(units);
    dbus_end_array(m, array);
}

/* 0 is the calling process, whatever its id in the manager's PID namespace. */
static void put_ourselves(struct dbus_message *m)
{
    put_property(m, "PIDs", "au");
    dbus_put_u32(m, 4);
    dbus_put_u32(m, 0);
}

static void put_properties(struct dbus_message *m, const char *about)
{
    put_ourselves(m);
    put_text(m, "Description", about);
    put_text(m, "Slice", "system.slice");
    put_text(m, "CollectMode", "inactive-or-failed");
    /* The defaults would stop it together with the mounts, not after them. */
    put_no(m, "DefaultDependencies");
    put_units(m, "Conflicts", "shutdown.target", NULL);
    /* Ordering against a target does nothing unless something wants the
     * target. */
    put_units(m, "Wants", "remote-fs-pre.target", NULL);
    put_units(m, "Before", "remote-fs-pre.target",
              "systemd-user-sessions.service", "shutdown.target", NULL);
    put_units(m, "After", "network.target", NULL);
    /* SIGTERM ends it as soon as nobody uses the disk; users that are left have
     * until the end of the shutdown. */
    put_no(m, "SendSIGKILL");
    put_time(m, "TimeoutStopUSec", stop_us);
}

static void put_start(struct dbus_message *m, const char *unit,
                      const char *about)
{
    struct dbus_array array;
    char name[128];

    snprintf(name, sizeof name, "%s.scope", unit);
    dbus_put_string(m, name);
    dbus_put_string(m, "fail"); /* if a shutdown is under way */
    array = dbus_begin_array(m, 8);
    put_properties(m, about);
    dbus_end_array(m, array);
    dbus_begin_array(m, 8); /* no other units */
}

/* ---- the manager's socket ------------------------------------------------ */

static int send_all(int fd, const void *bytes, size_t count)
{
    const char *from = bytes;

    while (count > 0) {
        ssize_t n = send(fd, from, count, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            from += n;
            count -= (size_t)n;
        }
    }
    return 0;
}

static int receive(int fd, void *to, size_t count, uint64_t until)
{
    for (size_t got = 0; got < count;) {
        ssize_t n = recv(fd, (char *)to + got, count - got, 0);

        if (n == 0)
            return -ECONNRESET;
        if (n > 0)
            got += (size_t)n;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (got < count && clock_ns() >= until)
            return -ETIMEDOUT;
    }
    return 0;
}

/* Authenticates as root, by the credentials of the socket.  The manager must
 * have read BEGIN before the first message arrives: one that arrives together
 * with it stays in its buffer until more data does. */
static int authenticate(int fd, uint64_t until)
{
    static const char who[] = "\0AUTH EXTERNAL 30\r\nBEGIN\r\n";
    char line[256];
    size_t used = 0;
    int err = send_all(fd, who, sizeof who - 1);

    while (!err && (used == 0 || line[used - 1] != '\n')) {
        if (used == sizeof line)
            return -EPROTO;
        err = receive(fd, line + used++, 1, until);
    }
    if (!err && (used < 3 || memcmp(line, "OK ", 3) != 0))
        err = -EPERM;
    return err;
}

/* A socket; -ENOSYS: systemd does not run here; -EPERM; or another -errno. */
static int connect_manager(void)
{
    const struct timeval look = {.tv_usec = 100000}; /* at the clock */
    const struct timeval most = {.tv_sec = 5};
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd, err;

    if (access("/run/systemd/system", F_OK)) /* sd_booted(3) */
        return -ENOSYS;
    if (geteuid() != 0)
        return -EPERM;
    fd = fd_socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return -errno;
    memcpy(sun.sun_path, manager, sizeof manager);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    if (connect(fd, (const struct sockaddr *)&sun, sizeof sun) == 0)
        return fd;
    err = errno == EACCES ? -EPERM : -errno;
    close(fd);
    return err;
}

/* ---- what it says -------------------------------------------------------- */

struct reply {
    int type;
    char fields[1024], body[1024]; /* as much as fits, ended by a zero */
    size_t body_length;
};

static int receive_part(int fd, char *to, size_t capacity, size_t count,
                        uint64_t until)
{
    char rest[256];
    size_t fit = count < capacity - 1 ? count : capacity - 1;
    int err = receive(fd, to, fit, until);

    to[err ? 0 : fit] = '\0';
    for (count -= fit; !err && count > 0; count -= fit) {
        fit = count < sizeof rest ? count : sizeof rest;
        err = receive(fd, rest, fit, until);
    }
    return err;
}

static int receive_reply(int fd, struct reply *a, uint64_t until)
{
    unsigned char header[16];
    uint32_t body, fields;
    int err = receive(fd, header, sizeof header, until);

    if (err)
        return err;
    memcpy(&body, header + 4, 4);
    memcpy(&fields, header + 12, 4);
    a->type = header[1];
    a->body_length = body < sizeof a->body - 1 ? body : sizeof a->body - 1;
    if (fields > UINT16_MAX || body > UINT16_MAX * 64)
        return -EPROTO;
    err = receive_part(fd, a->fields, sizeof a->fields, (fields + 7u) / 8 * 8,
                       until);
    return err ? err : receive_part(fd, a->body, sizeof a->body, body, until);
}

/* The first value of a body, a string or an object's path. */
static const char *text_in(const struct reply *a)
{
    return a->body_length > 4 ? a->body + 4 : "";
}

static bool holds(const char *bytes, size_t count, const char *text)
{
    return memmem(bytes, count, text, strlen(text)) != NULL;
}

/* Whether our job has ended.  The body: its number, its path, the unit, its
 * result. */
static bool is_end_of(const struct reply *a, const char *job)
{
    return a->type == DBUS_SIGNAL &&
           holds(a->fields, sizeof a->fields, "JobRemoved") &&
           holds(a->body, a->body_length, job);
}

/* `path` is that of the job. */
static int wait_for_job(int fd, const char *path, uint64_t until)
{
    struct reply a = {0};
    char job[128];
    int err;

    snprintf(job, sizeof job, "%s", path);
    do
        err = receive_reply(fd, &a, until);
    while (!err && !is_end_of(&a, job));
    if (err == -ETIMEDOUT)
        return 0; /* it is queued, and moves the process later */
    if (!err && !holds(a.body, a.body_length, "done"))
        err = -EIO;
    return err;
}

/* Calls the method and waits for the reply.  -EIO: the manager refuses, for the
 * reason in the reply. */
static int call(int fd, const struct dbus_call *what, struct reply *a,
                uint64_t until)
{
    struct dbus_message m = {.used = 0};
    int err;

    dbus_put_call(&m, what);
    err = m.full ? -EMSGSIZE : authenticate(fd, until);
    if (!err)
        err = send_all(fd, m.data, m.used);
    do
        err = err ? err : receive_reply(fd, a, until);
    while (!err && a->type != DBUS_RETURN && a->type != DBUS_ERROR);
    return !err && a->type == DBUS_ERROR ? -EIO : err;
}

int scope_enter(const char *unit, const char *about, char *why, size_t capacity)
{
    struct dbus_call start = {.path = manager_path,
                              .interface = "org.freedesktop.systemd1.Manager",
                              .member = "StartTransientUnit",
                              .signature = "ssa(sv)a(sa(sv))"};
    uint64_t until = clock_ns() + patience;
    struct reply a = {0};
    int fd = connect_manager(), err;

    why[0] = '\0';
    if (fd < 0)
        return fd;
    put_start(&start.body, unit, about);
    err = call(fd, &start, &a, until);
    if (err == -EIO)
        snprintf(why, capacity, "%s", text_in(&a));
    if (!err)
        err = wait_for_job(fd, text_in(&a), until);
    close(fd);
    return err;
}

bool scope_system_stopping(void)
{
    struct dbus_call get = {.path = manager_path,
                            .interface = "org.freedesktop.DBus.Properties",
                            .member = "Get",
                            .signature = "ss"};
    struct reply a = {0};
    int fd = connect_manager(), err;

    if (fd < 0)
        return false;
    dbus_put_string(&get.body, "org.freedesktop.systemd1.Manager");
    dbus_put_string(&get.body, "SystemState");
    err = call(fd, &get, &a, clock_ns() + patience);
    close(fd);
    return !err && holds(a.body, a.body_length, "stopping");
}

#else

int scope_enter(const char *unit, const char *about, char *why, size_t capacity)
{
    (void)unit;
    (void)about;
    (void)capacity;
    why[0] = '\0';
    return -ENOSYS;
}

bool scope_system_stopping(void)
{
    return false;
}

#endif
