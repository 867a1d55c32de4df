/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sd_notify without libsystemd.
 */
#include "base/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_manager(const char *state)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t length = path ? strlen(path) : 0;
    int fd;

    if (length < 2 || length >= sizeof sun.sun_path ||
        (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(sun.sun_path, path, length);
    if (path[0] == '@') /* Linux's abstract names begin with a zero byte */
        sun.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0)
        return;
    sendto(fd, state, strlen(state), 0, (const struct sockaddr *)&sun,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(fd);
}
