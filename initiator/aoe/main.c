/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe: the initiator's command line.  One file a subcommand.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "base/output.h"
#include "initiator/aoe/commands.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *does;
} commands[] = {
    {"discover", discover_main, "list the disks that answer on the network"},
    {"stat", stat_main, "show a disk, its paths and how they are"},
    {"ping", ping_main, "measure how long a target takes to answer"},
    {"config", config_main, "show or set the config string of a disk"},
    {"mask", mask_main, "show or change which clients are answered"},
    {"reserve", reserve_main, "show or change for whom a disk is reserved"},
    {"copy", copy_main, "copy a disk to a file, or back"},
    {"bench", bench_main, "measure how fast a disk is"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void help(void)
{
    puts("Usage: aoe COMMAND [OPTION]...\n"
         "ATA over Ethernet disks, from userspace.\n\n"
         "Commands:");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].does);
    puts("\n`aoe COMMAND --help' tells more.  See aoe(8).");
}

static int command(int argc, char **argv)
{
    if (argc < 2) {
        log_error("no command given; see aoe --help");
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        help();
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        puts("aoe (aoekit) " AOEKIT_VERSION);
        return EXIT_DONE;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name)) {
            argv[1] = argv[0]; /* what getopt begins its complaints with */
            return commands[i].run(argc - 1, argv + 1);
        }
    log_error("%s: no such command; see aoe --help", argv[1]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static char program[] = "aoe";

    log_program(program);
    if (argc > 0)
        argv[0] = program;
    return output_end(command(argc, argv));
}
