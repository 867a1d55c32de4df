/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-fuse: AoE disks as files in a directory.  A table of subcommands.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/fuse_commands.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} commands[] = {
    {"mount", fuse_mount_command, "disks become files in a directory"},
    {"umount", fuse_umount_command, "flush them and take it away again"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *f)
{
    fprintf(f, "usage: aoe-fuse COMMAND ...\n\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].about);
    fprintf(f, "\n"
               "  aoe-fuse mount e1.2 /mnt/aoe -i eth0     "
               "the disk is /mnt/aoe/e1.2\n"
               "  aoe-fuse umount /mnt/aoe\n"
               "\n"
               "aoe-fuse COMMAND --help tells more, aoe-fuse(8) all.\n");
}

/* getopt begins its messages with argv[0]. */
static int run(int i, int argc, char **argv)
{
    static char title[32];

    snprintf(title, sizeof title, "%s: %s", log_name(), commands[i].name);
    argv[0] = title;
    return commands[i].run(argc, argv);
}

int main(int argc, char **argv)
{
    log_program("aoe-fuse");
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("aoe-fuse (aoekit) %s\n", AOEKIT_VERSION);
        return EXIT_DONE;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name))
            return run(i, argc - 1, argv + 1);
    log_error("%s: no such command; aoe-fuse --help lists them", argv[1]);
    return EXIT_USAGE;
}
