/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe config: the config string that a target keeps with a disk (AoEr11
 * section 3.2).
 */
#include "initiator/aoe/commands.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/format.h"
#include "base/options.h"
#include "initiator/aoe/targets.h"

static const struct {
    const char *name;
    enum aoe_control_op op;
} words[] = {
    {"get", AOE_CONTROL_CONFIG_READ},      {"set", AOE_CONTROL_CONFIG_SET},
    {"force", AOE_CONTROL_CONFIG_FORCE},   {"test", AOE_CONTROL_CONFIG_TEST},
    {"prefix", AOE_CONTROL_CONFIG_PREFIX},
};

enum { WORDS = sizeof words / sizeof words[0] };

static const struct command_line line = {
    .program = "aoe",
    .command = "config",
    .usage = "Usage: aoe config DISK [get] [-i NETIF]... [OPTION]...\n"
             "       aoe config DISK set|force|test|prefix STRING [OPTION]...\n"
             "Show or set the config string of a disk.\n\n"
             "  get     show it\n"
             "  set     set it where there is none\n"
             "  force   set it, replacing any other; '' removes it\n"
             "  test    succeed if it is STRING\n"
             "  prefix  succeed if it begins with STRING",
    .notes =
        "Exit status: 0 done, or the string matches; 1 failed, or it does\n"
        "not; 2 wrong usage.",
    .shared = OPTIONS_NETWORK,
};

static void show(const char *name, const struct aoe_control_response *r)
{
    char text[4 * AOE_CONFIG_MAX + 1];

    format_escaped(text, sizeof text, r->string, r->length);
    if (name)
        printf("%s: %s\n", name, text);
    else
        puts(text);
}

static int config(struct command_disk *c, struct aoe_control *control)
{
    struct command_targets targets;
    int status = command_targets_find(c, &targets);

    if (status)
        return status;
    /* A target says no by silence; a second request rules out a lost frame. */
    if (control->op == AOE_CONTROL_CONFIG_TEST ||
        control->op == AOE_CONTROL_CONFIG_PREFIX)
        control->timeout = AOE_CONTROL_TIMEOUT / 3;
    return command_targets_run(c, &targets, control, show);
}

/* Returns -1 to go on, else the exit status. */
static int arguments(struct command_disk *c, struct aoe_control *control,
                     int argc, char **argv)
{
    int word = 0;

    if (argc < 1 || argc > 3)
        return command_wrong(c, "name one disk, like e1.2, and what to do",
                             NULL, NULL);
    while (argc > 1 && word < WORDS && strcmp(words[word].name, argv[1]) != 0)
        word++;
    if (word == WORDS)
        return command_wrong(c, "command", argv[1],
                             "not get, set, force, test or prefix");
    control->op = words[word].op;
    if ((argc == 3) != (control->op != AOE_CONTROL_CONFIG_READ))
        return command_wrong(c, words[word].name,
                             word ? "takes one STRING" : "takes no STRING",
                             NULL);
    if (argc == 3) {
        if (strlen(argv[2]) > AOE_CONFIG_MAX) {
            log_error("config: the string is longer than %d bytes",
                      AOE_CONFIG_MAX);
            return EXIT_USAGE;
        }
        control->string = argv[2];
        control->length = (unsigned)strlen(argv[2]);
    }
    return command_disk_name(c, argv[0]);
}

int config_main(int argc, char **argv)
{
    struct aoe_control control = {0};
    struct command_disk c;
    int status;

    command_disk_init(&c, &line);
    status = command_disk_options(&c, NULL, &argc, argv);
    if (status < 0)
        status = arguments(&c, &control, argc, argv);
    if (status < 0)
        status = config(&c, &control);
    command_disk_close(&c);
    return status;
}
