/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Goes through the open files of all processes.  Our own targets are left out:
 * they take locks, which also know parts of a file.
 */
#include "target/store/open_by.h"

#include <stdio.h>

#include "target/store/in_use.h"
#include "target/store/process.h"

struct open_by_search {
    const struct open_by_question *question;
    struct stat what;
    struct process found;
    bool writes;
};

/* A partition of our disk counts.  So does the disk that ours is a partition
 * of, if that is served as a whole; others who open it, such as partitioning
 * tools, know what they do. */
static bool same(const struct open_by_search *s, const struct stat *st,
                 bool served)
{
    if (!S_ISBLK(s->what.st_mode))
        return S_ISREG(st->st_mode) && st->st_dev == s->what.st_dev &&
               st->st_ino == s->what.st_ino;
    return S_ISBLK(st->st_mode) &&
           (in_use_part_of(st->st_rdev, s->what.st_rdev) ||
            (served && in_use_part_of(s->what.st_rdev, st->st_rdev)));
}

static bool overlap(const struct open_by_question *q, const struct process *p)
{
    uint64_t begin = p->offset * AOE_SECTOR;
    uint64_t end = p->length ? begin + p->length * AOE_SECTOR : UINT64_MAX;
    uint64_t our_end = q->length ? q->offset + q->length : UINT64_MAX;

    return begin < our_end && q->offset < end;
}

static bool in_the_way(const struct open_by_search *s)
{
    const struct process *p = &s->found;

    switch (p->kind) {
    case PROCESS_AOE_TARGET:
        return false;
    case PROCESS_VBLADE:
    case PROCESS_SERVER:
        return (s->writes || !s->question->read_only) &&
               overlap(s->question, p);
    default:
        return s->writes;
    }
}

static bool look(void *arg, pid_t pid, const char *path)
{
    struct open_by_search *s = arg;
    struct stat st;

    if (!process_file_stat(path, &st) || !same(s, &st, true) ||
        !process_read(&s->found, pid) ||
        !same(s, &st, s->found.kind != PROCESS_OTHER))
        return false;
    s->writes = process_file_writes(path);
    return in_the_way(s);
}

static bool look_for_writer(void *arg, pid_t pid, const char *path)
{
    struct open_by_search *s = arg;
    struct stat st;

    return process_file_stat(path, &st) && same(s, &st, true) &&
           process_file_writes(path) && process_read(&s->found, pid);
}

static bool look_for_lock(void *arg, pid_t pid, const char *path)
{
    struct open_by_search *s = arg;
    struct stat st;

    return process_file_stat(path, &st) && same(s, &st, false) &&
           process_file_locked(path) && process_read(&s->found, pid);
}

static void say(const struct process *p, char *out, size_t capacity)
{
    if (p->kind == PROCESS_VBLADE)
        snprintf(out, capacity,
                 "%s (pid %ld) answers AoE%s%s already; stop it and take its "
                 "line out of /etc/inittab",
                 p->name, (long)p->pid, p->told ? " on " : "", p->interfaces);
    else if (p->kind == PROCESS_SERVER)
        snprintf(out, capacity, "%s (pid %ld) exports it", p->name,
                 (long)p->pid);
    else
        snprintf(out, capacity, "open for writing by %s (pid %ld)", p->name,
                 (long)p->pid);
}

bool open_by_another(const struct open_by_question *q, char *out,
                     size_t capacity)
{
    struct open_by_search s = {.question = q};

    if (fstat(q->fd, &s.what) || !process_each_file(look, &s))
        return false;
    say(&s.found, out, capacity);
    return true;
}

bool open_by_anybody(const struct open_by_question *q, char *out,
                     size_t capacity)
{
    struct open_by_search s = {.question = q};

    if (fstat(q->fd, &s.what) || !process_each_file(look_for_writer, &s))
        return false;
    snprintf(out, capacity, "in use by %s (pid %ld)", s.found.name,
             (long)s.found.pid);
    return true;
}

static void say_ours(const struct process *p, const char *what,
                     struct open_by_holder *o)
{
    snprintf(o->text, sizeof o->text, "%s (pid %ld)", what, (long)p->pid);
    if (p->told)
        snprintf(o->hint, sizeof o->hint,
                 "; to serve it on a second interface, too, name both in one "
                 "line: %u %u %s,NETIF FILE",
                 p->addr.shelf, p->addr.slot, p->interfaces);
}

void open_by_locker(const struct open_by_question *q, const char *what,
                    struct open_by_holder *o)
{
    struct open_by_search s = {.question = q};

    o->hint[0] = '\0';
    if (fstat(q->fd, &s.what) || !process_each_file(look_for_lock, &s))
        snprintf(o->text, sizeof o->text, "%s", what);
    else if (s.found.kind == PROCESS_AOE_TARGET)
        say_ours(&s.found, what, o);
    else
        snprintf(o->text, sizeof o->text, "locked by %s (pid %ld)",
                 s.found.name, (long)s.found.pid);
}
