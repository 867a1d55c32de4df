/* SPDX-License-Identifier: BSD-2-Clause
 *
 * StartTransientUnit of org.freedesktop.systemd1(5), by D-Bus without a bus:
 * the manager listens on a socket of its own, also before the bus is there.
 * The D-Bus Specification, "Message Protocol" and "Authentication Protocol".
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

static const char manager[] = "/run/systemd/private";

/* A mount that the start of the machine waits for may itself be what the
 * scope's start waits for; the process is moved later then. */
static const uint64_t patience = 5 * NS_PER_S;

/* How long a shutdown waits for the disk's users.  What was written may have to
 * go through a slow network to a slow disk. */
static const uint64_t stop_us = UINT64_C(300) * 1000000;

/* ---- writing a message --------------------------------------------------- */

enum { TYPE_CALL = 1, TYPE_RETURN = 2, TYPE_ERROR = 3, TYPE_SIGNAL = 4 };
enum { FIELD_PATH = 1, FIELD_INTERFACE, FIELD_MEMBER, FIELD_SIGNATURE = 8 };

/* Everything is aligned relative to the beginning of the message; a body begins
 * at a multiple of 8, so that it can be made by itself. */
struct message {
    unsigned char data[2048];
    size_t used;
    bool full;
};

static void put(struct message *m, const void *bytes, size_t count)
{
    if (count > sizeof m->data - m->used)
        m->full = true;
    if (m->full)
        return;
    memcpy(m->data + m->used, bytes, count);
    m->used += count;
}

static void align(struct message *m, size_t to)
{
    static const unsigned char zeroes[8];

    put(m, zeroes, (to - m->used % to) % to);
}

/* In our own byte order, as the first byte of the message says. */
static void put_u32(struct message *m, uint32_t n)
{
    align(m, 4);
    put(m, &n, sizeof n);
}

static void put_string(struct message *m, const char *text)
{
    put_u32(m, (uint32_t)strlen(text));
    put(m, text, strlen(text) + 1);
}

static void put_signature(struct message *m, const char *text)
{
    unsigned char length = (unsigned char)strlen(text);

    put(m, &length, 1);
    put(m, text, length + 1u);
}

/* An array of elements that are aligned to `to`: its length does not count what
 * aligns the first. */
static size_t begin_array(struct message *m, size_t to)
{
    put_u32(m, 0);
    align(m, to);
    return m->used;
}

/* `at` is where the length stands. */
static void end_array(struct message *m, size_t at, size_t begun)
{
    uint32_t length = (uint32_t)(m->used - begun);

    if (!m->full)
        memcpy(m->data + at, &length, sizeof length);
}

/* ---- what is asked for --------------------------------------------------- */

/* A property: its name and the signature of its value, which follows. */
static void put_property(struct message *m, const char *name, const char *type)
{
    align(m, 8);
    put_string(m, name);
    put_signature(m, type);
}

static void put_text(struct message *m, const char *name, const char *value)
{
    put_property(m, name, "s");
    put_string(m, value);
}

static void put_no(struct message *m, const char *name)
{
    put_property(m, name, "b");
    put_u32(m, 0);
}

static void put_time(struct message *m, const char *name, uint64_t us)
{
    put_property(m, name, "t");
    align(m, 8);
    put(m, &us, sizeof us);
}

/* Units, up to a NULL. */
static void put_units(struct message *m, const char *name, ...)
{
    const char *unit;
    va_list units;
    size_t at, begun;

    put_property(m, name, "as");
    align(m, 4);
    at = m->used;
    begun = begin_array(m, 4);
    va_start(units, name);
    while ((unit = va_arg(units, const char *)))
        put_string(m, unit);
    va_end(units);
    end_array(m, at, begun);
}

/* The process that asks, whatever its number is where the manager lives. */
static void put_ourselves(struct message *m)
{
    put_property(m, "PIDs", "au");
    put_u32(m, 4);
    put_u32(m, 0);
}

static void put_properties(struct message *m, const char *about)
{
    put_ourselves(m);
    put_text(m, "Description", about);
    put_text(m, "Slice", "system.slice");
    put_text(m, "CollectMode", "inactive-or-failed");
    /* Those would stop it together with the mounts, not after them. */
    put_no(m, "DefaultDependencies");
    put_units(m, "Conflicts", "shutdown.target", NULL);
    /* A target that nothing wants is not there to be ordered by. */
    put_units(m, "Wants", "remote-fs-pre.target", NULL);
    put_units(m, "Before", "remote-fs-pre.target",
              "systemd-user-sessions.service", "shutdown.target", NULL);
    put_units(m, "After", "network.target", NULL);
    /* SIGTERM asks for the end as soon as nobody uses the disk; who is still
     * at it then has the rest of the shutdown. */
    put_no(m, "SendSIGKILL");
    put_time(m, "TimeoutStopUSec", stop_us);
}

static void put_start(struct message *m, const char *unit, const char *about)
{
    char name[128];
    size_t at, begun;

    snprintf(name, sizeof name, "%s.scope", unit);
    put_string(m, name);
    put_string(m, "fail"); /* when a shutdown is under way */
    align(m, 4);
    at = m->used;
    begun = begin_array(m, 8);
    put_properties(m, about);
    end_array(m, at, begun);
    begin_array(m, 8); /* no other units */
}

static void put_field(struct message *m, unsigned char field, const char *type,
                      const char *value)
{
    align(m, 8);
    put(m, &field, 1);
    put_signature(m, type);
    if (*type == 'g')
        put_signature(m, value);
    else
        put_string(m, value);
}

/* A method of the manager, and what it takes. */
struct method {
    const char *interface, *member, *signature;
    struct message body;
};

static void put_call(struct message *m, const struct method *method)
{
    const struct message *body = &method->body;
    const uint16_t one = 1;
    const unsigned char start[4] = {*(const unsigned char *)&one ? 'l' : 'B',
                                    TYPE_CALL, 0, 1};
    size_t at, begun;

    put(m, start, sizeof start);
    put_u32(m, (uint32_t)body->used);
    put_u32(m, 1); /* its serial number */
    at = m->used;
    begun = begin_array(m, 8);
    put_field(m, FIELD_PATH, "o", "/org/freedesktop/systemd1");
    put_field(m, FIELD_INTERFACE, "s", method->interface);
    put_field(m, FIELD_MEMBER, "s", method->member);
    put_field(m, FIELD_SIGNATURE, "g", method->signature);
    end_array(m, at, begun);
    align(m, 8);
    put(m, body->data, body->used);
    m->full |= body->full;
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

/* We are who the socket says: root.  The manager must have read BEGIN before
 * the first message comes: one that comes together with it lies in its buffer
 * until something else does. */
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
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
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

struct answer {
    int type;
    char fields[1024], body[1024]; /* as much as has room, ended by a zero */
    size_t body_length;
};

static int receive_part(int fd, char *to, size_t room, size_t count,
                        uint64_t until)
{
    char rest[256];
    size_t fit = count < room - 1 ? count : room - 1;
    int err = receive(fd, to, fit, until);

    to[err ? 0 : fit] = '\0';
    for (count -= fit; !err && count > 0; count -= fit) {
        fit = count < sizeof rest ? count : sizeof rest;
        err = receive(fd, rest, fit, until);
    }
    return err;
}

static int receive_answer(int fd, struct answer *a, uint64_t until)
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
static const char *text_in(const struct answer *a)
{
    return a->body_length > 4 ? a->body + 4 : "";
}

static bool holds(const char *bytes, size_t count, const char *text)
{
    return memmem(bytes, count, text, strlen(text)) != NULL;
}

/* The end of our job: its number, its path, the unit, its result. */
static bool is_end_of(const struct answer *a, const char *job)
{
    return a->type == TYPE_SIGNAL &&
           holds(a->fields, sizeof a->fields, "JobRemoved") &&
           holds(a->body, a->body_length, job);
}

/* `path` is that of the job. */
static int wait_for_job(int fd, const char *path, uint64_t until)
{
    struct answer a = {0};
    char job[128];
    int err;

    snprintf(job, sizeof job, "%s", path);
    do
        err = receive_answer(fd, &a, until);
    while (!err && !is_end_of(&a, job));
    if (err == -ETIMEDOUT)
        return 0; /* it is queued, and nothing else moves it */
    if (!err && !holds(a.body, a.body_length, "done"))
        err = -EIO;
    return err;
}

/* Calls it and waits for the answer.  -EIO: the manager refuses, for the reason
 * that the answer holds. */
static int call(int fd, const struct method *method, struct answer *a,
                uint64_t until)
{
    struct message m = {.used = 0};
    int err;

    put_call(&m, method);
    err = m.full ? -EMSGSIZE : authenticate(fd, until);
    if (!err)
        err = send_all(fd, m.data, m.used);
    do
        err = err ? err : receive_answer(fd, a, until);
    while (!err && a->type != TYPE_RETURN && a->type != TYPE_ERROR);
    return !err && a->type == TYPE_ERROR ? -EIO : err;
}

int scope_enter(const char *unit, const char *about, char *why, size_t room)
{
    struct method start = {.interface = "org.freedesktop.systemd1.Manager",
                           .member = "StartTransientUnit",
                           .signature = "ssa(sv)a(sa(sv))"};
    uint64_t until = clock_ns() + patience;
    struct answer a = {0};
    int fd = connect_manager(), err;

    why[0] = '\0';
    if (fd < 0)
        return fd;
    put_start(&start.body, unit, about);
    err = call(fd, &start, &a, until);
    if (err == -EIO)
        snprintf(why, room, "%s", text_in(&a));
    if (!err)
        err = wait_for_job(fd, text_in(&a), until);
    close(fd);
    return err;
}

bool scope_system_stopping(void)
{
    struct method get = {.interface = "org.freedesktop.DBus.Properties",
                         .member = "Get",
                         .signature = "ss"};
    struct answer a = {0};
    int fd = connect_manager(), err;

    if (fd < 0)
        return false;
    put_string(&get.body, "org.freedesktop.systemd1.Manager");
    put_string(&get.body, "SystemState");
    err = call(fd, &get, &a, clock_ns() + patience);
    close(fd);
    return !err && holds(a.body, a.body_length, "stopping");
}

#else

int scope_enter(const char *unit, const char *about, char *why, size_t room)
{
    (void)unit;
    (void)about;
    (void)room;
    why[0] = '\0';
    return -ENOSYS;
}

bool scope_system_stopping(void)
{
    return false;
}

#endif
