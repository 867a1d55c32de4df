/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Dropping privileges: once sockets and files are open, root is no longer
 * needed.
 */
#ifndef TARGET_PRIVILEGE_H
#define TARGET_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

struct privilege {
    uid_t uid;
    gid_t gid;
};

/* Reads "NAME[:GROUP]", names or numbers; without GROUP it is the user's own.
 * Looks only into /etc/passwd and /etc/group, so that it works in a static
 * program.  0, -ENOENT: no such user or group, -EINVAL: it is root. */
int privilege_scan(const char *text, struct privilege *out);

/* To be called first, before the process has threads, which inherit it: no
 * program it executes gains privileges.  The process keeps what it has.  0, or
 * -errno after saying what went wrong. */
int privilege_prepare(void);

/* Becomes that user, for good and in all threads: no other groups, no
 * capabilities.  0, or -errno after saying what went wrong. */
int privilege_drop(const struct privilege *p);

/* ---- target/sandbox.c, with HAVE_SECCOMP -------------------------------- */

/* What a target may have to do besides serving what is already open. */
struct sandbox {
    bool config;  /* reads a configuration and opens what it names */
    bool state;   /* replaces state files */
    bool nbd;     /* connects to NBD servers */
    bool reopen;  /* reopens what it exports */
    bool links;   /* reopens its interfaces (libpcap) */
    bool control; /* accepts clients of the control socket */
    bool syslog;  /* connects to syslogd, again if need be */
};

/* Makes the kernel refuse, in all threads and for good, every system call
 * that neither serving nor these need.  0, or -errno after saying what went
 * wrong. */
int sandbox_enter(const struct sandbox *may);

#endif
