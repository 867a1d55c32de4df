/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Users and groups by name, and changing to them (credentials(7),
 * capabilities(7)).
 */
#include "target/privilege.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "base/log.h"
#include "base/options.h"

enum { NAME_SIZE = 64 };

/* Ids from 2^32 - 1 on mean "none" to the system. */
#define ID_MAX (UINT32_MAX - 1)

/* ---- names -------------------------------------------------------------- */

/* A line of passwd(5) or group(5): NAME:PASSWORD:ID[:GID], and more. */
static bool line_is(char *line, const char *wanted, uint64_t *id, uint64_t *gid)
{
    const char *name = strsep(&line, ":");

    strsep(&line, ":");
    if (!line || option_u64(strsep(&line, ":"), 0, ID_MAX, id))
        return false;
    if (gid && (!line || option_u64(strsep(&line, ":"), 0, ID_MAX, gid)))
        return false;
    return strcmp(name, wanted) == 0;
}

static int look_up(const char *file, const char *wanted, uint64_t *id,
                   uint64_t *gid)
{
    FILE *f = fopen(file, "re");
    char *line = NULL;
    size_t size = 0;
    bool found = false;

    if (!f)
        return -ENOENT;
    while (!found && getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        found = line_is(line, wanted, id, gid);
    }
    free(line);
    fclose(f);
    return found ? 0 : -ENOENT;
}

int privilege_scan(const char *text, struct privilege *out)
{
    const char *group = strchr(text, ':');
    size_t len = group ? (size_t)(group - text) : strlen(text);
    char user[NAME_SIZE];
    uint64_t uid, gid;

    if (len >= sizeof user || len == 0)
        return -ENOENT;
    memcpy(user, text, len);
    user[len] = '\0';
    if (look_up("/etc/passwd", user, &uid, &gid)) {
        /* A number needs no entry, but then a group must be named. */
        if (!group || option_u64(user, 0, ID_MAX, &uid))
            return -ENOENT;
    }
    if (group && look_up("/etc/group", group + 1, &gid, NULL) &&
        option_u64(group + 1, 0, ID_MAX, &gid))
        return -ENOENT;
    if (uid == 0)
        return -EINVAL;
    *out = (struct privilege){(uid_t)uid, (gid_t)gid};
    return 0;
}

/* ---- becoming another --------------------------------------------------- */

static int failed(const char *what)
{
    int err = -errno;

    log_error("--user: %s: %s%s", what, strerror(-err),
              err == -EPERM ? "; only root can become another user" : "");
    return err;
}

#ifdef __linux__

/* In sets of 64 bits, or of 32 before Linux 2.6.26. */
static int drop_inheritable(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, caps)) {
        header.version = _LINUX_CAPABILITY_VERSION_1;
        if (errno != EINVAL || syscall(SYS_capget, &header, caps))
            return failed("reading capabilities");
    }
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        caps[i].inheritable = 0;
    if (syscall(SYS_capset, &header, caps))
        return failed("giving up capabilities");
    return 0;
}

int privilege_prepare(void)
{

    /* So that it fails before anything is served. */
    if (geteuid() != 0) {
        errno = EPERM;
        return failed("changing the user");
    }
    for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0;)
        cap++;
    /* Before Linux 3.5 there is no such promise.  It matters only to a process
     * that executes another program, which this one never does. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
        if (errno != EINVAL)
            return failed("giving up new privileges");
        log_debug("--user: this kernel cannot forbid new privileges");
    }
    return drop_inheritable();
}

#else

int privilege_prepare(void)
{
    return 0;
}

#endif

int privilege_drop(const struct privilege *p)
{
    if (setgroups(0, NULL))
        return failed("giving up groups");
    if (setgid(p->gid))
        return failed("changing the group");
    /* This drops the capabilities, too, in all threads. */
    if (setuid(p->uid))
        return failed("changing the user");
    /* Some systems have left a way back to root. */
    if (setuid(0) == 0) {
        log_error("--user: root can be regained; not serving");
        return -EPERM;
    }
    return 0;
}
