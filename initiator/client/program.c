/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What all programs with subcommands do before one of them begins.
 */
#include "initiator/client/program.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"

static int help(const struct program *p)
{
    printf("Usage: %s COMMAND [ARGUMENT]...\n%s\n\nCommands:\n", p->name,
           p->about);
    for (const struct program_command *c = p->commands; c->name; c++)
        printf("  %-10s  %s\n", c->name, c->about);
    printf("\n"
           "  -h, --help     show this\n"
           "  -V, --version  show the version\n\n");
    if (p->examples)
        printf("%s\n\n", p->examples);
    printf("`%s COMMAND --help' tells more.  See %s(8).\n", p->name, p->name);
    return EXIT_DONE;
}

static bool is_option(const char *word, const char *letter, const char *name)
{
    return !strcmp(word, letter) || !strcmp(word, name);
}

int program_run(const struct program *p, int argc, char **argv)
{
    if (argc < 2) {
        log_error("no command given; see %s --help", p->name);
        return EXIT_USAGE;
    }
    if (is_option(argv[1], "-h", "--help"))
        return help(p);
    if (is_option(argv[1], "-V", "--version")) {
        printf("%s (aoekit) " AOEKIT_VERSION "\n", p->name);
        return EXIT_DONE;
    }
    for (const struct program_command *c = p->commands; c->name; c++)
        if (!strcmp(argv[1], c->name))
            return c->run(argc - 1, argv + 1);
    log_error("%s: no such command or option; see %s --help", argv[1], p->name);
    return EXIT_USAGE;
}
