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

#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

#ifdef __linux__
static unsigned threads(void)
{
    struct stat st;

    assert_int_equal(stat("/proc/self/task", &st), 0);
    return (unsigned)st.st_nlink - 2;
}
#endif

static void none_before_there_is_work(void **state)
{
    struct work_queue q;

    (void)state;
#ifdef __linux__
    assert_int_equal(threads(), 1);
#endif
    work_queue_init(&q, workers, THREADS);
    submit(&q, 0, 1);
#ifdef __linux__
    assert_int_equal(threads(), 2);
#endif
    assert_int_equal(loop_run(loop), 0);
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

static pthread_t ran_in;

static void run_alone(struct work *w)
{
    (void)w;
    ran_in = pthread_self();
}

/* In a child that may have one thread, and no second one. */
static int without_threads(void)
{
    const struct rlimit one = {1, 1};
    struct work w = {.run = run_alone, .done = done};
    struct work_queue q;

    if (setgid(65534) || setuid(65534) || setrlimit(RLIMIT_NPROC, &one) ||
        loop_open(&loop) || workers_open(&workers, loop, THREADS))
        return 1;
    work_queue_init(&q, workers, 1);
    unfinished = 1;
    work_submit(&q, &w);
    if (unfinished != 1 || loop_run(loop) != 0 || unfinished != 0)
        return 2;
    return pthread_equal(ran_in, pthread_self()) ? 0 : 3;
}

static void a_refused_thread_is_said_and_done_without(void **state)
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
        cmocka_unit_test_setup_teardown(none_before_there_is_work, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(as_many_as_there_is_work, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_more_than_the_queue_allows, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_queue_that_hangs, setup, teardown),
        cmocka_unit_test(a_refused_thread_is_said_and_done_without),
    };

    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
