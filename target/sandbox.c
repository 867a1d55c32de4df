/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The system calls that a target needs once it serves (seccomp(2), by
 * libseccomp).  All others fail with EPERM instead of ending the process: a
 * library that tries something new must not take the disks away.
 */
#include "target/privilege.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/log.h"

/* By name, since not every architecture and kernel has them all. */
static const char *const allowed[] = {
    /* the loop, its clock and its signals */
    "poll",
    "ppoll",
    "ppoll_time64",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "clock_gettime",
    "clock_gettime64",
    "gettimeofday",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "nanosleep",
    "restart_syscall",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigreturn",
    "sigaltstack",
    "pipe",
    "pipe2",
    "eventfd2",
    /* memory and threads */
    "brk",
    "mmap",
    "mmap2",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "futex",
    "futex_time64",
    "set_robust_list",
    "rseq",
    "sched_yield",
    "sched_getaffinity",
    "getpid",
    "gettid",
    "tgkill",
    "getrandom",
    "exit",
    "exit_group",
    /* frames, and whoever else talks to us */
    "socketcall",
    "bind",
    "connect",
    "accept",
    "accept4",
    "listen",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "getpeername",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "recvmmsg_time64",
    "shutdown",
    /* the disk */
    "read",
    "readv",
    "pread64",
    "preadv",
    "preadv2",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "fallocate",
    "lseek",
    "_llseek",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    /* files: what the owner may open is decided by --user, not here */
    "open",
    "openat",
    "close",
    "fcntl",
    "fcntl64",
    "flock",
    "fstat",
    "fstat64",
    "fstatat64",
    "newfstatat",
    "stat",
    "stat64",
    "lstat",
    "lstat64",
    "statx",
    "fstatfs",
    "fstatfs64",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getdents64",
    "getcwd",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "uname",
    "sysinfo",
    "getuid",
    "getuid32",
    "geteuid",
    "geteuid32",
};

/* What may be asked of interfaces and devices. */
static const unsigned long requests[] = {
    SIOCGIFINDEX, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFFLAGS,
    SIOCGIFNAME,  BLKDISCARD, BLKGETSIZE64,  BLKSSZGET,
    BLKPBSZGET,   FIONREAD,   FIONBIO,
};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK,
                               AF_PACKET};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static int allow_names(scmp_filter_ctx filter)
{
    int err = 0;

    for (size_t i = 0; i < COUNT(allowed) && !err; i++) {
        int number = seccomp_syscall_resolve_name(allowed[i]);

        if (number != __NR_SCMP_ERROR)
            err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    return err;
}

static int allow_some(scmp_filter_ctx filter)
{
    int err = 0;

    for (size_t i = 0; i < COUNT(requests) && !err; i++)
        /* Some libraries pass the request as a negative int. */
        err = seccomp_rule_add(
            filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
            SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
    for (size_t i = 0; i < COUNT(families) && !err; i++) {
        /* SCMP_A0 would leave a field out, which clang minds. */
        struct scmp_arg_cmp family = {
            .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)families[i]};

        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                               family);
    }
    /* Threads, but no processes.  clone3 hides its flags from a filter; where
     * it does not exist, libraries use clone. */
    if (!err)
        err = seccomp_rule_add(
            filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (!err)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
                               0);
    return err;
}

int sandbox_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int err = filter ? 0 : -ENOMEM;

    if (!err)
        err = allow_names(filter);
    if (!err)
        err = allow_some(filter);
    if (!err)
        err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    /* A tree instead of a list, where the library can: it runs on each call. */
    if (!err)
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (!err)
        err = seccomp_load(filter);
    seccomp_release(filter);
    if (err)
        log_error("--seccomp: %s", strerror(-err));
    return err;
}
