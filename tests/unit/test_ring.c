/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ring when the kernel accepts nothing: this file replaces liburing's
 * submit call, which fails as often as a test wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#ifdef HAVE_URING

#include <dlfcn.h>
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/loop.h"
#include "target/store/ring.h"

enum { HELD = 5, PATIENCE = 20 /* seconds, then it counts as a hang */ };

static unsigned failures, calls; /* to come; that came */
static int error;

int io_uring_submit(struct io_uring *u)
{
    static int (*real)(struct io_uring * u);

    calls++;
    if (failures > 0) {
        failures--;
        return error;
    }
    if (!real)
        real = (int (*)(struct io_uring *))dlsym(RTLD_NEXT, "io_uring_submit");
    return real(u);
}

/* ---- transfers ----------------------------------------------------------- */

static struct loop *loop;
static struct ring *ring;
static int fd;
static uint8_t sectors[HELD][512];
static unsigned done;
static int results[HELD];
static struct ring_transfer transfers[HELD];

static void on_done(struct ring_transfer *t, int result)
{
    results[t - transfers] = result;
    done++;
}

static bool add(unsigned i)
{
    struct iovec iov = {sectors[i], sizeof sectors[i]};

    transfers[i] =
        (struct ring_transfer){.fd = fd, .offset = i * 512, .done = on_done};
    return ring_add(ring, &transfers[i], &iov, 1);
}

static void add_all(void)
{
    done = 0;
    for (unsigned i = 0; i < HELD; i++)
        assert_true(add(i));
}

/* Runs until all of them are done. */
static void run(void)
{
    alarm(PATIENCE);
    while (done < HELD)
        ring_run(ring);
    alarm(0);
}

static void expect(int result)
{
    for (unsigned i = 0; i < HELD; i++)
        assert_int_equal(results[i], result);
}

static int setup(void **state)
{
    char name[] = "/tmp/aoekit-XXXXXX";

    *state = NULL;
    fd = mkstemp(name);
    failures = calls = 0;
    if (fd < 0 || unlink(name) || ftruncate(fd, sizeof sectors) ||
        loop_open(&loop))
        return -1;
    if (ring_open(&ring, loop, false))
        ring = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ring_close(ring);
    loop_close(loop);
    return close(fd);
}

static void need_ring(void)
{
    if (ring)
        return;
    print_message("needs a kernel with io_uring\n");
    skip();
}

static void a_brief_failure_is_survived(void **state)
{
    (void)state;
    need_ring();
    failures = 50;
    error = -EAGAIN;
    add_all();
    run();
    expect(512);
    assert_true(add(0)); /* and the ring goes on */
    done = HELD - 1;
    run();
}

static void a_lasting_failure_gives_the_work_back(void **state)
{
    (void)state;
    need_ring();
    failures = UINT32_MAX;
    error = -EPERM;
    add_all();
    run();
    expect(-EAGAIN);
    assert_true(calls < 1000);
    assert_false(add(0)); /* somebody else has to do it */
    calls = 0;
    ring_run(ring);
    assert_int_equal(calls, 0);
}

/* What the kernel has accepted completes although it accepts no more. */
static void what_is_in_progress_completes(void **state)
{
    int ends[2];
    struct iovec iov = {sectors[0], 1};

    (void)state;
    need_ring();
    assert_int_equal(pipe(ends), 0);
    transfers[0] = (struct ring_transfer){.fd = ends[0], .done = on_done};
    assert_true(ring_add(ring, &transfers[0], &iov, 1));
    done = 0;
    ring_run(ring);
    assert_int_equal(done, 0);
    failures = UINT32_MAX;
    error = -ENOMEM;
    for (unsigned i = 1; i < HELD; i++)
        assert_true(add(i));
    ring_run(ring);
    assert_int_equal(done, HELD - 1);
    assert_int_equal(write(ends[1], "x", 1), 1);
    run();
    assert_int_equal(results[0], 1);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_brief_failure_is_survived, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_lasting_failure_gives_the_work_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_in_progress_completes, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skipped: built without liburing");
    return 77;
}

#endif
