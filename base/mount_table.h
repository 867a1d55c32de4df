/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The mount table of Linux, proc_pid_mountinfo(5); before 2.6.26, the file
 * `mounts` beside it, which has no device numbers.  Other systems have neither:
 * there mount_table_open fails.
 */
#ifndef BASE_MOUNT_TABLE_H
#define BASE_MOUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct mount_table {
    FILE *file;
    char *line; /* getline's buffer; the strings of the entry lie in it */
    size_t capacity;
    bool brief; /* it is the older file */
};

/* One mount.  Strings are unescaped, but for super_options; they are valid
 * until the next call for the same table. */
struct mount_entry {
    const char *device;        /* major:minor of stat's st_dev, "43:0"; ""
                                  where only `source` is known */
    const char *dir;           /* where it is mounted */
    const char *type;          /* "ext4", "fuse.aoe-fuse" */
    const char *source;        /* usually a device; "" and "none" occur */
    const char *super_options; /* of the file system, separated by commas;
                                  still escaped */
};

/* Opens `path`, such as /proc/self/mountinfo, or else /proc/self/mounts.  0 or
 * -errno; after an error mount_table_next finds nothing, and closing is still
 * allowed. */
int mount_table_open(struct mount_table *t, const char *path);
void mount_table_close(struct mount_table *t);

/* The next mount; a later one at the same place hides the earlier.  False:
 * there are no more.  Malformed lines are skipped. */
bool mount_table_next(struct mount_table *t, struct mount_entry *out);

/* Starts over: unmounting changes the table under a reader. */
void mount_table_rewind(struct mount_table *t);

/* The value of NAME=VALUE in super_options, which ends at a comma or with the
 * string; NULL: not there. */
const char *mount_entry_option(const struct mount_entry *e, const char *name);

/* Unescapes in place: files in /proc write a space, tab, newline or backslash
 * in a name as a backslash and three octal digits. */
void mount_table_unescape(char *text);

#endif
