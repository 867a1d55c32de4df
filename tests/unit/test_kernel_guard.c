/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How a server of /dev/nbdN changes and reads its environment, as far as that
 * can be tested without a device: each in a process of its own, which may lose
 * its mounts and its view of others.
 */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/aoe-nbd/kernel/device.h"
#include "bridge/aoe-nbd/kernel/guard.h"

enum { DONE, FAILED, NOT_PERMITTED, NO_DEVICE = 99999 };

/* Runs `work` in a child; returns its result. */
static int of_a_child(int (*work)(const char *directory), const char *directory)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(work(directory));
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void check(int status)
{
    if (status == NOT_PERMITTED) {
        print_message("needs root, for namespaces\n");
        skip();
    }
    assert_int_equal(status, DONE);
}

/* ---- mounts -------------------------------------------------------------- */

static bool is_mounted(const char *part)
{
    FILE *file = fopen("/proc/self/mounts", "re");
    char line[4096];
    bool found = false;

    while (file && !found && fgets(line, sizeof line, file))
        found = strstr(line, part);
    if (file)
        fclose(file);
    return found;
}

/* The kernel writes a blank in a name as \040. */
static int leave(const char *directory)
{
    if (unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", directory, "ramfs", 0, NULL))
        return NOT_PERMITTED;
    if (!is_mounted("my\\040disk ramfs") || kernel_guard(false))
        return FAILED;
    return is_mounted("my\\040disk ramfs") ? FAILED : DONE;
}

static void a_mount_with_a_blank_in_its_name_is_not_kept(void **state)
{
    char directory[] = "/tmp/aoekit-XXXXXX", point[64];
    int status;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(point, sizeof point, "%s/my disk", directory);
    assert_int_equal(mkdir(point, 0700), 0);
    status = of_a_child(leave, point);
    rmdir(point);
    rmdir(directory);
    check(status);
}

/* ---- servers ------------------------------------------------------------- */

static int see(const char *directory)
{
    (void)directory;
    return kernel_server(NO_DEVICE) == -1 ? DONE : FAILED;
}

static int see_from_a_container(const char *directory)
{
    if (unshare(CLONE_NEWPID)) /* of the children that come */
        return NOT_PERMITTED;
    return of_a_child(see, directory);
}

static void a_server_outside_a_container_is_one(void **state)
{
    int lock = kernel_server_lock(NO_DEVICE), status;

    (void)state;
    if (lock < 0) {
        print_message("needs to write to /run/aoe-nbd\n");
        skip();
    }
    status = of_a_child(see_from_a_container, NULL);
    close(lock);
    unlink("/run/aoe-nbd/nbd99999.lock");
    check(status);
}

/* As an ordinary user: anyone who may open the file may lock it. */
static int see_as_nobody(const char *directory)
{
    (void)directory;
    if (setgid(65534) || setuid(65534))
        return NOT_PERMITTED;
    if (open("/run/aoe-nbd/nbd99999.lock", O_RDONLY | O_CLOEXEC) >= 0)
        return FAILED;
    return kernel_server(NO_DEVICE) == KERNEL_SERVER_HIDDEN ? DONE : FAILED;
}

static void only_root_can_lock_a_device(void **state)
{
    int old, lock, status;
    struct stat st;

    (void)state;
    mkdir("/run/aoe-nbd", 0755);
    /* One left by an earlier version, readable by everyone. */
    old = open("/run/aoe-nbd/nbd99999.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0);
    if (old < 0 || fchmod(old, 0644)) {
        print_message("needs to write to /run/aoe-nbd\n");
        skip();
    }
    close(old);
    lock = kernel_server_lock(NO_DEVICE);
    assert_true(lock >= 0);
    assert_int_equal(fstat(lock, &st), 0);
    status = of_a_child(see_as_nobody, NULL);
    close(lock);
    unlink("/run/aoe-nbd/nbd99999.lock");
    assert_int_equal(st.st_mode & 0777, 0600);
    check(status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mount_with_a_blank_in_its_name_is_not_kept),
        cmocka_unit_test(a_server_outside_a_container_is_one),
        cmocka_unit_test(only_root_can_lock_a_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
