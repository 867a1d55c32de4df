/* SPDX-License-Identifier: BSD-2-Clause
 *
 * --run, like nbdkit's captive mode.
 */
#include "bridge/aoe-nbd/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int nbd_run_prepare(struct nbd_run *run)
{
    const char *tmp = getenv("TMPDIR");
    int n;

    *run = (struct nbd_run){0};
    n = snprintf(run->directory, sizeof run->directory, "%s/aoe-nbd-XXXXXX",
                 tmp && *tmp ? tmp : "/tmp");
    if (n >= (int)sizeof run->directory || !mkdtemp(run->directory)) {
        run->directory[0] = '\0';
        return n >= (int)sizeof run->directory ? -ENAMETOOLONG : -errno;
    }
    snprintf(run->socket, sizeof run->socket, "%s/socket", run->directory);
    return 0;
}

/* The command must not inherit our ignored SIGPIPE and raised limit. */
static void become(const char *command, const char *uri, const char *path,
                   const struct rlimit *descriptors)
{
    signal(SIGPIPE, SIG_DFL);
    setrlimit(RLIMIT_NOFILE, descriptors);
    if (setenv("uri", uri, 1) == 0 && setenv("unixsocket", path, 1) == 0)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int nbd_run_start(struct nbd_run *run, const char *command, const char *uri,
                  const struct rlimit *descriptors)
{
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0)
        become(command, uri, run->socket, descriptors);
    run->pid = pid;
    return 0;
}

bool nbd_run_ended(struct nbd_run *run, int *status)
{
    int raw;

    if (!run->pid || waitpid(run->pid, &raw, WNOHANG) != run->pid)
        return false;
    run->pid = 0;
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return true;
}

void nbd_run_clean(struct nbd_run *run)
{
    if (run->directory[0])
        rmdir(run->directory);
    run->directory[0] = '\0';
}
