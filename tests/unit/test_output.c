/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether output was written; each case is a process of its own, because
 * standard output can be closed only once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "base/output.h"

/* Runs it with standard output on `path`; its exit status, and what it said on
 * standard error in `said`. */
static int run(int (*program)(void), const char *path, char said[256])
{
    int ends[2], status;
    size_t used = 0;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        dup2(fd, STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        log_program("p");
        _exit(program());
    }
    close(ends[1]);
    while ((n = read(ends[0], said + used, 255 - used)) > 0)
        used += (size_t)n;
    said[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int prints(void)
{
    puts("hello");
    return output_end(EXIT_DONE);
}

static int prints_and_fails(void)
{
    puts("hello");
    return output_end(EXIT_USAGE);
}

static int looks_twice(void)
{
    bool first, second;

    puts("hello");
    first = output_flush();
    second = output_flush();
    if (!first || !second)
        return 9;
    return output_end(EXIT_DONE);
}

static void output_arrives(void **state)
{
    char path[] = "/tmp/test-output-XXXXXX", said[256], got[16] = "";
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(run(prints, path, said), EXIT_DONE);
    assert_string_equal(said, "");
    assert_int_equal(read(fd, got, sizeof got), 6);
    assert_string_equal(got, "hello\n");
    assert_int_equal(run(prints_and_fails, path, said), EXIT_USAGE);
    close(fd);
    unlink(path);
}

static void a_full_disk(void **state)
{
    static const char full[] = "p: standard output: No space left on device\n";
    char said[256];

    (void)state;
    if (access("/dev/full", W_OK))
        skip();
    assert_int_equal(run(prints, "/dev/full", said), EXIT_FAILED);
    assert_string_equal(said, full);
    /* The status that says more stays. */
    assert_int_equal(run(prints_and_fails, "/dev/full", said), EXIT_USAGE);
    assert_string_equal(said, full);
    /* It is reported once. */
    assert_int_equal(run(looks_twice, "/dev/full", said), EXIT_FAILED);
    assert_string_equal(said, full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_arrives),
        cmocka_unit_test(a_full_disk),
    };

    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
