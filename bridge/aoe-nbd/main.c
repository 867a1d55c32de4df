/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-nbd: AoE disks for NBD clients, of which the kernel is one.  A table of
 * subcommands.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "base/output.h"
#include "bridge/aoe-nbd/kernel/commands.h"
#include "bridge/aoe-nbd/serve.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} commands[] = {
    {"serve", nbd_serve_command, "serve a disk to NBD clients"},
    {"connect", kernel_connect_command, "make a disk a block device"},
    {"disconnect", kernel_disconnect_command, "take the block device away"},
    {"list", kernel_list_command, "list disks that are block devices"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void help(void)
{
    puts("Usage: aoe-nbd COMMAND [ARGUMENT]...\n"
         "AoE disks for NBD clients and as block devices of Linux.\n\n"
         "Commands:");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].about);
    puts(
        "\n"
        "  aoe-nbd serve e1.2 -i eth0 --unix /run/e1.2.sock\n"
        "  aoe-nbd serve e1.2 -i eth0 --run 'nbdcopy --progress \"$uri\" img'\n"
        "  aoe-nbd connect e1.2 -i eth0\n"
        "\n"
        "`aoe-nbd COMMAND --help' tells more.  See aoe-nbd(8).");
}

static int command(int argc, char **argv)
{
    if (argc < 2) {
        log_error("no command given; see aoe-nbd --help");
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        help();
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        puts("aoe-nbd (aoekit) " AOEKIT_VERSION);
        return EXIT_DONE;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    log_error("%s: no such command; see aoe-nbd --help", argv[1]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    log_program("aoe-nbd");
    /* Whoever read our lines may be gone; that ends no server. */
    signal(SIGPIPE, SIG_IGN);
    return output_end(command(argc, argv));
}
