/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What `aoe-fuse mount -o` knows: options of ours, words of fstab for others,
 * and the rest, which is libfuse's.
 */
#include "bridge/aoe-fuse/options.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"

static const char *set_uid(struct mount_options *o, const char *value)
{
    const struct passwd *user = getpwnam(value);
    uint64_t number;

    if (user)
        o->fs.uid = user->pw_uid;
    else if (!option_u64(value, 0, UINT32_MAX - 1, &number))
        o->fs.uid = (uid_t)number;
    else
        return "not a user name or number";
    return NULL;
}

static const char *set_gid(struct mount_options *o, const char *value)
{
    const struct group *group = getgrnam(value);
    uint64_t number;

    if (group)
        o->fs.gid = group->gr_gid;
    else if (!option_u64(value, 0, UINT32_MAX - 1, &number))
        o->fs.gid = (gid_t)number;
    else
        return "not a group name or number";
    return NULL;
}

static const char *set_mode(struct mount_options *o, const char *value)
{
    static const char wrong[] = "permissions are octal, at most 0777";
    mode_t mode = 0;

    if (!*value || strlen(value) > 4)
        return wrong;
    for (; *value; value++) {
        if (*value < '0' || *value > '7')
            return wrong;
        mode = mode << 3 | (mode_t)(*value - '0');
    }
    if (mode > 0777)
        return wrong;
    o->fs.mode = mode;
    return NULL;
}

static const char *set_cache(struct mount_options *o, const char *value)
{
    (void)value;
    o->fs.cache = true;
    return NULL;
}

bool mount_option_to_libfuse(struct mount_options *o, const char *option)
{
    if (fuse_opt_add_arg(&o->mount, "-o") == 0 &&
        fuse_opt_add_arg(&o->mount, option) == 0)
        return true;
    log_error("mount: -o %s: no memory", option);
    return false;
}

static const char *set_read_only(struct mount_options *o, const char *value)
{
    (void)value;
    o->client.disk.read_only = true;
    return NULL;
}

/* For whoever reads fstab, not for us: mount(8) hands some of them on. */
static const char *not_ours(struct mount_options *o, const char *value)
{
    (void)o;
    (void)value;
    return NULL;
}

/* Our reads are sized for what was agreed with the kernel. */
static const char *refuse(struct mount_options *o, const char *value)
{
    (void)o;
    (void)value;
    return "the size of reads is not for choosing";
}

/* The server was started with its options. */
static const char *no_remount(struct mount_options *o, const char *value)
{
    (void)o;
    (void)value;
    return "there is no changing of options; unmount the disks and mount them "
           "again";
}

static const struct {
    const char *name; /* with a '=' when a value follows, or a '-' */
    /* NULL, or what is wrong with the value: "" when it has said so itself. */
    const char *(*set)(struct mount_options *o, const char *value);
} own_options[] = {
    {"ro", set_read_only},  {"cache", set_cache},  {"uid=", set_uid},
    {"gid=", set_gid},      {"mode=", set_mode},   {"max_read=", refuse},
    {"defaults", not_ours}, {"auto", not_ours},    {"noauto", not_ours},
    {"nofail", not_ours},   {"_netdev", not_ours}, {"user", not_ours},
    {"users", not_ours},    {"nouser", not_ours},  {"owner", not_ours},
    {"group", not_ours},    {"user=", not_ours},   {"comment=", not_ours},
    {"x-", not_ours},       {"X-", not_ours},      {"remount", no_remount},
};

enum { OWN_OPTIONS = sizeof own_options / sizeof *own_options };

static size_t find(const char *option)
{
    size_t i = 0;

    for (; i < OWN_OPTIONS; i++) {
        const char *name = own_options[i].name;
        size_t length = strlen(name);

        if (strncmp(option, name, length) == 0 &&
            (strchr("=-", name[length - 1]) || !option[length]))
            break;
    }
    return i;
}

/* One of those that the command line has, too. */
static bool set_shared(struct mount_options *o, const char *option,
                       const char **why)
{
    size_t length = strcspn(option, "=");

    return option[length] &&
           client_option_set(&o->client, OPTIONS_SERVER, option, length,
                             option + length + 1, why);
}

static bool set_option(struct mount_options *o, const char *option)
{
    size_t i = find(option);
    const char *why;

    if (i < OWN_OPTIONS)
        why = own_options[i].set(o, option + strlen(own_options[i].name));
    else if (!set_shared(o, option, &why))
        /* libfuse names those that it does not know either. */
        return mount_option_to_libfuse(o, option);
    if (why && *why)
        log_error("mount: -o %s: %s; see aoe-fuse mount --help", option, why);
    return !why;
}

const char *mount_options_list(void *to, const char *list)
{
    char *copy = strdup(list), *rest = copy, *option;
    bool good = copy != NULL;

    while (good && (option = strsep(&rest, ",")))
        if (*option)
            good = set_option(to, option);
    free(copy);
    return good ? NULL : "";
}
