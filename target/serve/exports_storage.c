/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the path of an export leads to now, compared with what is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "target/serve/exports_parts.h"
#include "target/store/device.h"
#include "target/store/device_name.h"

bool storage_same(const char *a, const char *b)
{
    struct stat one, two;

    if (strcmp(a, b) == 0)
        return true;
    return device_stat(a, &one) == 0 && device_stat(b, &two) == 0 &&
           one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

bool storage_gone(const struct entry *e)
{
    return e->disk && e->disk->store->fd >= 0 &&
           device_gone(e->disk->store->fd);
}

/* Whether the device or file that the path leads to now is another one. */
static bool differs(const struct entry *e, const struct device *d, int fd)
{
    const struct store *s = e->disk->store;
    uint64_t offset = e->config.offset * AOE_SECTOR;
    uint64_t length = e->config.length * AOE_SECTOR;
    uint64_t left = d->size > offset ? d->size - offset : 0;

    if (left < AOE_SECTOR || left < length) {
        log_error("%s: has only %llu bytes left; %s keeps its size",
                  e->config.path, (unsigned long long)d->size, e->disk->name);
        return false;
    }
    if (storage_gone(e) &&
        (d->identity != s->identity || d->naming != s->naming)) {
        log_error("%s: another disk is there now, and is not served in place "
                  "of %s; to use it, restart the target",
                  e->config.path, e->disk->name);
        return false;
    }
    return d->identity != s->identity || !device_same(s->fd, fd) ||
           (length ? length : left) / AOE_SECTOR * AOE_SECTOR != s->size;
}

bool storage_changed(const struct entry *e)
{
    struct device d;
    int fd, err;
    bool changed;

    if (e->disk->store->fd < 0)
        return false;
    fd = device_open(e->config.path, O_RDONLY | O_NONBLOCK);
    if (fd < 0) {
        if (storage_gone(e))
            log_error("%s: is gone; %s is served again once it is back",
                      e->config.path, e->disk->name);
        return false;
    }
    err = device_probe(&d, fd, e->config.path, true);
    changed = !err && differs(e, &d, fd);
    close(fd);
    return changed;
}

int storage_try(const struct export_config *c)
{
    int fd, err;

    if (strstr(c->path, "://"))
        return 0;
    fd = device_open(c->path, (c->read_only ? O_RDONLY : O_RDWR) | O_NONBLOCK);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    err = -errno;
    log_error("%s: opening: %s", c->path, device_name_error(c->path, err));
    return err;
}
