/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Block devices in sysfs(5) and the mount table.  Linux only.
 */
#include "initiator/client/block_use.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mount_table.h"
#include "initiator/client/scope.h"

#ifdef __linux__

#include <glob.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* ---- devices ------------------------------------------------------------- */

static void add_found(struct block_numbers *n, const char *pattern)
{
    glob_t found;

    if (glob(pattern, 0, NULL, &found))
        return;
    for (size_t i = 0; i < found.gl_pathc && n->count < BLOCK_NUMBERS_MAX;
         i++) {
        FILE *file = fopen(found.gl_pathv[i], "re");

        if (file && fscanf(file, "%15s", n->text[n->count]) == 1)
            n->count++;
        if (file)
            fclose(file);
    }
    globfree(&found);
}

void block_numbers_add(struct block_numbers *n, const char *name, bool holders)
{
    /* A holder may have holders in turn. */
    static const char *const beneath[] = {"", "/holders/*", "/*/holders/*",
                                          "/holders/*/holders/*",
                                          "/*/holders/*/holders/*"};
    char pattern[128];

    for (size_t i = 0; i < (holders ? 5 : 1); i++) {
        snprintf(pattern, sizeof pattern, "/sys/block/%s%s/dev", name,
                 beneath[i]);
        add_found(n, pattern);
    }
    snprintf(pattern, sizeof pattern, "/sys/block/%s/%s*/dev", name, name);
    add_found(n, pattern);
}

bool block_numbers_have(const struct block_numbers *n, const char *text)
{
    for (int i = 0; i < n->count; i++)
        if (!strcmp(n->text[i], text))
            return true;
    return false;
}

bool block_numbers_have_file(const struct block_numbers *n, const char *path)
{
    struct stat st;
    char text[32];

    if (stat(path, &st) || !S_ISBLK(st.st_mode))
        return false;
    snprintf(text, sizeof text, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
    return block_numbers_have(n, text);
}

/* btrfs shows a device number of its own instead of its disk's. */
static bool on_one_of(const struct block_numbers *n,
                      const struct mount_entry *mount)
{
    return block_numbers_have(n, mount->device) ||
           (!strncmp(mount->source, "/dev/", 5) &&
            block_numbers_have_file(n, mount->source));
}

bool block_mounted(const struct block_numbers *n, const char *mountinfo,
                   char *where, size_t capacity)
{
    struct mount_table table;
    struct mount_entry mount;
    bool found = false;

    mount_table_open(&table, mountinfo);
    while (!found && mount_table_next(&table, &mount))
        found = on_one_of(n, &mount);
    if (found)
        snprintf(where, capacity, "%s", mount.dir);
    mount_table_close(&table);
    return found;
}

/* ---- unmounting ---------------------------------------------------------- */

struct mount_place {
    struct mount_place *below; /* the one that was mounted before */
    bool hidden;               /* by another mount at the same place */
    char where[];
};

/* Unmounting it by name would hit what is mounted over it. */
static void hide(struct mount_place *top, const char *where)
{
    for (; top; top = top->below)
        if (strcmp(top->where, where) == 0)
            top->hidden = true;
}

static void push(struct mount_place **top, const char *where)
{
    size_t length = strlen(where) + 1;
    struct mount_place *place = malloc(sizeof *place + length);

    if (!place)
        return;
    place->hidden = false;
    memcpy(place->where, where, length);
    place->below = *top;
    *top = place;
}

static struct mount_place *places(const struct block_numbers *n)
{
    struct mount_place *top = NULL;
    struct mount_table table;
    struct mount_entry mount;

    mount_table_open(&table, "/proc/self/mountinfo");
    while (mount_table_next(&table, &mount)) {
        hide(top, mount.dir);
        if (on_one_of(n, &mount))
            push(&top, mount.dir);
    }
    mount_table_close(&table);
    return top;
}

int block_unmount(const struct block_numbers *n)
{
    struct mount_place *top = places(n), *place;
    int left = 0;

    while ((place = top)) {
        top = place->below;
        if (place->hidden || umount2(place->where, UMOUNT_NOFOLLOW))
            left++;
        free(place);
    }
    return left;
}

#endif

void at_shutdown(bool (*release)(void *arg), void *arg)
{
    static const struct timespec pause = {0, 200000000};

    while (scope_system_stopping() && release(arg))
        nanosleep(&pause, NULL);
}
