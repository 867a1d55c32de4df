/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a process can still do in the sandbox: each thing is tried, in a child
 * that has just entered it, for each of the abilities a target may need.  The
 * calls are made with arguments that fail harmlessly where they are let
 * through.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"
#include "target/privilege.h"
#include "target/store/ring.h"
#include "wire/queue_age.h"

enum {
    CONFIG = 1,
    STATE = 2,
    NBD = 4,
    REOPEN = 8,
    LINKS = 16,
    CONTROL = 32,
    EVERYTHING = 63,
    OPENS = CONFIG | STATE | NBD | REOPEN | LINKS,
    NOBODY_MAY = 0,
    ALWAYS = -1,
};

static char directory[] = "/tmp/aoekit-XXXXXX";
static int listener, unconnected; /* sockets from before */

/* ---- attempts --------------------------------------------------------------
 * As the kernel knows them: a library may do something else instead.
 */

static const char *there(const char *name)
{
    static char path[2][64];
    static unsigned turn;

    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/%s", directory, name);
    return path[turn];
}

static long open_to_read(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);
}
static long open_to_write(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
}
static long open_to_make(void)
{
    return syscall(SYS_openat, AT_FDCWD, there("made"), O_RDWR | O_CREAT, 0600);
}
static long open_to_truncate(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_TRUNC, 0);
}
static long open_nameless(void)
{
    return syscall(SYS_openat, AT_FDCWD, directory, O_RDWR | O_TMPFILE, 0600);
}
static long open_another_way(void)
{
    const uint64_t how[3] = {O_RDONLY};

    return syscall(SYS_openat2, AT_FDCWD, "/dev/null", how, sizeof how);
}
static long rename_it(void)
{
    return syscall(SYS_renameat2, AT_FDCWD, there("none"), AT_FDCWD,
                   there("other"), 0);
}
static long unlink_it(void)
{
    return syscall(SYS_unlinkat, AT_FDCWD, there("none"), 0);
}
static long link_it(void)
{
    return syscall(SYS_linkat, AT_FDCWD, there("none"), AT_FDCWD,
                   there("other"), 0);
}
static long link_to_it(void)
{
    return syscall(SYS_symlinkat, "none", AT_FDCWD, there("none/link"));
}
static long make_directory(void)
{
    return syscall(SYS_mkdirat, AT_FDCWD, there("none/new"), 0700);
}
static long make_node(void)
{
    return syscall(SYS_mknodat, AT_FDCWD, there("none/new"), S_IFIFO | 0600, 0);
}
static long change_mode(void)
{
    return syscall(SYS_fchmodat, AT_FDCWD, there("none"), 0777);
}
static long change_owner(void)
{
    return syscall(SYS_fchownat, AT_FDCWD, there("none"), 0, 0, 0);
}
static long mount_it(void)
{
    return syscall(SYS_mount, "none", there("none"), "tmpfs", 0, NULL);
}
static long socket_of_frames(void)
{
    return syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0);
}
static long socket_of_interfaces(void)
{
    return syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0);
}
static long socket_of_the_internet(void)
{
    return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}
static long socket_of_something_else(void)
{
    return syscall(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0);
}
static long socket_to_ask_with(void)
{
    return syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
}
static long connect_it(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/none"};

    return syscall(SYS_connect, unconnected, &to, sizeof to);
}
static long accept_it(void)
{
    return syscall(SYS_accept4, listener, NULL, NULL, 0);
}
static long listen_again(void)
{
    return syscall(SYS_listen, listener, 1);
}
static long run_program(void)
{
    return syscall(SYS_execve, there("none"), NULL, NULL);
}
static long make_process(void)
{
    /* Both flags together are refused by the kernel itself. */
    return syscall(SYS_clone, CLONE_NEWPID | CLONE_PARENT | SIGCHLD, 0, 0, 0,
                   0);
}
static long leave_name_space(void)
{
    return syscall(SYS_unshare, 0);
}
static long signal_parent(void)
{
    return syscall(SYS_kill, getppid(), 0);
}
static long signal_thread_of_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0);
}
static long trace_parent(void)
{
    return syscall(SYS_ptrace, 0x4206 /* SEIZE */, 0, 0, 0);
}
static long read_parent(void)
{
    return syscall(SYS_process_vm_readv, 0, NULL, 0, NULL, 0, 0);
}
static long write_parent(void)
{
    return syscall(SYS_process_vm_writev, 0, NULL, 0, NULL, 0, 0);
}
static long map_code(void)
{
    return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static long turn_data_into_code(void)
{
    static char page[8192];

    return syscall(SYS_mprotect, (uintptr_t)(page + 4095) & ~(uintptr_t)4095,
                   4096, PROT_READ | PROT_EXEC);
}
static long turn_data_into_code_by_key(void)
{
#ifdef SYS_pkey_mprotect
    return syscall(SYS_pkey_mprotect, NULL, 0, PROT_EXEC, -1);
#else
    errno = EPERM;
    return -1;
#endif
}
static long have_data_executed(void)
{
    return syscall(SYS_personality, 0x0400000 /* READ_IMPLIES_EXEC */);
}
static long file_in_memory(void)
{
    return syscall(SYS_memfd_create, "x", 0);
}
static long become_root(void)
{
    return syscall(SYS_setuid, 0);
}
static long type_for_somebody(void)
{
    return syscall(SYS_ioctl, 0, TIOCSTI, "x");
}
static long ask_for_stamp(void)
{
    uint64_t stamp[2];

    if (ioctl(-1, QUEUE_STAMP_NEW, stamp) == 0 || errno != EBADF)
        return -1;
    return ioctl(-1, QUEUE_STAMP_OLD, stamp) == 0 || errno != EBADF ? -1 : 0;
}
static long new_ring(void)
{
    return syscall(SYS_io_uring_setup, 0, NULL);
}
static long register_ring(void)
{
    return syscall(SYS_io_uring_register, -1, 0, NULL, 0);
}
static long map_data(void)
{
    return (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void *nothing(void *arg)
{
    return arg;
}
static long start_thread(void)
{
    pthread_t thread;

    errno = pthread_create(&thread, NULL, nothing, NULL);
    return errno ? -1 : pthread_join(thread, NULL);
}
static long look_at_open_file(void)
{
    struct stat st;

    return fstat(listener, &st);
}

static const struct attempt {
    const char *what;
    long (*go)(void);
    int may; /* the abilities that allow it */
} attempts[] = {
    {"open for reading", open_to_read, OPENS},
    {"open for writing", open_to_write, OPENS},
    {"make a file", open_to_make, STATE},
    {"truncate a file", open_to_truncate, STATE},
    {"make a file without a name", open_nameless, STATE},
    {"openat2", open_another_way, NOBODY_MAY},
    {"rename", rename_it, STATE},
    {"unlink", unlink_it, NOBODY_MAY},
    {"link", link_it, NOBODY_MAY},
    {"symlink", link_to_it, NOBODY_MAY},
    {"mkdir", make_directory, NOBODY_MAY},
    {"mknod", make_node, NOBODY_MAY},
    {"chmod", change_mode, NOBODY_MAY},
    {"chown", change_owner, NOBODY_MAY},
    {"mount", mount_it, NOBODY_MAY},
    {"AF_PACKET", socket_of_frames, CONFIG | LINKS},
    {"AF_NETLINK", socket_of_interfaces, CONFIG | NBD | LINKS},
    {"AF_INET", socket_of_the_internet, NBD},
    {"AF_ALG", socket_of_something_else, NOBODY_MAY},
    {"AF_UNIX", socket_to_ask_with, ALWAYS},
    {"connect", connect_it, NBD},
    {"accept", accept_it, CONTROL},
    {"listen", listen_again, NOBODY_MAY},
    {"execve", run_program, NOBODY_MAY},
    {"a process", make_process, NOBODY_MAY},
    {"unshare", leave_name_space, NOBODY_MAY},
    {"kill", signal_parent, NOBODY_MAY},
    {"tgkill", signal_thread_of_parent, NOBODY_MAY},
    {"ptrace", trace_parent, NOBODY_MAY},
    {"process_vm_readv", read_parent, NOBODY_MAY},
    {"process_vm_writev", write_parent, NOBODY_MAY},
    {"executable mmap", map_code, NOBODY_MAY},
    {"executable mprotect", turn_data_into_code, NOBODY_MAY},
    {"executable pkey_mprotect", turn_data_into_code_by_key, NOBODY_MAY},
    {"personality", have_data_executed, NOBODY_MAY},
    {"memfd_create", file_in_memory, NOBODY_MAY},
    {"setuid", become_root, NOBODY_MAY},
    {"TIOCSTI", type_for_somebody, NOBODY_MAY},
    {"SIOCGSTAMP", ask_for_stamp, ALWAYS},
    {"io_uring_setup", new_ring, NOBODY_MAY},
    {"io_uring_register", register_ring, NOBODY_MAY},
    {"mmap", map_data, ALWAYS},
    {"a thread", start_thread, ALWAYS},
    {"fstat", look_at_open_file, ALWAYS},
};

static struct sandbox abilities(int which)
{
    return (struct sandbox){
        .config = which & CONFIG,
        .state = which & STATE,
        .nbd = which & NBD,
        .reopen = which & REOPEN,
        .links = which & LINKS,
        .control = which & CONTROL,
    };
}

/* In a child: the number of things that went wrong. */
static int try_all(int which)
{
    const struct sandbox may = abilities(which);
    int wrong = sandbox_enter(&may) != 0;

    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        const struct attempt *a = &attempts[i];
        bool denied, allowed = a->may == ALWAYS || a->may & which;

        errno = 0;
        denied = a->go() == -1 && errno == EPERM;
        if (denied == !allowed)
            continue;
        dprintf(STDERR_FILENO, "%s: %s, with abilities %#x\n", a->what,
                denied ? "denied" : "allowed", (unsigned)which);
        wrong++;
    }
    return wrong;
}

static int of_a_child(int (*work)(int), int arg)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(work(arg));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void each_ability_allows_its_own(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root: others may not do these things anyway\n");
        skip();
    }
    assert_int_equal(of_a_child(try_all, 0), 0);
    for (int one = 1; one <= CONTROL; one *= 2)
        assert_int_equal(of_a_child(try_all, one), 0);
    assert_int_equal(of_a_child(try_all, EVERYTHING), 0);
}

/* ---- the ring --------------------------------------------------------------
 */

#ifdef HAVE_URING

#include <dlfcn.h>
#include <liburing.h>

static struct io_uring *uring; /* that target/store/ring.c has made */

int io_uring_queue_init(unsigned entries, struct io_uring *u, unsigned flags)
{
    int (*real)(unsigned, struct io_uring *, unsigned) =
        (int (*)(unsigned, struct io_uring *, unsigned))dlsym(
            RTLD_NEXT, "io_uring_queue_init");

    uring = u;
    return real(entries, u, flags);
}

/* What the kernel says to an operation on a file that is not there: were it let
 * through, it must not do any harm either. */
static int through_the_ring(unsigned opcode, unsigned flags)
{
    const char *name = there("none/name");
    struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
    struct io_uring_cqe *cqe;
    int result;

    io_uring_prep_rw((int)opcode, sqe, AT_FDCWD, name, 0, 0);
    io_uring_sqe_set_flags(sqe, flags);
    if (io_uring_submit_and_wait(uring, 1) < 0 ||
        io_uring_peek_cqe(uring, &cqe))
        return 0;
    result = cqe->res;
    io_uring_cqe_seen(uring, cqe);
    return result;
}

static bool used(unsigned opcode)
{
    return opcode == IORING_OP_READ || opcode == IORING_OP_READV ||
           opcode == IORING_OP_WRITEV;
}

enum { NO_RING = 99 };

static int try_the_ring(int which)
{
    const struct sandbox may = abilities(which);
    struct loop *loop;
    struct ring *ring;
    int wrong = 0;

    if (loop_open(&loop) || ring_open(&ring, loop, true))
        return NO_RING;
    wrong += sandbox_enter(&may) != 0;
    /* Those that are not known are refused with EINVAL. */
    for (unsigned opcode = 0; opcode < 200; opcode++) {
        int result = through_the_ring(opcode, 0);
        bool denied = result == -EACCES || result == -EINVAL;

        if (used(opcode) ? result != -EACCES : denied)
            continue;
        dprintf(STDERR_FILENO, "operation %u: %d\n", opcode, result);
        wrong++;
    }
    wrong += through_the_ring(IORING_OP_READ, IOSQE_ASYNC) != -EACCES;
    wrong += syscall(SYS_io_uring_register, uring->ring_fd,
                     IORING_REGISTER_PROBE, NULL, 0) != -1 ||
             errno != EPERM;
    return wrong;
}

static void a_ring_only_reads_and_writes(void **state)
{
    int wrong = of_a_child(try_the_ring, EVERYTHING);

    (void)state;
    if (wrong == NO_RING) {
        print_message("needs Linux 5.10 with io_uring\n");
        skip();
    }
    assert_int_equal(wrong, 0);
}

#else

static void a_ring_only_reads_and_writes(void **state)
{
    (void)state;
    print_message("built without liburing\n");
    skip();
}

#endif

static int setup(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(at.sun_path, sizeof at.sun_path, "%s/socket", directory);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    unconnected = socket(AF_UNIX, SOCK_STREAM, 0);
    return bind(listener, (struct sockaddr *)&at, sizeof at) ||
           listen(listener, 1);
}

static int teardown(void **state)
{
    (void)state;
    unlink(there("socket"));
    unlink(there("made"));
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_ability_allows_its_own),
        cmocka_unit_test(a_ring_only_reads_and_writes),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
