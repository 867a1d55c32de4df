/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Outliving a logout and a shutdown.
 *
 * systemd: https://systemd.io/ROOT_STORAGE_DAEMONS, for the '@' and what a
 * storage daemon's unit looks like; scope.c has ours.  Debian's initscripts:
 * /etc/init.d/sendsigs, killall5(8).
 */
#include "initiator/client/survive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "initiator/client/scope.h"

#define SPARED "/run/sendsigs.omit.d"

static char list[64]; /* our file there; "" without */

/* Only a change of the process's own first argument in memory counts; libc's
 * pointer leads there. */
static void mark(void)
{
#ifdef __linux__
    if (program_invocation_name && *program_invocation_name)
        *program_invocation_name = '@';
#endif
}

static void leave_session(const char *disk)
{
    char unit[96], about[96], why[256];
    int err;

    snprintf(unit, sizeof unit, "%s-%s-%ld", log_name(), disk, (long)getpid());
    snprintf(about, sizeof about, "AoE disk %s (%s)", disk, log_name());
    err = scope_enter(unit, about, why, sizeof why);
    if (err && err != -ENOSYS && err != -EPERM)
        log_error("%s: leaving the session that this was started in: %s; "
                  "unmount it before the session ends",
                  disk, *why ? why : strerror(-err));
}

void survive_too(pid_t pid)
{
    int fd;

    if (!*list)
        return;
    fd = fd_open(list, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0644);
    if (fd < 0)
        return;
    if (dprintf(fd, "%ld\n", (long)pid) < 0)
        log_error("%s: %s", list, strerror(errno));
    close(fd);
}

void survive(const char *disk, bool leave)
{
    mark();
    if (leave)
        leave_session(disk);
    if (access(SPARED, W_OK))
        return;
    snprintf(list, sizeof list, SPARED "/%s.%ld", log_name(), (long)getpid());
    unlink(list); /* left by a process that had our id and was killed */
    survive_too(getpid());
}

void survive_end(void)
{
    if (*list)
        unlink(list);
    list[0] = '\0';
}
