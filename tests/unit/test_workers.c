/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Workers: how many run at once, that a hanging queue blocks no other, and that
 * all work is returned.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/store/workers.h"

enum { WORKS = 40, THREADS = 8 };

static struct loop *loop;
static struct workers *workers;
static struct work works[WORKS];
static unsigned unfinished;

/* Shared with the threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned running, most, meet;

static int setup(void **state)
{
    (void)state;
    running = most = meet = unfinished = 0;
    assert_int_equal(loop_open(&loop), 0);
    assert_int_equal(workers_open(&workers, loop, THREADS), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    workers_close(workers);
    loop_close(loop);
    return 0;
}

/* Waits until the wanted number run at the same time. */
static void run(struct work *w)
{
    (void)w;
    pthread_mutex_lock(&lock);
    if (++running > most)
        most = running;
    pthread_cond_broadcast(&changed);
    while (most < meet)
        pthread_cond_wait(&changed, &lock);
    running--;
    pthread_mutex_unlock(&lock);
}

static void done(struct work *w)
{
    (void)w;
    if (--unfinished == 0)
        loop_stop(loop, 0);
}

static void submit(struct work_queue *q, unsigned from, unsigned count)
{
    for (unsigned i = from; i < from + count; i++) {
        works[i] = (struct work){.run = run, .done = done};
        unfinished++;
        work_submit(q, &works[i]);
    }
}

static void as_many_as_there_is_work(void **state)
{
    struct work_queue q;

    (void)state;
    meet = THREADS;
    work_queue_init(&q, workers, THREADS);
    submit(&q, 0, WORKS);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(most, THREADS);
}

static void no_more_than_the_queue_allows(void **state)
{
    struct work_queue q;

    (void)state;
    meet = 3;
    work_queue_init(&q, workers, 3);
    submit(&q, 0, WORKS);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(most, 3);
}

/* Adds the one that the others wait for. */
static void open_gate(struct work *w)
{
    (void)w;
    pthread_mutex_lock(&lock);
    most = meet;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* More work than there are threads waits for the work of another queue. */
static void a_queue_that_hangs(void **state)
{
    struct work_queue hanging, other;

    (void)state;
    meet = WORKS;
    work_queue_init(&hanging, workers, THREADS - 1);
    work_queue_init(&other, workers, 1);
    submit(&hanging, 0, WORKS - 1);
    pthread_mutex_lock(&lock);
    while (running < THREADS - 1)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    works[WORKS - 1] = (struct work){.run = open_gate, .done = done};
    unfinished++;
    work_submit(&other, &works[WORKS - 1]);
    assert_int_equal(loop_run(loop), 0);
}

/* ---- threads that cannot be started ---------------------------------------
 */

/* In a child that may have one thread, and no second one. */
static int without_threads(void)
{
    const struct rlimit one = {1, 1};
    struct loop *l;
    struct workers *w;

    if (setgid(65534) || setuid(65534) || setrlimit(RLIMIT_NPROC, &one) ||
        loop_open(&l))
        return 1;
    return workers_open(&w, l, THREADS) == -EAGAIN ? 0 : 2;
}

static void a_refused_thread_is_said(void **state)
{
    char text[512];
    int ends[2], status;
    ssize_t n;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        _exit(without_threads());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(ends[1]);
    n = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    text[n > 0 ? n : 0] = '\0';
    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "starting a thread for slow disks"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_many_as_there_is_work, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_more_than_the_queue_allows, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_queue_that_hangs, setup, teardown),
        cmocka_unit_test(a_refused_thread_is_said),
    };

    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
