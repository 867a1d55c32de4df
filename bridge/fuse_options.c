/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-fuse mount`.
 */
#include "bridge/fuse_options.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/fuse_commands.h"

static const uint64_t default_wait = 10 * NS_PER_S;

/* ---- -o ------------------------------------------------------------------ */

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

static bool to_libfuse(struct mount_options *o, const char *option)
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
    return to_libfuse(o, "ro");
}

/* Our reads are sized for what was agreed with the kernel. */
static bool refuse(struct mount_options *o, const char *value)
{
    (void)o;
    (void)value;
    return false;
}

static const struct {
    const char *name; /* with a '=' when a value follows */
    bool (*set)(struct mount_options *o, const char *value);
    const char *wrong;
} own_options[] = {
    {"ro", set_read_only, "no memory"},
    {"cache", set_cache, ""},
    {"uid=", set_uid, "not a user name or number"},
    {"gid=", set_gid, "not a group name or number"},
    {"mode=", set_mode, "permissions are octal, at most 0777"},
    {"max_read=", refuse, "the size of reads is not for choosing"},
};

static bool set_option(struct mount_options *o, const char *option)
{
    for (size_t i = 0; i < sizeof own_options / sizeof *own_options; i++) {
        const char *name = own_options[i].name;
        size_t length = strlen(name);

        if (strncmp(option, name, length) ||
            (name[length - 1] != '=' && option[length]))
            continue;
        if (own_options[i].set(o, option + length))
            return true;
        log_error("mount: -o %s: %s", option, own_options[i].wrong);
        return false;
    }
    /* libfuse names those that it does not know either. */
    return to_libfuse(o, option);
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

/* ---- DISK... DIR --------------------------------------------------------- */

static bool add_disk(struct mount_options *o, const char *name)
{
    struct mount_address a;

    if (aoe_name_parse(name, &a.shelf, &a.slot)) {
        log_error("mount: %s: not the name of a disk; one looks like e1.2",
                  name);
        return false;
    }
    for (unsigned i = 0; i < o->disk_count; i++)
        if (o->disks[i].shelf == a.shelf && o->disks[i].slot == a.slot) {
            log_error("mount: %s is named twice", name);
            return false;
        }
    if (o->disk_count == MOUNT_DISKS_MAX) {
        log_error("mount: more than %d disks in one directory",
                  MOUNT_DISKS_MAX);
        return false;
    }
    o->disks[o->disk_count++] = a;
    return true;
}

static bool read_operands(struct mount_options *o, int count, char **names)
{
    if (count < 2) {
        log_error("mount: needs a disk and a directory: "
                  "aoe-fuse mount e1.2 DIR -i NETIF");
        return false;
    }
    o->dir = names[count - 1];
    for (int i = 0; i < count - 1; i++)
        if (!add_disk(o, names[i]))
            return false;
    return true;
}

/* How the mount shows in mount(8) and df(1): type fuse.aoe-fuse, and the disks
 * for a source.  A user's own fsname comes later and wins. */
static bool name_mount(struct mount_options *o)
{
    char source[32 + MOUNT_DISKS_MAX * 16] = "subtype=aoe-fuse,fsname=";
    size_t used = strlen(source);

    for (unsigned i = 0; i < o->disk_count; i++)
        used +=
            (size_t)snprintf(source + used, sizeof source - used, "%se%u.%u",
                             i ? "+" : "", o->disks[i].shelf, o->disks[i].slot);
    return fuse_opt_insert_arg(&o->mount, 1, source) == 0 &&
           fuse_opt_insert_arg(&o->mount, 1, "-o") == 0 &&
           /* Who may open which file is decided by its mode, by the kernel. */
           to_libfuse(o, "default_permissions");
}

/* ---- the command line ---------------------------------------------------- */

int fuse_bad_option(const char *command, int letter, char **argv)
{
    char name[3] = {'-', (char)optopt, '\0'};
    const char *option = optopt > 0 && optopt < 256 ? name : argv[optind - 1];

    log_error("%s: %s: %s; aoe-fuse %s --help lists the options", command,
              option, letter == ':' ? "needs an argument" : "no such option",
              command);
    return EXIT_USAGE;
}

enum {
    OPT_TIMEOUT = 256,
    OPT_WINDOW,
    OPT_REPLAY,
    OPT_WAIT,
    OPT_LINK,
    OPT_HELP,
    WINDOW_MAX = 4096,
    REPLAY_MAX = 4096,
};

static const struct option long_options[] = {
    {"interface", required_argument, NULL, 'i'},
    {"options", required_argument, NULL, 'o'},
    {"foreground", no_argument, NULL, 'f'},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"replay", required_argument, NULL, OPT_REPLAY},
    {"wait", required_argument, NULL, OPT_WAIT},
    {"link", required_argument, NULL, OPT_LINK},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static bool seconds(const char *option, const char *text, uint64_t *ns)
{
    if (option_seconds(text, ns) == 0)
        return true;
    log_error("mount: %s %s: not a number of seconds", option, text);
    return false;
}

static bool number(const char *option, uint64_t min, uint64_t max,
                   uint64_t *out)
{
    if (option_u64(optarg, min, max, out) == 0)
        return true;
    log_error("mount: %s %s: not a number from %llu to %llu", option, optarg,
              (unsigned long long)min, (unsigned long long)max);
    return false;
}

static bool set_window(struct mount_options *o)
{
    uint64_t frames;

    if (!number("--window", 1, WINDOW_MAX, &frames))
        return false;
    o->disk.window = (unsigned)frames;
    return true;
}

static bool set_replay(struct mount_options *o)
{
    uint64_t mib;

    if (!number("--replay", 0, REPLAY_MAX, &mib))
        return false;
    o->disk.replay = mib << 20;
    return true;
}

static bool read_option(struct mount_options *o, int letter, char **argv)
{
    switch (letter) {
    case 'i':
        return interfaces_add(&o->interfaces, optarg) == 0;
    case 'o':
        return mount_options_list(o, optarg);
    case 'f':
        o->foreground = true;
        return true;
    case 'v':
        log_verbose(true);
        return true;
    case OPT_TIMEOUT:
        return seconds("--timeout", optarg, &o->disk.timeout);
    case OPT_WINDOW:
        return set_window(o);
    case OPT_REPLAY:
        return set_replay(o);
    case OPT_WAIT:
        return seconds("--wait", optarg, &o->wait);
    case OPT_LINK:
        o->interfaces.link = optarg;
        return true;
    default:
        fuse_bad_option("mount", letter, argv);
        return false;
    }
}

bool mount_options_parse(struct mount_options *o, int argc, char **argv,
                         int *status)
{
    int letter;

    memset(o, 0, sizeof *o);
    o->disk.timeout = AOE_TIMEOUT_DEFAULT;
    o->wait = default_wait;
    o->fs.uid = getuid();
    o->fs.gid = getgid();
    o->fs.mode = 0600;
    o->fs.memory = AOEFS_MEMORY_MAX;
    o->fs.mount = &o->mount;
    *status = EXIT_USAGE;
    opterr = 0;
    if (fuse_opt_add_arg(&o->mount, "aoe-fuse"))
        return false;
    while ((letter = getopt_long(argc, argv, ":i:o:fv", long_options, NULL)) !=
           -1) {
        if (letter == OPT_HELP) {
            fuse_mount_help();
            *status = EXIT_DONE;
            return false;
        }
        if (!read_option(o, letter, argv))
            return false;
    }
    if (!read_operands(o, argc - optind, argv + optind))
        return false;
    if (o->fs.read_only)
        o->fs.mode &= 0555;
    return name_mount(o);
}

void mount_options_free(struct mount_options *o)
{
    fuse_opt_free_args(&o->mount);
    interfaces_free(&o->interfaces);
}
