/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a path names.  Of directories, /etc/vblade.conf.d has a file for each
 * disk, vblade-persist a directory.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/errors.h"
#include "base/log.h"
#include "target/import/import_parts.h"

enum { NAME_BYTES = 1024 };

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* False: the name would be too long. */
static bool inside(char *out, const char *dir, const char *name)
{
    size_t len = strlen(dir);

    while (len > 1 && dir[len - 1] == '/')
        len--;
    return snprintf(out, NAME_BYTES, "%.*s/%s", (int)len, dir, name) <
           NAME_BYTES;
}

static bool is_service(const char *dir)
{
    char path[NAME_BYTES];

    return inside(path, dir, "env") && is_directory(path);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);

    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static int service(struct import *im, const char *dir)
{
    im->name = dir;
    im->line = 0;
    import_persist(im);
    return im->err;
}

/* What is neither passes for something else's. */
static int entry(struct import *im, const char *dir, const char *name)
{
    char path[NAME_BYTES];
    int err;

    if (!inside(path, dir, name)) {
        log_error("%s/%s: %s", dir, name, strerror(ENAMETOOLONG));
        return -ENAMETOOLONG;
    }
    if (is_directory(path))
        return is_service(path) ? service(im, path) : 0;
    if (!ends_with(name, ".conf"))
        return 0;
    err = import_file(im, path);
    return err == -ENODATA ? 0 : err;
}

static int entries(struct import *im, const char *dir)
{
    struct dirent **list;
    int count = scandir(dir, &list, visible, alphasort), err = 0;

    if (count < 0) {
        err = -errno;
        log_error("%s: %s", dir, strerror(-err));
        return err;
    }
    for (int i = 0; i < count; i++) {
        if (!err)
            err = entry(im, dir, list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return err;
}

static int directory(struct import *im, const char *dir)
{
    unsigned found = im->found;
    char path[NAME_BYTES];
    int err;

    if (is_service(dir))
        err = service(im, dir);
    else if (inside(path, dir, "vblades") && is_directory(path))
        err = entries(im, path);
    else
        err = entries(im, dir);
    if (!err && im->found == found)
        return -ENODATA;
    return err;
}

int import_path(struct import *im, const char *path)
{
    if (strcmp(path, "-") != 0 && is_directory(path))
        return directory(im, path);
    return import_file(im, path);
}
