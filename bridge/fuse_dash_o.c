/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What `aoe-fuse mount -o` knows: options of ours, words of fstab for others,
 * and the rest, which is libfuse's.
 */
#include "bridge/fuse_options.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"

enum { WINDOW_MAX = 4096, REPLAY_MAX = 4096 };

static bool set_uid(struct mount_options *o, const char *value)
{
    const struct passwd *user = getpwnam(value);
    uint64_t number;

    if (user)
        o->fs.uid = user->pw_uid;
    else if (!option_u64(value, 0, UINT32_MAX - 1, &number))
        o->fs.uid = (uid_t)number;
    else
        return false;
    return true;
}

static bool set_gid(struct mount_options *o, const char *value)
{
    const struct group *group = getgrnam(value);
    uint64_t number;

    if (group)
        o->fs.gid = group->gr_gid;
    else if (!option_u64(value, 0, UINT32_MAX - 1, &number))
        o->fs.gid = (gid_t)number;
    else
        return false;
    return true;
}

static bool set_mode(struct mount_options *o, const char *value)
{
    mode_t mode = 0;

    if (!*value || strlen(value) > 4)
        return false;
    for (; *value; value++) {
        if (*value < '0' || *value > '7')
            return false;
        mode = mode << 3 | (mode_t)(*value - '0');
    }
    if (mode > 0777)
        return false;
    o->fs.mode = mode;
    return true;
}

static bool set_cache(struct mount_options *o, const char *value)
{
    (void)value;
    o->fs.cache = true;
    return true;
}

bool mount_option_to_libfuse(struct mount_options *o, const char *option)
{
    if (fuse_opt_add_arg(&o->mount, "-o") == 0 &&
        fuse_opt_add_arg(&o->mount, option) == 0)
        return true;
    log_error("mount: -o %s: no memory", option);
    return false;
}

static bool set_read_only(struct mount_options *o, const char *value)
{
    (void)value;
    o->fs.read_only = true;
    return mount_option_to_libfuse(o, "ro");
}

static bool set_interface(struct mount_options *o, const char *value)
{
    return interfaces_add(&o->interfaces, value) == 0;
}

static bool set_timeout(struct mount_options *o, const char *value)
{
    return option_seconds(value, &o->disk.timeout) == 0;
}

static bool set_window(struct mount_options *o, const char *value)
{
    uint64_t frames;

    if (option_u64(value, 1, WINDOW_MAX, &frames))
        return false;
    o->disk.window = (unsigned)frames;
    return true;
}

static bool set_replay(struct mount_options *o, const char *value)
{
    uint64_t mib;

    if (option_u64(value, 0, REPLAY_MAX, &mib))
        return false;
    o->disk.replay = mib << 20;
    return true;
}

static bool set_wait(struct mount_options *o, const char *value)
{
    return option_seconds(value, &o->wait) == 0;
}

static bool set_link(struct mount_options *o, const char *value)
{
    snprintf(o->link, sizeof o->link, "%s", value);
    o->interfaces.link = o->link;
    return strlen(value) < sizeof o->link;
}

/* For whoever reads fstab, not for us: mount(8) hands some of them on. */
static bool not_ours(struct mount_options *o, const char *value)
{
    (void)o;
    (void)value;
    return true;
}

/* Our reads are sized for what was agreed with the kernel. */
static bool refuse(struct mount_options *o, const char *value)
{
    (void)o;
    (void)value;
    return false;
}

static const struct {
    const char *name; /* with a '=' when a value follows, or a '-' */
    bool (*set)(struct mount_options *o, const char *value);
    const char *wrong; /* NULL: it has said so itself */
} own_options[] = {
    {"ro", set_read_only, NULL},
    {"cache", set_cache, ""},
    {"uid=", set_uid, "not a user name or number"},
    {"gid=", set_gid, "not a group name or number"},
    {"mode=", set_mode, "permissions are octal, at most 0777"},
    {"interface=", set_interface, NULL},
    {"timeout=", set_timeout, "not a number of seconds"},
    {"window=", set_window, "not a number from 1 to 4096"},
    {"replay=", set_replay, "not a number from 0 to 4096"},
    {"wait=", set_wait, "not a number of seconds"},
    {"link=", set_link, "packet, queue or pcap"},
    {"max_read=", refuse, "the size of reads is not for choosing"},
    {"defaults", not_ours, ""},
    {"auto", not_ours, ""},
    {"noauto", not_ours, ""},
    {"nofail", not_ours, ""},
    {"_netdev", not_ours, ""},
    {"user", not_ours, ""},
    {"users", not_ours, ""},
    {"nouser", not_ours, ""},
    {"owner", not_ours, ""},
    {"group", not_ours, ""},
    {"user=", not_ours, ""},
    {"comment=", not_ours, ""},
    {"x-", not_ours, ""},
    {"X-", not_ours, ""},
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

bool mount_option_set(struct mount_options *o, const char *name,
                      const char *value)
{
    size_t i = find(name);

    if (own_options[i].set(o, value))
        return true;
    log_error("mount: --%.*s %s: %s", (int)strcspn(name, "="), name, value,
              own_options[i].wrong);
    return false;
}

static bool set_option(struct mount_options *o, const char *option)
{
    size_t i = find(option);

    /* libfuse names those that it does not know either. */
    if (i == OWN_OPTIONS)
        return mount_option_to_libfuse(o, option);
    if (own_options[i].set(o, option + strlen(own_options[i].name)))
        return true;
    if (own_options[i].wrong)
        log_error("mount: -o %s: %s", option, own_options[i].wrong);
    return false;
}

bool mount_options_list(struct mount_options *o, const char *list)
{
    char *copy = strdup(list), *rest = copy, *option;
    bool good = copy != NULL;

    while (good && (option = strsep(&rest, ",")))
        if (*option)
            good = set_option(o, option);
    free(copy);
    return good;
}
