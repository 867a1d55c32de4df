/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-nbd connect`.
 */
#include "bridge/aoe-nbd/kernel/connect_options.h"

#include <stddef.h>
#include <string.h>

#include "base/options.h"
#include "bridge/aoe-nbd/kernel/device.h"
#include "initiator/client/command_line.h"

enum { HOLD_DEFAULT = 60, HOLD_MAX = 86400 };

static const char *set_hold(void *to, const char *value)
{
    struct connect_options *o = to;
    uint64_t seconds;

    if (option_u64(value, 0, HOLD_MAX, &seconds))
        return "not a number from 0 to 86400";
    o->hold = (unsigned)seconds;
    return NULL;
}

#define FLAG(member) offsetof(struct connect_options, member)
static const struct option_row own[] = {
    {"hold", 0, "SECONDS",
     "how long requests wait for `connect --resume' after\n"
     "this server is killed (60)",
     set_hold, 0, 0},
    {"resume", 0, NULL, "serve a device whose server is gone", NULL,
     FLAG(resume), 0},
    {"again", 0, NULL, "--resume if there is such a device, else connect", NULL,
     FLAG(again), 0},
    {"swap", 0, NULL,
     "for a device that is used as swap: lock the server in\n"
     "memory, and let it use what the kernel keeps in\n"
     "reserve",
     NULL, FLAG(swap), 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe-nbd",
    .command = "connect",
    .usage =
        "Usage: aoe-nbd connect DISK [/dev/nbdN] [-i NETIF]... [OPTION]...\n"
        "Make an AoE disk (e1.2) a block device, print its name, and serve it\n"
        "in the background.",
    .notes =
        "aoe-nbd disconnect ends it; so does SIGTERM, unless the device is in\n"
        "use.  Exit status: 0 done, 1 failed, 2 wrong usage.",
    .shared = OPTIONS_SERVER | OPTION_FOREGROUND,
    .own = own,
};

static int wrong(const char *what, const char *value, const char *why)
{
    return command_line_wrong(&line, what, value, why);
}

static int set_operand(struct connect_options *o, const char *word)
{
    if (strchr(word, '/') && o->index < 0) {
        o->index = kernel_device_index(word);
        return o->index < 0 ? wrong("device", word, "not like /dev/nbd0") : -1;
    }
    if (o->name)
        return wrong("disk", word, "one too many");
    o->name = word;
    return command_line_disk(&line, word, &o->shelf, &o->slot);
}

int connect_options_parse(struct connect_options *o, int argc, char **argv)
{
    int status;

    *o = (struct connect_options){.index = -1, .hold = HOLD_DEFAULT};
    client_options_init(&o->client);
    status = command_line_parse(&line, &o->client, o, &argc, argv);
    for (int i = 0; i < argc && status < 0; i++)
        status = set_operand(o, argv[i]);
    if (status >= 0 || o->name)
        return status;
    return wrong("name a disk, like e1.2", NULL, NULL);
}
