/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writes of several programs to one disk are in flight at the same time.  The
 * disk answers none before all have arrived, so a kernel that sends one after
 * the other never gets an answer, and the alarm ends the test.
 *
 * A real mount, in a mount namespace of this process: nobody else sees it, and
 * it ends with the process.
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

struct fuse_fixture {
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
    struct fuse_fixture *f = arg;

    fake_service(&f->fake);
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
    struct fuse_fixture *f = arg;
    int status;

    (void)signo;
    while (f->running > 0 && waitpid(-1, &status, WNOHANG) > 0) {
        f->running--;
        f->failed += status != 0;
    }
    if (f->running == 0)
        loop_stop(f->loop, 0);
}

/* A writer; it reports only by its exit status. */
static int write_block(const struct fuse_fixture *f, unsigned i, int flags)
{
    void *data;
    int fd;

    /* A copy of /dev/fuse here would keep the mount waiting for ever if the
     * server died: for this very process. */
    close(f->fs.watch.fd);
    fd = open(f->file, O_WRONLY | flags);
    if (fd < 0 || posix_memalign(&data, BLOCK, BLOCK))
        return 1;
    memset(data, (int)('a' + i), BLOCK);
    return pwrite(fd, data, BLOCK, i * BLOCK) != BLOCK;
}

static void write_together(struct fuse_fixture *f, int flags)
{
    static const uint8_t *at;

    f->fake.hold_writes = WRITERS;
    f->fake.most_writes = 0;
    f->failed = 0;
    for (unsigned i = 0; i < WRITERS; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
            _exit(write_block(f, i, flags));
        f->running++;
    }
    alarm(30);
    loop_run(f->loop);
    alarm(0);
    assert_int_equal(f->failed, 0);
    assert_int_equal(f->fake.most_writes, WRITERS);
    for (unsigned i = 0; i < WRITERS; i++) {
        at = f->fake.bytes + i * BLOCK;
        assert_int_equal(at[0], 'a' + i);
        assert_int_equal(at[BLOCK - 1], 'a' + i);
    }
    /* The last writer's flush, which nobody awaits. */
    f->fake.hold_writes = 0;
    service(f);
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
    static struct fuse_fixture f;
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    struct aoefs_options o = {.uid = getuid(),
                              .mode = 0600,
                              .memory = AOEFS_MEMORY_MAX,
                              .mount = &args,
                              .usable = ignore,
                              .ended = ignore_end};

    if (!own_mounts())
        return 0;
    snprintf(f.dir, sizeof f.dir, "/tmp/fuse-parallel-%d", getpid());
    snprintf(f.file, sizeof f.file, "%s/e1.2", f.dir);
    assert_int_equal(mkdir(f.dir, 0700), 0);
    assert_int_equal(loop_open(&f.loop), 0);
    assert_int_equal(loop_signal(f.loop, SIGCHLD, child_ended, &f), 0);
    f.al.loop = f.loop;
    f.al.task = (struct loop_task){.run = service, .arg = &f};
    fake_disk_open(&f.fake, "e1.2", WRITERS * BLOCK);
    fuse_opt_add_arg(&args, "test");
    assert_int_equal(aoefs_open(&f.fs, &o), 0);
    fuse_opt_free_args(&args);
    f.disk.fs = &f.fs;
    f.disk.disk = &f.fake;
    f.fs.disks = &f.disk;
    f.fs.disk_count = 1;
    assert_int_equal(aoefs_mount(&f.fs, f.dir, f.loop, &f.al), 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fuse_fixture *f = *state;

    if (!f)
        return 0;
    aoefs_close(&f->fs);
    loop_close(f->loop);
    fake_disk_close(&f->fake);
    rmdir(f->dir);
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
