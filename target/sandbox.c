/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The system calls that a target needs once it serves (seccomp(2), with
 * libseccomp).  All others fail with EPERM instead of ending the process: a
 * library that tries something new must not take the disks away.
 *
 * A filter sees numbers, not file names: --user decides which files may be
 * opened, this file whether any may be.
 */
#ifdef HAVE_SECCOMP

#include "target/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "target/store/device.h"
#include "wire/queue_age.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* ---- by name ---------------------------------------------------------------
 * since not every architecture and kernel has them all.
 */

static const char *const serving[] = {
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
    "munmap",
    "mremap",
    "madvise",
    "futex",
    "futex_time64",
    "set_robust_list",
    "rseq",
    "sched_yield",
    "sched_getaffinity",
    "getpid",
    "gettid",
    "getrandom",
    "exit",
    "exit_group",
    /* frames */
    "bind",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "recvmmsg_time64",
    "shutdown",
    /* the disk; a ring has been made, and what it may do is fixed */
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
    "ftruncate",
    "ftruncate64",
    "lseek",
    "_llseek",
    "io_uring_enter",
    "close",
    "dup2",
    "dup3",
    "fcntl",
    "fcntl64",
    "fstat",
    "fstat64",
    "fstatfs",
    "fstatfs64",
    "uname",
    "sysinfo",
    "getuid",
    "getuid32",
    "geteuid",
    "geteuid32",
};

/* Examining files by name, and finding who uses them. */
static const char *const looking[] = {
    "flock",      "fstatat64", "newfstatat", "stat",       "stat64",
    "lstat",      "lstat64",   "statx",      "access",     "faccessat",
    "faccessat2", "readlink",  "readlinkat", "getdents64", "getcwd",
};

static const char *const renaming[] = {"rename", "renameat", "renameat2"};

static const char *const accepting[] = {"accept", "accept4"};

static const char *const connecting[] = {"connect", "getpeername"};

static int allow_name(scmp_filter_ctx filter, const char *name)
{
    int number = seccomp_syscall_resolve_name(name);

    return number == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

static int allow(scmp_filter_ctx filter, bool may, const char *const *names,
                 size_t count)
{
    int err = 0;

    for (size_t i = 0; may && i < count && !err; i++)
        err = allow_name(filter, names[i]);
    return err;
}

/* ---- by what they are given --------------------------------------------- */

/* SCMP_A0 and the like leave a field out, which clang warns about. */
static struct scmp_arg_cmp argument(unsigned which, uint64_t mask,
                                    uint64_t value)
{
    return (struct scmp_arg_cmp){.arg = which,
                                 .op = SCMP_CMP_MASKED_EQ,
                                 .datum_a = mask,
                                 .datum_b = value};
}

/* The call, where its argument `which` has `value` under `mask`. */
static int allow_where(scmp_filter_ctx filter, const char *name, unsigned which,
                       uint64_t mask, uint64_t value)
{
    int number = seccomp_syscall_resolve_name(name);

    return number == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
                                  argument(which, mask, value));
}

/* The ioctls for interfaces and devices. */
static int allow_requests(scmp_filter_ctx filter, bool links)
{
    static const unsigned long requests[] = {
        SIOCGIFINDEX,    SIOCGIFMTU,      SIOCGIFHWADDR, SIOCGIFFLAGS,
        SIOCGIFNAME,     BLKDISCARD,      BLKGETSIZE64,  BLKSSZGET,
        BLKPBSZGET,      FIONREAD,        FIONBIO,       DEVICE_APPEARANCE,
        QUEUE_STAMP_NEW, QUEUE_STAMP_OLD, 0x030d, /* HDIO_GET_IDENTITY: a disk's
                                                     serial number */
    };
    int err = 0;

    /* Some libraries pass the request as a negative int. */
    for (size_t i = 0; i < COUNT(requests) && !err; i++)
        err = allow_where(filter, "ioctl", 1, UINT32_MAX, requests[i]);
    if (!err && links) /* libpcap asks about time stamps */
        err = allow_where(filter, "ioctl", 1, UINT32_MAX, SIOCETHTOOL);
    return err;
}

/* No executable memory.  Where mmap2 exists, mmap takes its arguments from
 * memory, which a filter cannot read. */
static int allow_memory(scmp_filter_ctx filter)
{
    bool two = seccomp_syscall_resolve_name("mmap2") >= 0;
    int err = allow_where(filter, two ? "mmap2" : "mmap", 2, PROT_EXEC, 0);

    return err ? err : allow_where(filter, "mprotect", 2, PROT_EXEC, 0);
}

/* Threads, but no processes, and signals to ourselves.  clone3 hides its flags
 * from a filter; where it does not exist, libraries use clone. */
static int allow_threads(scmp_filter_ctx filter)
{
    int err = allow_where(filter, "clone", 0, CLONE_THREAD, CLONE_THREAD);

    if (!err)
        err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
                               0);
    if (!err)
        err = allow_where(filter, "tgkill", 0, UINT32_MAX, (uint64_t)getpid());
    return err;
}

/* Always: an unconnected socket, to query interfaces. */
static int allow_sockets(scmp_filter_ctx filter, const struct sandbox *may)
{
    const struct {
        int family;
        bool may;
    } families[] = {
        {AF_UNIX, true},
        {AF_NETLINK, may->config || may->nbd || may->links},
        {AF_INET, may->nbd},
        {AF_PACKET, may->config || may->links},
        {AF_INET6, may->nbd},
    };
    int err = 0;

    /* Where all socket calls are one system call, their arguments are in
     * memory, which a filter cannot read. */
    if (seccomp_syscall_resolve_name("socketcall") >= 0)
        return allow_name(filter, "socket");
    for (size_t i = 0; i < COUNT(families) && !err; i++)
        if (families[i].may)
            err = allow_where(filter, "socket", 0, UINT32_MAX,
                              (uint64_t)families[i].family);
    return err;
}

/* Only --state-dir creates files. */
static int allow_opening(scmp_filter_ctx filter, const struct sandbox *may)
{
    uint64_t makes =
        may->state ? 0 : O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    int err = 0;

    if (!may->config && !may->state && !may->nbd && !may->links && !may->reopen)
        return 0;
    err = allow_where(filter, "open", 1, makes, 0);
    return err ? err : allow_where(filter, "openat", 2, makes, 0);
}

/* fstat(3) in some libraries: what is open may be examined. */
static int allow_fstat(scmp_filter_ctx filter)
{
    int err =
        allow_where(filter, "newfstatat", 3, AT_EMPTY_PATH, AT_EMPTY_PATH);

    return err ? err
               : allow_where(filter, "statx", 2, AT_EMPTY_PATH, AT_EMPTY_PATH);
}

static int allow_all(scmp_filter_ctx filter, const struct sandbox *may)
{
    bool files =
        may->config || may->state || may->nbd || may->links || may->reopen;
    int err = allow(filter, true, serving, COUNT(serving));

    if (!err)
        err = allow(filter, files, looking, COUNT(looking));
    if (!err && !files)
        err = allow_fstat(filter);
    if (!err)
        err = allow_opening(filter, may);
    if (!err)
        err = allow(filter, may->state, renaming, COUNT(renaming));
    if (!err)
        err = allow(filter, may->control, accepting, COUNT(accepting));
    if (!err)
        err = allow(filter, may->nbd || may->syslog, connecting,
                    COUNT(connecting));
    if (!err)
        err = allow_requests(filter, may->links);
    if (!err)
        err = allow_memory(filter);
    if (!err)
        err = allow_threads(filter);
    return err ? err : allow_sockets(filter, may);
}

int sandbox_enter(const struct sandbox *may)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int err = filter ? 0 : -ENOMEM;

    if (!err)
        err = allow_all(filter, may);
    if (!err)
        err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    /* A tree instead of a list, where the library has it: the filter runs on
     * every call. */
    if (!err)
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (!err)
        err = seccomp_load(filter);
    seccomp_release(filter);
    if (err)
        log_error("--seccomp: %s", strerror(-err));
    return err;
}

#endif
