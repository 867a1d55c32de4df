/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe reserve: which clients may use a disk (AoEr11 section 3.4).  Whoever is
 * not on the list gets an error; without an entry everyone may.
 */
#include "initiator/aoe/commands.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "initiator/aoe/targets.h"

static const struct {
    const char *name;
    enum aoe_control_op op;
    bool ours; /* our addresses become the list */
} words[] = {
    {"list", AOE_CONTROL_RESERVE_READ, false},
    {"take", AOE_CONTROL_RESERVE_SET, true},
    {"force", AOE_CONTROL_RESERVE_FORCE, true},
    {"release", AOE_CONTROL_RESERVE_SET, false},
};

enum { WORDS = sizeof words / sizeof words[0] };

static const struct command_line line = {
    .program = "aoe",
    .command = "reserve",
    .usage =
        "Usage: aoe reserve DISK [list|take|force|release] [-i NETIF]...\n"
        "                   [OPTION]...\n"
        "Show or change who a disk is reserved for.\n\n"
        "  list     show the addresses; none: everyone may use it\n"
        "  take     reserve it for the interfaces named, if nobody else has\n"
        "  force    take it from whoever has it\n"
        "  release  let everyone use it again",
    .notes = "Exit status: 0 done, 1 failed, 2 wrong usage.",
    .shared = OPTIONS_NETWORK,
};

static int reserve(struct command_disk *c, int word)
{
    struct aoe_control control = {.op = words[word].op};
    struct command_targets targets;
    uint8_t macs[AOE_INTERFACE_MAX][6];
    int status = command_targets_find(c, &targets);

    if (status)
        return status;
    if (words[word].ours) {
        for (unsigned i = 0; i < c->options.interfaces.count; i++)
            if (aoe_interface_mac(c->aoe, c->options.interfaces.names[i],
                                  macs[i])) {
                log_error("reserve: %s: it has no address",
                          c->options.interfaces.names[i]);
                return EXIT_FAILED;
            }
        control.macs = (const uint8_t(*)[6])macs;
        control.mac_count = c->options.interfaces.count;
    }
    return command_targets_run(c, &targets, &control, command_targets_macs);
}

/* Returns -1 to go on, else the exit status. */
static int arguments(struct command_disk *c, int *word, int argc, char **argv)
{
    if (argc < 1 || argc > 2)
        return command_wrong(c, "name one disk, like e1.2, and what to do",
                             NULL, NULL);
    while (argc > 1 && *word < WORDS && strcmp(words[*word].name, argv[1]) != 0)
        ++*word;
    if (*word == WORDS)
        return command_wrong(c, "command", argv[1],
                             "not list, take, force or release");
    return command_disk_name(c, argv[0]);
}

int reserve_main(int argc, char **argv)
{
    struct command_disk c;
    int status, word = 0;

    command_disk_init(&c, &line);
    status = command_disk_options(&c, NULL, &argc, argv);
    if (status < 0)
        status = arguments(&c, &word, argc, argv);
    if (status < 0)
        status = reserve(&c, word);
    command_disk_close(&c);
    return status;
}
