/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-fuse as the helper of mount(8) for the type fuse.aoe-fuse.  mount(8)
 * calls it as mount.fuse.aoe-fuse, or through libfuse's mount.fuse3:
 *
 *     mount.fuse.aoe-fuse SOURCE DIR [-sfnv] [-o OPTIONS] [-t TYPE]
 *     aoe-fuse SOURCE DIR -o OPTIONS
 *
 * SOURCE is a disk, or several joined by '+'.  The mount table will show the
 * same word, because mount -a compares the two.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-fuse/commands.h"
#include "bridge/aoe-fuse/options.h"

/* mount(8)'s exit status. */
enum { MOUNT_USAGE = 1, MOUNT_FAILED = 32 };

struct helper {
    char *source, *fsname;
    const char *dir;
    bool fake;                           /* mount -f: everything but mounting */
    char *argv[2 * DISK_NAMES_MAX + 16]; /* what `mount` gets */
    int argc;
};

/* mount(8) makes an absolute path of SOURCE if the current directory has a file
 * of that name. */
static const char *disk_name(const char *source)
{
    const char *slash = strrchr(source, '/');

    return slash ? slash + 1 : source;
}

static bool add(struct helper *h, const char *word)
{
    /* The last element stays NULL. */
    if (h->argc + 1 == sizeof h->argv / sizeof *h->argv) {
        log_error("mount: too many disks or options");
        return false;
    }
    h->argv[h->argc++] = (char *)(uintptr_t)word;
    return true;
}

static void refuse(int letter)
{
    log_error("mount: -%c: %s; see aoe-fuse(8)", optopt,
              letter == ':' ? "needs an argument" : "no such option");
}

static bool read_letter(struct helper *h, int letter)
{
    switch (letter) {
    case 's': /* sloppy: ignore unknown options; we have none to ignore */
    case 'n': /* there is no mtab */
    case 't':
        return true;
    case 'f':
        h->fake = true;
        return true;
    case 'v':
        return add(h, "-v");
    case 'o':
        return add(h, "-o") && add(h, optarg);
    default:
        refuse(letter);
        return false;
    }
}

static bool read_source(struct helper *h, const char *source)
{
    char *rest, *disk;

    h->source = strdup(disk_name(source));
    if (!h->source || asprintf(&h->fsname, "fsname=%s", h->source) < 0) {
        h->fsname = NULL;
        log_error("mount: no memory");
        return false;
    }
    if (!add(h, "-o") || !add(h, h->fsname))
        return false;
    rest = h->source;
    while ((disk = strsep(&rest, "+")))
        if (!add(h, disk))
            return false;
    return true;
}

static bool read_line(struct helper *h, int argc, char **argv)
{
    int letter;

    opterr = 0;
    while ((letter = getopt(argc, argv, ":sfnvo:t:")) != -1)
        if (!read_letter(h, letter))
            return false;
    if (argc - optind != 2) {
        log_error("mount: needs a disk and a directory: "
                  "mount -t fuse.aoe-fuse e1.2 DIR -o interface=NETIF");
        return false;
    }
    return read_source(h, argv[optind]) && add(h, argv[optind + 1]);
}

static int check_only(struct helper *h)
{
    struct mount_options options;
    int status;

    if (mount_options_parse(&options, h->argc, h->argv, &status))
        status = EXIT_DONE;
    mount_options_free(&options);
    return status;
}

bool fuse_helper_called(int argc, char **argv)
{
    struct disk_name a;
    const char *name;
    char first[16];
    size_t length;

    if (!strncmp(disk_name(argv[0]), "mount.", 6))
        return true;
    if (argc < 2)
        return false;
    name = disk_name(argv[1]);
    length = strcspn(name, "+");
    if (length >= sizeof first)
        return false;
    memcpy(first, name, length);
    first[length] = '\0';
    return aoe_name_parse(first, &a.shelf, &a.slot) == 0;
}

int fuse_helper_command(int argc, char **argv)
{
    struct helper h = {0};
    int status = EXIT_USAGE;

    add(&h, "mount");
    if (read_line(&h, argc, argv))
        status = h.fake ? check_only(&h) : fuse_mount_command(h.argc, h.argv);
    free(h.source);
    free(h.fsname);
    return status == EXIT_DONE    ? EXIT_DONE
           : status == EXIT_USAGE ? MOUNT_USAGE
                                  : MOUNT_FAILED;
}
