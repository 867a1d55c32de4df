/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Unmounting what is on a device, in a child's own mount namespace: a tmpfs has
 * a device number, too, and stands in for the file system on a disk.
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
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "initiator/client/block_use.h"

enum { DONE, FAILED, NOT_PERMITTED };

static char top[64]; /* a directory for mounts */

static const char *path(const char *name)
{
    static char paths[4][96];
    static int next;
    char *p = paths[next++ % 4];

    snprintf(p, sizeof paths[0], "%s/%s", top, name);
    return p;
}

/* A file system at `name`, and its number in *n. */
static bool put(const char *name, struct block_numbers *n)
{
    struct stat st;

    if (mkdir(path(name), 0700) ||
        mount("none", path(name), "tmpfs", 0, "size=64k") ||
        stat(path(name), &st))
        return false;
    snprintf(n->text[n->count++], sizeof n->text[0], "%u:%u", major(st.st_dev),
             minor(st.st_dev));
    return true;
}

static bool there(const char *name, const struct block_numbers *n)
{
    struct stat st;
    char text[32];

    if (stat(path(name), &st))
        return false;
    snprintf(text, sizeof text, "%u:%u", major(st.st_dev), minor(st.st_dev));
    return block_numbers_have(n, text);
}

/* In a child: 0 from `work` is success. */
static void of_a_child(int (*work)(struct block_numbers *ours,
                                   struct block_numbers *other))
{
    struct block_numbers ours = {.count = 0}, other = {.count = 0};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (unshare(CLONE_NEWNS) ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
            mount("none", top, "tmpfs", 0, NULL))
            _exit(NOT_PERMITTED);
        _exit(work(&ours, &other));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_PERMITTED) {
        print_message("needs to make a mount namespace\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), DONE);
}

static int everywhere(struct block_numbers *ours, struct block_numbers *other)
{
    if (!put("a b", ours) || !put("other", other) || mkdir(path("c"), 0700) ||
        mount(path("a b"), path("c"), NULL, MS_BIND, NULL))
        return FAILED;
    return block_unmount(ours) == 0 && !there("a b", ours) &&
                   !there("c", ours) && there("other", other)
               ? DONE
               : FAILED;
}

static void it_is_unmounted_in_every_place(void **state)
{
    (void)state;
    of_a_child(everywhere);
}

static int busy(struct block_numbers *ours, struct block_numbers *other)
{
    int fd;

    (void)other;
    if (!put("a", ours))
        return FAILED;
    fd = open(path("a"), O_RDONLY | O_DIRECTORY);
    if (block_unmount(ours) != 1 || !there("a", ours))
        return FAILED;
    close(fd);
    return block_unmount(ours) == 0 && !there("a", ours) ? DONE : FAILED;
}

static void what_is_in_use_stays(void **state)
{
    (void)state;
    of_a_child(busy);
}

static int hidden(struct block_numbers *ours, struct block_numbers *other)
{
    struct stat st;

    if (!put("a", ours) || mount("none", path("a"), "tmpfs", 0, NULL) ||
        stat(path("a"), &st))
        return FAILED;
    snprintf(other->text[other->count++], sizeof other->text[0], "%u:%u",
             major(st.st_dev), minor(st.st_dev));
    if (block_unmount(ours) != 1 || !there("a", other) || umount(path("a")))
        return FAILED;
    return there("a", ours) && block_unmount(ours) == 0 ? DONE : FAILED;
}

static void what_is_mounted_over_it_is_left_alone(void **state)
{
    (void)state;
    of_a_child(hidden);
}

static int make_top(void **state)
{
    (void)state;
    strcpy(top, "/tmp/aoekit-block-XXXXXX");
    return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state)
{
    (void)state;
    return rmdir(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_unmounted_in_every_place),
        cmocka_unit_test(what_is_in_use_stays),
        cmocka_unit_test(what_is_mounted_over_it_is_left_alone),
    };

    return cmocka_run_group_tests(tests, make_top, remove_top);
}
