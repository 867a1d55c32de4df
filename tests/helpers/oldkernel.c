/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs a program as an old Linux would: a seccomp filter answers system calls,
 * flags, options and requests that a kernel of that time did not have as it
 * answered them.  For x86-64, i386 and ARM.
 *
 *     oldkernel 2.6.17 aoe-target 1 2 eth0 disk
 *
 * Not everything of an old kernel can be had this way.  /proc and /sys are
 * those of the present.  O_CLOEXEC still works: but asked for it, fcntl(2)
 * answers that it did not (F_GETFD gives 0).  On i386, the flags of socket(2)
 * are behind a pointer, where a filter cannot see them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SINCE(a, b, c) ((a) << 16 | (b) << 8 | (c))

/* The number of the last system call that each kernel had. */
struct level {
    const char *name;
    int version;
    unsigned last_call;
};

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
static const struct level levels[] = {
    {"2.6.17", SINCE(2, 6, 17), 278}, /* vmsplice */
    {"2.6.24", SINCE(2, 6, 24), 285}, /* fallocate */
    {"2.6.32", SINCE(2, 6, 32), 298}, /* perf_event_open */
    {"3.2", SINCE(3, 2, 0), 311},     /* process_vm_writev */
};
#elif defined __i386__
#define ARCH AUDIT_ARCH_I386
static const struct level levels[] = {
    {"2.6.17", SINCE(2, 6, 17), 316},
    {"2.6.24", SINCE(2, 6, 24), 324},
    {"2.6.32", SINCE(2, 6, 32), 336},
    {"3.2", SINCE(3, 2, 0), 348},
};
#elif defined __arm__
#define ARCH          AUDIT_ARCH_ARM
#define PRIVATE_CALLS 0xf0000 /* of this architecture: set_tls and others */
static const struct level levels[] = {
    {"2.6.17", SINCE(2, 6, 17), 343},
    {"2.6.24", SINCE(2, 6, 24), 351}, /* eventfd; fallocate came later */
    {"2.6.32", SINCE(2, 6, 32), 364},
    {"3.2", SINCE(3, 2, 0), 377},
};
#else
#error "oldkernel: the numbers of this processor's system calls are missing"
#endif

enum { LEVELS = sizeof levels / sizeof levels[0] };

enum match {
    ANY,   /* whatever its arguments are */
    EQUAL, /* argument `arg` is `value` */
    BITS,  /* it has one of these bits */
    ABOVE, /* it is larger */
};

/* What a call got in answer before `since`.  Error 0: it returns 0. */
struct rule {
    int since;
    long call;
    enum match match;
    int arg;
    unsigned value;
    int error;
};

enum {
    SOCKET_FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK,
    LOCK_FIRST = 36, /* F_OFD_GETLK and the two behind it */
};

/* 32-bit systems have two of each; musl names the older one so. */
#ifdef SYS_fcntl64
#define FCNTL SYS_fcntl64
#else
#define FCNTL SYS_fcntl
#endif
#ifdef SYS_clock_gettime32
#define CLOCK_GETTIME SYS_clock_gettime32
#else
#define CLOCK_GETTIME SYS_clock_gettime
#endif

/* How fallocate answered before Linux 2.6.38 is in `punching`. */
static const struct rule rules[] = {
#ifdef SYS_socket
    {SINCE(2, 6, 27), SYS_socket, BITS, 1, SOCKET_FLAGS, EINVAL},
    {SINCE(2, 6, 27), SYS_socketpair, BITS, 1, SOCKET_FLAGS, EINVAL},
#endif
#ifdef __arm__
    {SINCE(2, 6, 32), SYS_ppoll, ANY, 0, 0, ENOSYS},
    {SINCE(2, 6, 32), SYS_pselect6, ANY, 0, 0, ENOSYS},
    {SINCE(2, 6, 32), SYS_epoll_pwait, ANY, 0, 0, ENOSYS},
#endif
    {SINCE(2, 6, 22), SYS_futex, BITS, 1, FUTEX_PRIVATE_FLAG, ENOSYS},
    {SINCE(2, 6, 28), SYS_futex, BITS, 1, FUTEX_CLOCK_REALTIME, ENOSYS},
    {SINCE(2, 6, 28), SYS_ioctl, EQUAL, 1, 0x1277, ENOTTY},     /* BLKDISCARD */
    {SINCE(2, 6, 32), SYS_ioctl, EQUAL, 1, 0x127b, ENOTTY},     /* BLKPBSZGET */
    {SINCE(5, 1, 0), SYS_ioctl, EQUAL, 1, 0x80108906, ENOTTY},  /* GSTAMP_NEW */
    {SINCE(5, 15, 0), SYS_ioctl, EQUAL, 1, 0x80081280, ENOTTY}, /* DISKSEQ */
    {SINCE(2, 6, 23), FCNTL, EQUAL, 1, F_GETFD, 0},
    {SINCE(2, 6, 24), FCNTL, EQUAL, 1, F_DUPFD_CLOEXEC, EINVAL},
    {SINCE(3, 15, 0), FCNTL, EQUAL, 1, LOCK_FIRST, EINVAL},
    {SINCE(3, 15, 0), FCNTL, EQUAL, 1, LOCK_FIRST + 1, EINVAL},
    {SINCE(3, 15, 0), FCNTL, EQUAL, 1, LOCK_FIRST + 2, EINVAL},
    /* PR_SET_NAME, PR_SET_TSC, PR_CAPBSET_DROP, PR_MCE_KILL_GET */
    {SINCE(2, 6, 18), SYS_prctl, ABOVE, 0, 16, EINVAL},
    {SINCE(2, 6, 25), SYS_prctl, ABOVE, 0, 22, EINVAL},
    {SINCE(3, 3, 0), SYS_prctl, ABOVE, 0, 34, EINVAL},
    {SINCE(2, 6, 28), CLOCK_GETTIME, ABOVE, 0, 3, EINVAL},
    {SINCE(2, 6, 32), CLOCK_GETTIME, ABOVE, 0, 4, EINVAL},
    {SINCE(2, 6, 39), CLOCK_GETTIME, ABOVE, 0, 6, EINVAL},
};

/* The last option of a level of setsockopt(2) and getsockopt(2). */
struct option_rule {
    int since;
    unsigned level, last;
};

static const struct option_rule options[] = {
    {SINCE(2, 6, 18), SOL_SOCKET, 33}, /* SO_RCVBUFFORCE */
    {SINCE(2, 6, 22), SOL_SOCKET, 34}, /* SO_PASSSEC */
    {SINCE(2, 6, 25), SOL_SOCKET, 35}, /* SO_TIMESTAMPNS */
    {SINCE(2, 6, 33), SOL_SOCKET, 39}, /* SO_DOMAIN */
    {SINCE(3, 3, 0), SOL_SOCKET, 40},  /* SO_RXQ_OVFL */
    {SINCE(2, 6, 21), SOL_PACKET, 7},  /* PACKET_COPY_THRESH */
    {SINCE(2, 6, 27), SOL_PACKET, 9},  /* PACKET_ORIGDEV */
    {SINCE(2, 6, 34), SOL_PACKET, 14}, /* PACKET_LOSS */
    {SINCE(3, 6, 0), SOL_PACKET, 18},  /* PACKET_FANOUT */
};

/* ---- the program --------------------------------------------------------- */

static struct sock_filter program[1024];
static unsigned short length;

static void add(unsigned code, unsigned k, unsigned then, unsigned otherwise)
{
    program[length++] = (struct sock_filter)BPF_JUMP(
        (unsigned short)code, k, (unsigned char)then, (unsigned char)otherwise);
}

static void load(size_t offset)
{
    add(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

/* The low half of an argument, or the high one. */
static void load_argument(int i, bool high)
{
    bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

    load(offsetof(struct seccomp_data, args[i]) + (high == little ? 4 : 0));
}

static void answer(int error)
{
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error, 0, 0);
}

/* The number of the call is loaded anew for each rule. */
static void if_call(long call, unsigned behind)
{
    load(offsetof(struct seccomp_data, nr));
    add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, behind);
}

static void add_rule(const struct rule *r)
{
    static const unsigned tests[] = {
        [EQUAL] = BPF_JEQ, [BITS] = BPF_JSET, [ABOVE] = BPF_JGT};

    if_call(r->call, r->match == ANY ? 1 : 3);
    if (r->match != ANY) {
        load_argument(r->arg, false);
        add(BPF_JMP | tests[r->match] | BPF_K, r->value, 0, 1);
    }
    answer(r->error);
}

static void add_option(const struct option_rule *o, long call)
{
    if_call(call, 5);
    load_argument(1, false);
    add(BPF_JMP | BPF_JEQ | BPF_K, o->level, 0, 3);
    load_argument(2, false);
    add(BPF_JMP | BPF_JGT | BPF_K, o->last, 0, 1);
    answer(ENOPROTOOPT);
}

/* Before 2.6.38 a file system that could allocate did so whatever else was
 * asked for with FALLOC_FL_KEEP_SIZE, and reported success: what should have
 * become a hole kept its data.  Here nothing is allocated either.  Only beyond
 * the largest file did the call fail. */
static void punching(void)
{
    enum { OFFSET = sizeof(long) == 8 ? 2 : 3 }; /* its high half's argument */

    if_call(SYS_fallocate, 6);
    load_argument(1, false);
    add(BPF_JMP | BPF_JSET | BPF_K, ~1u, 0, 4); /* FALLOC_FL_KEEP_SIZE */
    load_argument(OFFSET, sizeof(long) == 8);
    add(BPF_JMP | BPF_JGE | BPF_K, 0x7fffffff, 0, 1);
    answer(EFBIG);
    answer(0);
}

static void write_program(const struct level *l)
{
    load(offsetof(struct seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    add(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    load(offsetof(struct seccomp_data, nr));
#ifdef PRIVATE_CALLS
    add(BPF_JMP | BPF_JGE | BPF_K, PRIVATE_CALLS, 2, 0);
#endif
    add(BPF_JMP | BPF_JGT | BPF_K, l->last_call, 0, 1);
    answer(ENOSYS);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (l->version < rules[i].since)
            add_rule(&rules[i]);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (l->version >= options[i].since)
            continue;
#ifdef SYS_setsockopt
        add_option(&options[i], SYS_setsockopt);
        add_option(&options[i], SYS_getsockopt);
#endif
    }
    if (l->version < SINCE(2, 6, 38))
        punching();
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static int install(const struct level *l)
{
    struct sock_fprog filter = {.filter = program};

    write_program(l);
    filter.len = length;
    /* "2.6" in the release that uname(2) tells. */
    if (l->version < SINCE(3, 0, 0) && personality(UNAME26) < 0)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
                   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)
               ? -1
               : 0;
}

int main(int argc, char **argv)
{
    for (int i = 0; argc > 2 && i < LEVELS; i++) {
        if (strcmp(argv[1], levels[i].name) != 0)
            continue;
        if (install(&levels[i])) {
            perror("oldkernel: the filter");
            return 1;
        }
        execvp(argv[2], argv + 2);
        fprintf(stderr, "oldkernel: %s: %s\n", argv[2], strerror(errno));
        return 127;
    }
    fputs("usage: oldkernel 2.6.17|2.6.24|2.6.32|3.2 PROGRAM [ARGUMENT...]\n",
          stderr);
    return 2;
}
