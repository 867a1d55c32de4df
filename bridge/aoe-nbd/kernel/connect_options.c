/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-nbd connect`.
 */
#include "bridge/aoe-nbd/kernel/connect_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-nbd/kernel/device.h"
#include "initiator/client/disk_options.h"

enum { HOLD_DEFAULT = 60, HOLD_MAX = 86400 };

static void help(void)
{
    puts(
        "Usage: aoe-nbd connect DISK [/dev/nbdN] [-i NETIF]... [OPTION]...\n"
        "Make an AoE disk (e1.2) a block device, print its name, and serve it\n"
        "in the background.\n\n"
        "  -i, --interface NETIF  reach the disk through it; may be repeated\n"
        "                         or a list with commas (default:\n"
        "                         $AOE_INTERFACES)\n"
        "  -f, --foreground       stay in front\n"
        "  -r, --read-only        let nobody write to it\n"
        "  -T, --timeout SECONDS  end requests with an error when the disk\n"
        "                         answers none for so long (60; 0: never)\n"
        "      --hold SECONDS     let requests wait so long for `connect\n"
        "                         --resume' when this server was killed (60)\n"
        "      --resume           serve a device again whose server is gone\n"
        "      --again            --resume if there is such a device, else "
        "connect\n"
        "      --swap             for a device that is used as swap: keep all\n"
        "                         memory of the server present, and use what "
        "the\n"
        "                         kernel holds back\n"
        "      --replay MIB       keep up to so much of what was written and\n"
        "                         not flushed, for a target that restarts (0)\n"
        "  -w, --wait SECONDS     how long to look for the disk (10)\n"
        "  -W, --window FRAMES    at most so many in flight on a path (what\n"
        "                         the target says)\n"
        "      --link KIND        packet, queue or pcap: how to reach the "
        "wire\n"
        "  -v, --verbose          say more\n"
        "  -h, --help             show this\n\n"
        "aoe-nbd disconnect ends it; so does SIGTERM, unless the device is in\n"
        "use.  Exit status: 0 done, 1 failed, 2 wrong usage.");
}

enum { OPT_LINK = 256, OPT_HOLD, OPT_RESUME, OPT_AGAIN, OPT_SWAP, OPT_REPLAY };
static const struct option longs[] = {
    {"interface", required_argument, NULL, 'i'},
    {"foreground", no_argument, NULL, 'f'},
    {"read-only", no_argument, NULL, 'r'},
    {"timeout", required_argument, NULL, 'T'},
    {"hold", required_argument, NULL, OPT_HOLD},
    {"resume", no_argument, NULL, OPT_RESUME},
    {"again", no_argument, NULL, OPT_AGAIN},
    {"swap", no_argument, NULL, OPT_SWAP},
    {"replay", required_argument, NULL, OPT_REPLAY},
    {"wait", required_argument, NULL, 'w'},
    {"window", required_argument, NULL, 'W'},
    {"link", required_argument, NULL, OPT_LINK},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int wrong(const char *option, const char *value, const char *why)
{
    log_error("connect: %s %s: %s; see aoe-nbd connect --help", option, value,
              why);
    return EXIT_USAGE;
}

/* `why` is NULL when optarg was taken. */
static int taken(const char *option, const char *why)
{
    return why ? wrong(option, optarg, why) : -1;
}

static int set_option(struct connect_options *o, int c)
{
    uint64_t seconds;

    switch (c) {
    case 'i':
        return interfaces_add(&o->interfaces, optarg) ? EXIT_USAGE : -1;
    case 'f':
        o->foreground = true;
        return -1;
    case 'r':
        o->disk.read_only = true;
        return -1;
    case 'T':
        return taken("--timeout", disk_seconds(optarg, &o->disk.timeout));
    case OPT_HOLD:
        if (option_u64(optarg, 0, HOLD_MAX, &seconds))
            return wrong("--hold", optarg, "not a number from 0 to 86400");
        o->hold = (unsigned)seconds;
        return -1;
    case OPT_RESUME:
        o->resume = true;
        return -1;
    case OPT_AGAIN:
        o->again = true;
        return -1;
    case OPT_REPLAY:
        return taken("--replay", disk_replay(optarg, &o->disk));
    case OPT_SWAP:
        o->swap = true;
        return -1;
    case 'w':
        return taken("--wait", disk_seconds(optarg, &o->wait));
    case 'W':
        return taken("--window", disk_window(optarg, &o->disk));
    case OPT_LINK:
        o->interfaces.link = optarg;
        return -1;
    case 'v':
        log_verbosity++;
        return -1;
    case 'h':
        help();
        return EXIT_DONE;
    default: /* getopt has said why */
        return EXIT_USAGE;
    }
}

static int set_operand(struct connect_options *o, const char *word)
{
    if (strchr(word, '/') && o->index < 0) {
        o->index = kernel_device_index(word);
        return o->index < 0 ? wrong("device", word, "not like /dev/nbd0") : -1;
    }
    if (o->name || aoe_name_parse(word, &o->shelf, &o->slot))
        return wrong("disk", word,
                     o->name ? "one too many" : "not a name like e1.2");
    o->name = word;
    return -1;
}

int connect_options_parse(struct connect_options *o, int argc, char **argv)
{
    static char program[] = "aoe-nbd";
    int c, status = -1;

    *o = (struct connect_options){.index = -1,
                                  .hold = HOLD_DEFAULT,
                                  .wait = 10 * NS_PER_S,
                                  .disk.timeout = AOE_TIMEOUT_DEFAULT};
    argv[0] = program; /* what getopt begins its complaints with */
    /* Operands may stand before options also where getopt would stop there. */
    while (status < 0 && optind < argc) {
        c = getopt_long(argc, argv, "+i:frT:w:W:vh", longs, NULL);
        if (c != -1)
            status = set_option(o, c);
        else if (optind < argc)
            status = set_operand(o, argv[optind++]);
    }
    if (status >= 0 || o->name)
        return status;
    log_error("connect: name a disk, like e1.2; see aoe-nbd connect --help");
    return EXIT_USAGE;
}
