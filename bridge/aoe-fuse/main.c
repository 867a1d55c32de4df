/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-fuse: AoE disks as files in a directory.  A table of subcommands.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "base/output.h"
#include "bridge/aoe-fuse/commands.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} commands[] = {
    {"mount", fuse_mount_command, "disks become files in a directory"},
    {"umount", fuse_umount_command, "flush them and take it away again"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void help(void)
{
    printf("usage: aoe-fuse COMMAND ...\n\n");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].about);
    printf("\n"
           "  aoe-fuse mount e1.2 /mnt/aoe -i eth0     "
           "the disk is /mnt/aoe/e1.2\n"
           "  aoe-fuse umount /mnt/aoe\n"
           "\n"
           "aoe-fuse COMMAND --help tells more, aoe-fuse(8) all.\n");
}

static int command(int argc, char **argv)
{
    if (fuse_helper_called(argc, argv))
        return fuse_helper_command(argc, argv);
    if (argc < 2) {
        log_error("needs a command, mount or umount; aoe-fuse --help tells "
                  "more");
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        help();
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("aoe-fuse (aoekit) %s\n", AOEKIT_VERSION);
        return EXIT_DONE;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    log_error("%s: no such command or option; aoe-fuse --help lists them",
              argv[1]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    log_program("aoe-fuse");
    return output_end(command(argc, argv));
}
