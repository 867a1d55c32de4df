/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-fuse mount`.
 */
#include "bridge/aoe-fuse/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-fuse/commands.h"

static const uint64_t default_wait = 10 * NS_PER_S;

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
           mount_option_to_libfuse(o, "default_permissions");
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
        log_verbosity++;
        return true;
    case OPT_TIMEOUT:
        return mount_option_set(o, "timeout=", optarg);
    case OPT_WINDOW:
        return mount_option_set(o, "window=", optarg);
    case OPT_REPLAY:
        return mount_option_set(o, "replay=", optarg);
    case OPT_WAIT:
        return mount_option_set(o, "wait=", optarg);
    case OPT_LINK:
        return mount_option_set(o, "link=", optarg);
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
