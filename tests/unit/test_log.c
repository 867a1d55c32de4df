/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines on standard error: whole, one call each, with the time if wanted, and
 * rate-limited where a peer can provoke them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static int real_stderr, ends[2];

static int setup(void **state)
{
    (void)state;
    log_verbosity = 0;
    real_stderr = dup(STDERR_FILENO);
    if (pipe(ends) || fcntl(ends[0], F_SETFL, O_NONBLOCK))
        return -1;
    dup2(ends[1], STDERR_FILENO);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* What has been written since; "" for nothing. */
static const char *said(void)
{
    static char text[4096];
    ssize_t n = read(ends[0], text, sizeof text - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void a_line(void **state)
{
    (void)state;
    log_program("/usr/sbin/some-program");
    assert_string_equal(log_name(), "some-program");
    log_error("%s: %d", "e1.2", 7);
    assert_string_equal(said(), "some-program: e1.2: 7\n");
    log_info("well");
    assert_string_equal(said(), "some-program: well\n");
}

static void a_long_line_is_cut(void **state)
{
    char text[3000];
    const char *got;

    (void)state;
    log_program("p");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_error("%s", text);
    got = said();
    assert_int_equal(strlen(got), 1023);
    assert_int_equal(got[1022], '\n');
    assert_int_equal(got[1021], 'x');
}

static int evaluated;

static int evaluate(void)
{
    return ++evaluated;
}

static void detail_has_two_levels(void **state)
{
    regex_t timed;

    (void)state;
    log_program("p");
    evaluated = 0;
    log_debug("decided %d", evaluate());
    log_trace("frame %d", evaluate());
    assert_string_equal(said(), "");
    assert_int_equal(evaluated, 0);
    assert_int_equal(
        regcomp(&timed,
                "^p: [0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{6} decided 1\n$",
                REG_EXTENDED | REG_NOSUB),
        0);
    log_verbosity = 1;
    log_debug("decided %d", evaluate());
    log_trace("frame %d", evaluate());
    assert_int_equal(regexec(&timed, said(), 0, NULL, 0), 0);
    log_verbosity = 2;
    log_trace("frame %d", evaluate());
    assert_non_null(strstr(said(), " frame 2\n"));
    regfree(&timed);
}

static void heard(void *arg, const char *line)
{
    snprintf(arg, 64, "%s", line);
}

static void errors_are_handed_on(void **state)
{
    char line[64] = "";

    (void)state;
    log_program("p");
    log_hear(heard, line);
    log_info("no error");
    assert_string_equal(line, "");
    log_error("an %s", "error");
    assert_string_equal(line, "an error");
    log_hear(NULL, NULL);
    log_error("another");
    assert_string_equal(line, "an error");
}

static void *say(void *arg)
{
    log_error("%s", (const char *)arg);
    return NULL;
}

static void errors_of_other_threads_are_not(void **state)
{
    char line[64] = "", diverted[64] = "";
    pthread_t other;

    (void)state;
    log_hear(heard, line);
    assert_int_equal(pthread_create(&other, NULL, say, "another's"), 0);
    pthread_join(other, NULL);
    assert_string_equal(line, "");
    log_divert(heard, diverted);
    log_error("diverted");
    log_divert(NULL, NULL);
    assert_string_equal(line, "");
    assert_string_equal(diverted, "diverted");
    log_error("not diverted");
    assert_string_equal(line, "not diverted");
    log_hear(NULL, NULL);
}

static void a_flood_is_held_back(void **state)
{
    struct log_limit limit = {0};
    unsigned held = 99, allowed = 0;
    uint64_t now = 1000 * NS_PER_S;

    (void)state;
    for (int i = 0; i < 100; i++)
        allowed += log_allowed(&limit, now + (unsigned)i, 3, &held);
    assert_int_equal(allowed, 3);
    assert_int_equal(held, 0);
    assert_false(log_allowed(&limit, now + 10 * NS_PER_S - 1, 3, &held));
    assert_true(log_allowed(&limit, now + 10 * NS_PER_S, 3, &held));
    assert_int_equal(held, 98);
    assert_true(log_allowed(&limit, now + 10 * NS_PER_S, 3, &held));
    assert_int_equal(held, 0);
}

static void a_line_a_minute(void **state)
{
    struct log_limit limit = {0};
    unsigned held;

    (void)state;
    assert_true(log_minutely(&limit, NS_PER_S, &held));
    assert_false(log_minutely(&limit, 60 * NS_PER_S, &held));
    assert_true(log_minutely(&limit, 61 * NS_PER_S, &held));
    assert_int_equal(held, 1);
}

/* Else the next socket would be where lines go. */
static void closed_descriptors_are_taken(void **state)
{
    int in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO), fd;

    (void)state;
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    log_program("p");
    fd = open("/dev/null", O_RDWR);
    assert_true(fd > STDERR_FILENO);
    /* With standard output closed, the user is told that nothing can be
     * printed. */
    assert_int_equal(write(STDOUT_FILENO, "x", 1), -1);
    assert_int_equal(errno, EBADF);
    close(fd);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    close(in);
    close(out);
}

/* ---- a reader that stopped ------------------------------------------------
 */

/* Fills the pipe through a description of its own, and empties it. */
static void fill(void)
{
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK);
    char block[4096];

    memset(block, 'x', sizeof block);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
}

static void empty(char *out, size_t capacity)
{
    size_t used = 0;
    ssize_t n;

    while ((n = read(ends[0], out + used, capacity - 1 - used)) > 0)
        used += (size_t)n;
    out[used] = '\0';
}

/* What arrives of 1,000 lines while nobody reads, and of one after that. */
static const char *through_a_full_pipe(const char *name)
{
    static char text[1 << 20];

    log_program(name);
    log_never_block();
    fill();
    alarm(20);
    for (int i = 0; i < 1000; i++)
        log_error("line %d", i);
    alarm(0);
    assert_true(log_behind());
    empty(text, sizeof text);
    assert_null(strstr(text, "line"));
    log_catch_up();
    log_error("the next one");
    empty(text, sizeof text);
    assert_false(log_behind());
    return text;
}

static void a_full_pipe_does_not_block(void **state)
{
    const char *text = through_a_full_pipe("p"), *last;

    (void)state;
    /* What had a place in the buffer, how many had not, and what follows. */
    assert_non_null(strstr(text, "p: line 0\np: line 1\np: line 2\n"));
    assert_null(strstr(text, "p: line 999\n"));
    last = strstr(text, " lines of the log are missing here");
    assert_non_null(last);
    assert_non_null(strstr(last, "p: the next one\n"));
}

/* The line that counts them has less space than others. */
static void a_long_name_leaves_no_line_out(void **state)
{
    char name[201] = "";
    const char *last;

    (void)state;
    memset(name, 'n', sizeof name - 1);
    last =
        strstr(through_a_full_pipe(name), " lines of the log are missing here");
    assert_non_null(last);
    assert_non_null(strstr(last, "n: the next one\n"));
}

static void a_priority_for_the_journal(void **state)
{
    char stream[80];
    struct stat st;

    (void)state;
    log_program("p");
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_error("bad");
    log_info("good");
    log_timed("detail");
    unsetenv("JOURNAL_STREAM");
    assert_int_equal(strncmp(said(), "<3>p: bad\n<6>p: good\n<7>p: ", 27), 0);
}

/* Another file that happens to be there is not the journal. */
static void no_priority_for_others(void **state)
{
    (void)state;
    log_program("p");
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_error("bad");
    unsetenv("JOURNAL_STREAM");
    assert_string_equal(said(), "p: bad\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(detail_has_two_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_are_handed_on, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_of_other_threads_are_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_flood_is_held_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_a_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(a_priority_for_the_journal, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_priority_for_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(closed_descriptors_are_taken, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_pipe_does_not_block, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_long_name_leaves_no_line_out, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
