/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a callback must not call (aoe.h): each of those doors, from each kind of
 * callback, wherever that is called from.  An assertion ends the program before
 * a list is pulled away or freed memory is touched.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/disk_fixture.h"

#ifndef NDEBUG
/* ---- the doors ------------------------------------------------------------
 */

/* A context with all that can be closed or stopped. */
struct scene {
    struct fixture f;
    struct aoe_disk *other; /* nothing answers there */
    struct aoe_discovery *search;
    struct aoe_control control;
    struct io io;
    void (*door)(struct scene *s);
};

static void serve(struct scene *s)
{
    aoe_service(s->f.w.aoe);
}

static void push(struct scene *s)
{
    aoe_push(s->f.w.aoe);
}

static void wait_there(struct scene *s)
{
    aoe_wait(s->f.w.aoe, 0);
}

static void flush(struct scene *s)
{
    aoe_flush(s->f.disk);
}

static void run_command(struct scene *s)
{
    struct aoe_control c = {.shelf = 1, .slot = 2, .interface = "client0"};

    aoe_control_run(s->f.w.aoe, &c);
}

static void close_all(struct scene *s)
{
    aoe_close(s->f.w.aoe);
}

static void open_another(struct scene *s)
{
    struct aoe_disk *disk;

    aoe_disk_open(s->f.w.aoe, 1, 4, NULL, NULL, NULL, &disk);
}

static void start_search(struct scene *s)
{
    struct aoe_discovery *search;

    aoe_discover_start(s->f.w.aoe, 1, 2, NULL, NULL, &search);
}

static void stop_search(struct scene *s)
{
    aoe_discover_stop(s->search);
}

static void close_disk(struct scene *s)
{
    aoe_disk_close(s->f.disk);
}

static void close_other(struct scene *s)
{
    aoe_disk_close(s->other);
}

static void (*const doors[])(struct scene *) = {
    serve,        push,         wait_there,  flush,      run_command, close_all,
    open_another, start_search, stop_search, close_disk, close_other};

/* ---- the callbacks --------------------------------------------------------
 */

enum { OPEN = 42, NEVER_CALLED };

/* The child ends here unless the door is closed. */
static void try_door(struct scene *s)
{
    s->door(s);
    _exit(OPEN);
}

static void in_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    (void)disk;
    (void)event;
    try_door(arg);
}

static void in_request(struct aoe_request *r, int status)
{
    (void)status;
    try_door(r->arg);
}

static void in_control(struct aoe_control *c, int status)
{
    (void)status;
    try_door(c->arg);
}

static void in_found(void *arg, const struct aoe_found *found)
{
    (void)found;
    try_door(arg);
}

static void in_trace(void *arg, const char *text)
{
    (void)text;
    try_door(arg);
}

static void ignore_found(void *arg, const struct aoe_found *found)
{
    (void)arg;
    (void)found;
}

/* ---- where they are called ------------------------------------------------
 */

static void run_on(struct scene *s)
{
    world_run(&s->f.w, 10 * NS_PER_S, NULL);
}

static void request(struct scene *s)
{
    static uint8_t sector[512];

    memset(&s->io, 0, sizeof s->io);
    s->io.iov = (struct iovec){sector, sizeof sector};
    s->io.r = (struct aoe_request){.op = AOE_READ,
                                   .length = sizeof sector,
                                   .iov = &s->io.iov,
                                   .iovcnt = 1,
                                   .done = in_request,
                                   .arg = s};
    if (aoe_submit(s->f.disk, &s->io.r))
        _exit(NEVER_CALLED);
}

static void command(struct scene *s)
{
    s->control = (struct aoe_control){.op = AOE_CONTROL_CONFIG_READ,
                                      .shelf = 1,
                                      .slot = 2,
                                      .interface = "client0",
                                      .done = in_control,
                                      .arg = s};
    memset(s->control.mac, 0xff, sizeof s->control.mac);
    if (aoe_control_submit(s->f.w.aoe, &s->control))
        _exit(NEVER_CALLED);
}

static void search_again(struct scene *s)
{
    aoe_discover_stop(s->search);
    aoe_discover_start(s->f.w.aoe, 1, 2, in_found, s, &s->search);
}

static void event(struct scene *s)
{
    struct aoe_disk *disk;

    aoe_disk_open(s->f.w.aoe, 1, 2, NULL, in_event, s, &disk);
    run_on(s);
}

static void request_ends(struct scene *s)
{
    request(s);
    run_on(s);
}

static void request_ends_with_its_disk(struct scene *s)
{
    request(s);
    aoe_disk_close(s->f.disk);
}

static void request_ends_with_all(struct scene *s)
{
    request(s);
    aoe_close(s->f.w.aoe);
}

/* A disk may be closed there, but not by whoever hears of that. */
static void close_in_event(void *arg, struct aoe_disk *disk,
                           enum aoe_event happened)
{
    struct scene *s = arg;

    (void)disk;
    (void)happened;
    request(s);
    aoe_disk_close(s->f.disk);
}

static void request_ends_in_an_event(struct scene *s)
{
    struct aoe_disk *disk;

    aoe_disk_open(s->f.w.aoe, 1, 2, NULL, close_in_event, s, &disk);
    run_on(s);
}

static void command_ends(struct scene *s)
{
    command(s);
    run_on(s);
}

static void command_ends_in_time(struct scene *s)
{
    s->f.nas->silent = true;
    command(s);
    run_on(s);
}

static void command_ends_with_all(struct scene *s)
{
    command(s);
    aoe_close(s->f.w.aoe);
}

static void disk_is_found(struct scene *s)
{
    search_again(s);
    run_on(s);
}

/* It has announced itself and not answered an IDENTIFY. */
static void disk_is_found_at_the_end(struct scene *s)
{
    s->f.nas->silent = true;
    search_again(s);
    model_announce(s->f.nas);
    world_run(&s->f.w, 100 * NS_PER_MS, NULL);
    aoe_discover_stop(s->search);
}

static void line(struct scene *s)
{
    aoe_trace(s->f.w.aoe, 2, in_trace, s);
    run_on(s);
}

/* The disk has no FLUSH: a flush ends as it is submitted, which settles it. */
static void line_within_submit(struct scene *s)
{
    aoe_trace(s->f.w.aoe, 1, in_trace, s);
    submit(&s->f, &s->io, AOE_FLUSH, NULL, 0, 0);
}

static const struct {
    void (*bring_about)(struct scene *s);
    bool closes; /* disks may be closed there */
} places[] = {
    {event, true},
    {request_ends, false},
    {request_ends_with_its_disk, false},
    {request_ends_with_all, false},
    {request_ends_in_an_event, false},
    {command_ends, false},
    {command_ends_in_time, false},
    {command_ends_with_all, false},
    {disk_is_found, false},
    {disk_is_found_at_the_end, false},
    {line, false},
    {line_within_submit, false},
};

/* ---- both -----------------------------------------------------------------
 */

static void arrange(struct scene *s)
{
    memset(s, 0, sizeof *s);
    world_open(&s->f.w, 7, 1500);
    s->f.nas = world_add(&s->f.w, SECTORS, 1500, "one");
    s->f.nas->identity.flush = s->f.nas->identity.flush_ext = false;
    model_speak(s->f.nas);
    open_disk(&s->f, AOE_TIMEOUT_DEFAULT);
    assert_int_equal(
        aoe_disk_open(s->f.w.aoe, 1, 3, NULL, NULL, NULL, &s->other), 0);
    run_on(s);
    assert_true(aoe_disk_ready(s->f.disk));
    assert_int_equal(
        aoe_discover_start(s->f.w.aoe, 1, 2, ignore_found, NULL, &s->search),
        0);
}

static void in_child(size_t place, size_t door, int output)
{
    static struct scene s;

    signal(SIGABRT, SIG_DFL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    dup2(output, STDERR_FILENO);
    arrange(&s);
    s.door = doors[door];
    places[place].bring_about(&s);
    _exit(NEVER_CALLED);
}

/* How it ended, and the assertion that ended it. */
static int attempt_in_child(size_t place, size_t door, char *said, size_t size)
{
    int pipes[2], status;
    ssize_t n;
    pid_t child;

    assert_int_equal(pipe(pipes), 0);
    child = fork();
    if (child == 0)
        in_child(place, door, pipes[1]);
    close(pipes[1]);
    n = read(pipes[0], said, size - 1);
    said[n > 0 ? n : 0] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static bool allowed(size_t place, size_t door)
{
    return places[place].closes &&
           (doors[door] == close_disk || doors[door] == close_other);
}

static bool refused(int status, const char *said)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
           strstr(said, "AOE_IDLE");
}

static bool opened(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == OPEN;
}

static void each_door_is_closed(void **state)
{
    (void)state;
    for (size_t place = 0; place < sizeof places / sizeof places[0]; place++)
        for (size_t door = 0; door < sizeof doors / sizeof doors[0]; door++) {
            char said[512];
            int status = attempt_in_child(place, door, said, sizeof said);

            if (allowed(place, door) ? !opened(status) : !refused(status, said))
                fail_msg("place %zu, door %zu: status %#x: %s", place, door,
                         (unsigned)status, said);
        }
}

#endif

/* ---- what stays allowed ---------------------------------------------------
 */

/* Two requests; when one ends it submits the other, to another disk, and
 * a command. */
struct pair {
    struct fixture f;
    struct aoe_disk *disks[2];
    struct aoe_request r[2];
    struct aoe_control control;
    int statuses[2], submitted[2];
    unsigned ends[2];
};

static void submit_the_other(struct aoe_request *r, int status)
{
    struct pair *p = r->arg;
    int which = r == &p->r[1];

    p->statuses[which] = status;
    if (p->ends[which]++ > 0)
        return;
    p->submitted[which] = aoe_submit(p->disks[!which], &p->r[!which]);
    assert_int_equal(aoe_control_submit(p->f.w.aoe, &p->control), -ECANCELED);
}

static void begin_pair(struct pair *p)
{
    memset(p, 0, sizeof *p);
    world_open(&p->f.w, 7, 1500);
    p->f.nas = world_add(&p->f.w, SECTORS, 1500, "one");
    p->control =
        (struct aoe_control){.shelf = 1, .slot = 2, .interface = "client0"};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            aoe_disk_open(p->f.w.aoe, 1, 2, NULL, NULL, NULL, &p->disks[i]), 0);
        p->r[i] = (struct aoe_request){
            .op = AOE_FLUSH, .done = submit_the_other, .arg = p};
    }
    world_run(&p->f.w, NS_PER_S, NULL);
}

/* Neither is freed as long as a callback may name it. */
static void submitting_while_all_is_closed(void **state)
{
    struct pair p;

    (void)state;
    begin_pair(&p);
    assert_int_equal(aoe_submit(p.disks[0], &p.r[0]), 0);
    world_close(&p.f.w);
    assert_int_equal(p.submitted[0], 0);
    assert_int_equal(p.statuses[1], -ECANCELED);
    assert_int_equal(p.submitted[1], -ESTALE);
    assert_int_equal(p.ends[0], 1);
    assert_int_equal(p.ends[1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef NDEBUG
        cmocka_unit_test(each_door_is_closed),
#endif
        cmocka_unit_test(submitting_while_all_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
