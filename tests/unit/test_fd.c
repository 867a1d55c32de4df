/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Descriptors on kernels that lack calls and flags: a child gets a seccomp
 * filter that refuses them, and its answers are compared with those of the
 * present kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/random.h"

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define REFUSE(error)                                                          \
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)(error))
#define CALL(number, behind)                                                   \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, (behind))

/* As before Linux 2.6.17, for these calls. */
static void make_old(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        CALL(SYS_preadv, 1),
        REFUSE(ENOSYS),
        CALL(SYS_pwritev, 1),
        REFUSE(ENOSYS),
        CALL(SYS_ppoll, 1),
        REFUSE(ENOSYS),
        CALL(SYS_epoll_create1, 1),
        REFUSE(ENOSYS),
        CALL(SYS_getrandom, 1),
        REFUSE(ENOSYS),
        CALL(SYS_socket, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SOCK_CLOEXEC, 0, 1),
        REFUSE(EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(77);
}

/* ---- what must be so on every kernel: 0, or the line that is wrong ------- */

#define REQUIRE(condition)                                                     \
    do {                                                                       \
        if (!(condition))                                                      \
            return __LINE__;                                                   \
    } while (0)

static bool closes(int fd)
{
    return fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static int descriptors(void)
{
    int pair[2];

    REQUIRE(closes(fd_open("/dev/null", O_RDONLY, 0)));
    REQUIRE(closes(fd_open_at(AT_FDCWD, "/dev/null", O_RDONLY, 0)));
    for (int i = 0; i < 2; i++) {
        REQUIRE(closes(fd_socket(AF_UNIX, SOCK_DGRAM, 0)));
        REQUIRE(closes(fd_epoll()));
        REQUIRE(fd_socket_pair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        REQUIRE(closes(pair[0]) && closes(pair[1]));
    }
    REQUIRE(fcntl(fd_nonblock(pair[0]), F_GETFL) & O_NONBLOCK);
    REQUIRE(fd_socket(AF_UNIX, 99, 0) == -1 && errno != 0);
    REQUIRE(closes(fd_socket(AF_UNIX, SOCK_DGRAM, 0)));
    return 0;
}

static int vectors(void)
{
    char path[] = "/tmp/t-fd-XXXXXX", a[4], b[4], c[4];
    struct iovec in[] = {{"abc", 3}, {"defgh", 5}};
    struct iovec out[] = {{a, 4}, {b, 2}, {c, 4}};
    struct iovec broken[] = {{"xy", 2}, {(void *)8, 2}};
    int fd = mkstemp(path);

    REQUIRE(fd >= 0 && unlink(path) == 0);
    REQUIRE(fd_write_vector(fd, in, 2, 10) == 8);
    REQUIRE(fd_read_vector(fd, out, 2, 11) == 6);
    REQUIRE(memcmp(a, "bcde", 4) == 0 && memcmp(b, "fg", 2) == 0);
    /* The file ends within the last piece. */
    REQUIRE(fd_read_vector(fd, out, 3, 10) == 8);
    REQUIRE(fd_read_vector(fd, out, 3, 18) == 0);
    REQUIRE(lseek(fd, 0, SEEK_CUR) == 0);
    /* What came before the error counts. */
    REQUIRE(fd_write_vector(fd, broken, 2, 0) == 2);
    REQUIRE(fd_write_vector(fd, broken + 1, 1, 0) == -1 && errno == EFAULT);
    REQUIRE(fd_write_vector(-1, in, 2, 0) == -1 && errno == EBADF);
    return 0;
}

static int waits(void)
{
    struct timespec little = {.tv_nsec = 1500000};
    uint64_t before = clock_ns();
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    REQUIRE(fd_wait(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1,
                    &little) == 0);
    REQUIRE(clock_ns() - before >= 1500000);
    REQUIRE(write(ends[1], "", 1) == 1);
    REQUIRE(fd_wait(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1,
                    NULL) == 1);
    return 0;
}

static int randomness(void)
{
    uint64_t one[2] = {0}, two[2] = {0};

    REQUIRE(random_bytes(one, sizeof one) == 0);
    REQUIRE(random_bytes(two, sizeof two) == 0);
    REQUIRE(memcmp(one, two, sizeof one) != 0 && one[0] && one[1]);
    return 0;
}

/* ---- the same twice ------------------------------------------------------ */

static void old_and_new(int (*test)(void))
{
    for (int old = 0; old < 2; old++) {
        int status, line;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            if (old)
                make_old();
            line = test();
            if (line)
                fprintf(stderr, "%s kernel: line %d: %s\n",
                        old ? "old" : "present", line, strerror(errno));
            _exit(line ? 1 : 0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77) {
            print_message("skipped: no seccomp filter can be had here\n");
            skip();
        }
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static void descriptors_close_on_exec(void **state)
{
    (void)state;
    old_and_new(descriptors);
}

static void vectors_are_read_and_written(void **state)
{
    (void)state;
    old_and_new(vectors);
}

static void a_wait_is_not_too_short(void **state)
{
    (void)state;
    old_and_new(waits);
}

static void random_numbers_are_found(void **state)
{
    (void)state;
    old_and_new(randomness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_close_on_exec),
        cmocka_unit_test(vectors_are_read_and_written),
        cmocka_unit_test(a_wait_is_not_too_short),
        cmocka_unit_test(random_numbers_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skipped: seccomp filters are Linux's");
    return 77;
}

#endif
