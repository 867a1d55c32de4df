/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writes of several programs to one disk are under way at the same time.  The
 * disk answers none before all of them have arrived, so a kernel that sends one
 * after the other never gets an answer, and the alarm ends the test.
 *
 * A true mount, in a mount namespace of this process: nobody else sees it and
 * it ends with us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/aoe-fuse/fs.h"
#include "tests/unit/fake_aoe.h"

enum { WRITERS = 4, BLOCK = 4096 };

struct bench {
    char dir[64], file[80];
    struct loop *loop;
    struct aoe_loop al;
    struct aoefs fs;
    struct aoefs_disk disk;
    struct aoe_disk fake;
    unsigned running; /* writers */
    unsigned failed;
};

static void service(void *arg)
{
    struct bench *b = arg;

    fake_service(&b->fake);
}

static void ignore_end(void *arg, int status)
{
    (void)arg;
    (void)status;
}

static void ignore(void *arg)
{
    (void)arg;
}

static void child_ended(void *arg, int signo)
{
    struct bench *b = arg;
    int status;

    (void)signo;
    while (b->running > 0 && waitpid(-1, &status, WNOHANG) > 0) {
        b->running--;
        b->failed += status != 0;
    }
    if (b->running == 0)
        loop_stop(b->loop, 0);
}

/* A writer's whole life; its exit status is its only word. */
static int write_block(const struct bench *b, unsigned i, int flags)
{
    void *data;
    int fd;

    /* A copy of /dev/fuse here would keep the mount waiting for ever if the
     * server died: for this very process. */
    close(b->fs.watch.fd);
    fd = open(b->file, O_WRONLY | flags);
    if (fd < 0 || posix_memalign(&data, BLOCK, BLOCK))
        return 1;
    memset(data, (int)('a' + i), BLOCK);
    return pwrite(fd, data, BLOCK, i * BLOCK) != BLOCK;
}

static void write_together(struct bench *b, int flags)
{
    static const uint8_t *at;

    b->fake.hold_writes = WRITERS;
    b->fake.most_writes = 0;
    b->failed = 0;
    for (unsigned i = 0; i < WRITERS; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
            _exit(write_block(b, i, flags));
        b->running++;
    }
    alarm(30);
    loop_run(b->loop);
    alarm(0);
    assert_int_equal(b->failed, 0);
    assert_int_equal(b->fake.most_writes, WRITERS);
    for (unsigned i = 0; i < WRITERS; i++) {
        at = b->fake.bytes + i * BLOCK;
        assert_int_equal(at[0], 'a' + i);
        assert_int_equal(at[BLOCK - 1], 'a' + i);
    }
    /* The last writer's flush, which nobody waits for. */
    b->fake.hold_writes = 0;
    service(b);
}

static void ordinary_writers(void **state)
{
    if (!*state)
        skip();
    write_together(*state, 0);
}

static void direct_writers(void **state)
{
    if (!*state)
        skip();
    write_together(*state, O_DIRECT);
}

static bool own_mounts(void)
{
    if (access("/dev/fuse", R_OK | W_OK)) {
        print_message("skipped: /dev/fuse cannot be opened\n");
        return false;
    }
    if (unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        print_message("skipped: no mount namespace: %s\n", strerror(errno));
        return false;
    }
    return true;
}

static int setup(void **state)
{
    static struct bench b;
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    struct aoefs_options o = {.uid = getuid(),
                              .mode = 0600,
                              .memory = AOEFS_MEMORY_MAX,
                              .mount = &args,
                              .usable = ignore,
                              .ended = ignore_end};

    if (!own_mounts())
        return 0;
    snprintf(b.dir, sizeof b.dir, "/tmp/fuse-parallel-%d", getpid());
    snprintf(b.file, sizeof b.file, "%s/e1.2", b.dir);
    assert_int_equal(mkdir(b.dir, 0700), 0);
    assert_int_equal(loop_open(&b.loop), 0);
    assert_int_equal(loop_signal(b.loop, SIGCHLD, child_ended, &b), 0);
    b.al.loop = b.loop;
    b.al.task = (struct loop_task){.run = service, .arg = &b};
    fake_disk_open(&b.fake, "e1.2", WRITERS * BLOCK);
    fuse_opt_add_arg(&args, "test");
    assert_int_equal(aoefs_open(&b.fs, &o), 0);
    fuse_opt_free_args(&args);
    b.disk.fs = &b.fs;
    b.disk.disk = &b.fake;
    b.fs.disks = &b.disk;
    b.fs.disk_count = 1;
    assert_int_equal(aoefs_mount(&b.fs, b.dir, b.loop, &b.al), 0);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    if (!b)
        return 0;
    aoefs_close(&b->fs);
    loop_close(b->loop);
    fake_disk_close(&b->fake);
    rmdir(b->dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_writers),
        cmocka_unit_test(direct_writers),
    };

    return cmocka_run_group_tests_name("fuse_parallel", tests, setup, teardown);
}
