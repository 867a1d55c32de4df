/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-fuse mount`.
 */
#include "bridge/aoe-fuse/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-fuse/commands.h"
#include "initiator/client/command_line.h"

static const struct option_row own[] = {
    {"options", 'o', "LIST",
     "options of the mount, separated by commas:\n"
     "  ro           refuse every write\n"
     "  cache        use the kernel's page cache\n"
     "  uid=, gid=, mode=   of the files (0600)\n"
     "  allow_other  other users too, as mode= allows\n"
     "  interface=, timeout=, window=, replay=, wait=,\n"
     "  link=        as below\n"
     "  ...          any other option of libfuse",
     mount_options_list, 0, 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe-fuse",
    .command = "mount",
    .usage = "Usage: aoe-fuse mount DISK... DIR [-i NETIF]... [OPTION]...\n"
             "Make each DISK (e1.2) a file in DIR: DIR/e1.2, with "
             "DIR/e1.2.info and\n"
             "DIR/e1.2.stats beside it.  Returns when they are usable.",
    .notes = "A disk becomes a file system through a loop device:\n"
             "  losetup --direct-io=on --find --show DIR/e1.2",
    .shared = OPTIONS_SERVER | OPTION_FOREGROUND,
    .own = own,
};

/* ---- DISK... DIR --------------------------------------------------------- */

static int read_operands(struct mount_options *o, int count, char **names)
{
    int status = -1;

    if (count < 2)
        return command_line_wrong(&line, "name a disk and a directory", NULL,
                                  NULL);
    o->dir = names[count - 1];
    for (int i = 0; i < count - 1 && status < 0; i++)
        status = command_line_add_disk(&line, names[i], &o->disks);
    return status;
}

/* How the mount shows in mount(8) and df(1): type fuse.aoe-fuse, and the disks
 * for a source.  A user's own fsname comes later and wins. */
static bool name_mount(struct mount_options *o)
{
    char source[32 + DISK_NAMES_MAX * 16] = "subtype=aoe-fuse,fsname=";
    size_t used = strlen(source);

    for (unsigned i = 0; i < o->disks.count; i++)
        used += (size_t)snprintf(source + used, sizeof source - used,
                                 "%se%u.%u", i ? "+" : "", o->disks.of[i].shelf,
                                 o->disks.of[i].slot);
    return fuse_opt_insert_arg(&o->mount, 1, source) == 0 &&
           fuse_opt_insert_arg(&o->mount, 1, "-o") == 0 &&
           /* Who may open which file is decided by its mode, by the kernel. */
           mount_option_to_libfuse(o, "default_permissions");
}

/* ---- the command line ---------------------------------------------------- */

static int no_memory(void)
{
    log_error("mount: no memory");
    return EXIT_FAILED;
}

/* What -r and -o ro have in common. */
static bool make_read_only(struct mount_options *o)
{
    o->fs.read_only = true;
    o->fs.mode &= 0555;
    return mount_option_to_libfuse(o, "ro");
}

static int parse(struct mount_options *o, int argc, char **argv)
{
    int status = command_line_parse(&line, &o->client, o, &argc, argv);

    if (status < 0)
        status = read_operands(o, argc, argv);
    if (status >= 0)
        return status;
    if (o->client.disk.read_only && !make_read_only(o))
        return no_memory();
    return name_mount(o) ? -1 : no_memory();
}

bool mount_options_parse(struct mount_options *o, int argc, char **argv,
                         int *status)
{
    memset(o, 0, sizeof *o);
    client_options_init(&o->client);
    o->fs.uid = getuid();
    o->fs.gid = getgid();
    o->fs.mode = 0600;
    o->fs.memory = AOEFS_MEMORY_MAX;
    o->fs.mount = &o->mount;
    *status = fuse_opt_add_arg(&o->mount, "aoe-fuse") ? no_memory()
                                                      : parse(o, argc, argv);
    return *status < 0;
}

void mount_options_free(struct mount_options *o)
{
    fuse_opt_free_args(&o->mount);
    client_options_free(&o->client);
}
