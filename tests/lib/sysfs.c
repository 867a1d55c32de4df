/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/sysfs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char template[] = "/tmp/aoekit-sysfs-XXXXXX";
char sysfs_root[sizeof template];

int sysfs_open(void)
{
    memcpy(sysfs_root, template, sizeof template);
    return mkdtemp(sysfs_root) ? 0 : -1;
}

int sysfs_close(void)
{
    char command[80];

    snprintf(command, sizeof command, "rm -r %s", sysfs_root);
    return system(command);
}

/* The path of what is to be made, whose directory exists then. */
static const char *place(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", sysfs_root, name);
    for (char *at = path + strlen(sysfs_root) + 1; (at = strchr(at, '/'));
         at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
    return path;
}

void sysfs_directory(const char *name)
{
    mkdir(place(name), 0700);
}

void sysfs_file(const char *name, const char *bytes, size_t length)
{
    FILE *f = fopen(place(name), "w");

    assert(f);
    if (fwrite(bytes, 1, length, f) != length || fclose(f))
        abort();
}

void sysfs_link(const char *name, const char *target)
{
    if (symlink(target, place(name)))
        abort();
}
