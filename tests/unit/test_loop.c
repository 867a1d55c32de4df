/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Many descriptors in one loop: those watched by poll(2), and those beyond.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"

enum { MANY = 200 }; /* more than are called in one turn */

struct many {
    struct loop *loop;
    struct line {
        struct many *many;
        struct loop_fd watch;
        int far_end;
        unsigned called;
        short revents;
    } lines[MANY];
    struct line *to_remove; /* by the next that is called */
    struct loop_timer end;
};

static void ready(void *arg, short revents)
{
    struct line *l = arg;
    char bytes[8];

    l->called++;
    l->revents = revents;
    if (revents & POLLIN)
        assert_true(read(l->watch.fd, bytes, sizeof bytes) >= 0);
    if (l->many->to_remove) {
        loop_unwatch(l->many->loop, &l->many->to_remove->watch);
        l->many->to_remove = NULL;
    }
}

static void once(void *arg)
{
    loop_stop(arg, 0);
}

/* As many turns as all need to be called. */
static void turns(struct many *m)
{
    for (int i = 0; i < 2 + MANY / 16; i++) {
        loop_timer_set(m->loop, &m->end, 0);
        assert_int_equal(loop_run(m->loop), 0);
    }
}

static int setup(void **state)
{
    static struct many m;

    memset(&m, 0, sizeof m);
    assert_int_equal(loop_open(&m.loop), 0);
    m.end = (struct loop_timer){.expired = once, .arg = m.loop};
    for (int i = 0; i < MANY; i++) {
        struct line *l = &m.lines[i];
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        *l = (struct line){.many = &m, .far_end = ends[1]};
        l->watch = (struct loop_fd){.fd = ends[0], .ready = ready, .arg = l};
        assert_int_equal(loop_watch(m.loop, &l->watch, POLLIN), 0);
    }
    *state = &m;
    return 0;
}

static int teardown(void **state)
{
    struct many *m = *state;

    for (int i = 0; i < MANY; i++) {
        loop_unwatch(m->loop, &m->lines[i].watch);
        close(m->lines[i].watch.fd);
        close(m->lines[i].far_end);
    }
    loop_close(m->loop);
    return 0;
}

static void say(struct many *m, int i)
{
    assert_int_equal(write(m->lines[i].far_end, "x", 1), 1);
}

static void called(struct many *m, unsigned times)
{
    for (int i = 0; i < MANY; i++)
        assert_int_equal(m->lines[i].called, times);
}

static void all_are_called(void **state)
{
    struct many *m = *state;

    turns(m);
    called(m, 0);
    for (unsigned round = 1; round < 4; round++) {
        for (int i = 0; i < MANY; i++)
            say(m, i);
        turns(m);
        called(m, round);
    }
}

static void events_change(void **state)
{
    struct many *m = *state;

    for (int i = 0; i < MANY; i++) {
        say(m, i);
        assert_int_equal(loop_watch(m->loop, &m->lines[i].watch, 0), 0);
    }
    turns(m);
    called(m, 0);
    for (int i = 0; i < MANY; i++)
        loop_watch(m->loop, &m->lines[i].watch, POLLIN);
    turns(m);
    called(m, 1);
    for (int i = 0; i < MANY; i++) {
        loop_watch(m->loop, &m->lines[i].watch, 0);
        shutdown(m->lines[i].far_end, SHUT_RDWR);
    }
    turns(m);
    for (int i = 0; i < MANY; i++)
        assert_true(m->lines[i].revents & POLLHUP);
}

/* Removed, also by another one in the same turn, is removed. */
static void removed_are_not_called(void **state)
{
    struct many *m = *state;

    for (int i = 0; i < MANY; i += 2)
        loop_unwatch(m->loop, &m->lines[i].watch);
    for (int i = 0; i < MANY; i++)
        say(m, i);
    m->to_remove = &m->lines[MANY - 1];
    turns(m);
    for (int i = 0; i < MANY - 1; i++)
        assert_int_equal(m->lines[i].called, i % 2);
    assert_int_equal(m->lines[MANY - 1].called, 0);
    /* And watched again in a free slot. */
    for (int i = 0; i < MANY; i += 2)
        loop_watch(m->loop, &m->lines[i].watch, POLLIN);
    loop_watch(m->loop, &m->lines[MANY - 1].watch, POLLIN);
    turns(m);
    called(m, 1);
}

/* Both ready at once, so that one call of the kernel tells of both. */
static void removed_in_the_same_turn(void **state)
{
    struct many *m = *state;

    say(m, MANY - 2);
    say(m, MANY - 1);
    m->to_remove = &m->lines[MANY - 1];
    turns(m);
    assert_int_equal(m->lines[MANY - 2].called, 1);
    assert_int_equal(m->lines[MANY - 1].called, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* ---- a process that is stopped --------------------------------------------
 */

struct stopped {
    struct loop *loop;
    struct loop_fd watch;
    struct loop_timer beat, deadline;
};

static void beat(void *arg)
{
    struct stopped *s = arg;

    loop_timer_set(s->loop, &s->beat, loop_now(s->loop) + 10 * NS_PER_MS);
}

static void heard(void *arg, short revents)
{
    struct stopped *s = arg;

    (void)revents;
    loop_stop(s->loop, 0);
}

static void too_late(void *arg)
{
    struct stopped *s = arg;

    loop_stop(s->loop, 1);
}

/* In a process of its own: whether anything arrives before the deadline. */
static int wait_for(int fd)
{
    struct stopped s = {0};

    if (loop_open(&s.loop))
        return 2;
    s.watch = (struct loop_fd){.fd = fd, .ready = heard, .arg = &s};
    s.beat = (struct loop_timer){.expired = beat, .arg = &s};
    s.deadline = (struct loop_timer){.expired = too_late, .arg = &s};
    loop_watch(s.loop, &s.watch, POLLIN);
    beat(&s);
    loop_timer_set(s.loop, &s.deadline, loop_now(s.loop) + 3 * NS_PER_S);
    return loop_run(s.loop);
}

static void deadlines_stop_with_the_process(void **state)
{
    const struct timespec stopped = {4, 0}, later = {0, 300000000};
    int ends[2], status;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(wait_for(ends[0]));
    nanosleep(&later, NULL); /* it waits by now; if not, it may as well */
    kill(pid, SIGSTOP);
    nanosleep(&stopped, NULL);
    kill(pid, SIGCONT);
    nanosleep(&later, NULL);
    assert_int_equal(write(ends[1], "", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(ends[0]);
    close(ends[1]);
}

/* ---- sleeping ------------------------------------------------------------ */

static void caught(void *arg, int signo)
{
    (void)signo;
    loop_stop(arg, 7);
}

/* The sleep would end only after the test's time. */
static void a_signal_before_the_sleep_ends_it(void **state)
{
    struct loop *loop;

    (void)state;
    assert_int_equal(loop_open(&loop), 0);
    assert_true(loop_sleep(loop, 1));
    assert_int_equal(loop_signal(loop, SIGUSR1, caught, loop), 0);
    assert_true(loop_sleep(loop, 1));
    raise(SIGUSR1);
    assert_false(loop_sleep(loop, 3600 * NS_PER_S));
    assert_int_equal(loop_run(loop), 7);
    assert_true(loop_sleep(loop, 1));
    loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_are_called),
        TEST(events_change),
        TEST(removed_are_not_called),
        TEST(removed_in_the_same_turn),
        TEST(deadlines_stop_with_the_process),
        cmocka_unit_test(a_signal_before_the_sleep_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
