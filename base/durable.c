/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fsync, and what replaces it where it is not enough.
 */
#include "base/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

int durable_file(int fd)
{
#ifdef F_FULLFSYNC
    if (fcntl(fd, F_FULLFSYNC) == 0)
        return 0;
    /* Some file systems and devices do not support it.  Any other error is the
     * medium's, and a later fsync would no longer report it. */
    if (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY)
        return -errno;
#endif
    return fsync(fd) ? -errno : 0;
}

int durable_data(int fd)
{
#ifdef F_FULLFSYNC
    return durable_file(fd);
#else
    return fdatasync(fd) ? -errno : 0;
#endif
}

int durable_directory(int fd)
{
    int err = durable_file(fd);

    return err == -EINVAL || err == -ENOTSUP ? 0 : err;
}

int durable_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    char *directory = slash ? strndup(path, length ? length : 1) : strdup(".");
    int fd, err;

    if (!directory)
        return -ENOMEM;
    fd = fd_open(directory, O_RDONLY | O_DIRECTORY, 0);
    err = fd < 0 ? -errno : 0;
    free(directory);
    if (err == -EACCES) { /* it may be writable and not readable */
        sync();
        return 0;
    }
    if (err)
        return err;
    err = durable_directory(fd);
    close(fd);
    return err;
}
