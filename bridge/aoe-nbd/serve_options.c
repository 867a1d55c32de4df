/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-nbd serve`.
 */
#include "bridge/aoe-nbd/serve_options.h"

#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "bridge/nbd/listen.h"
#include "initiator/client/disk_options.h"

enum { MEMORY_MAX = 1024 };

static void help(void)
{
    puts(
        "Usage: aoe-nbd serve DISK... [-i NETIF]... (--unix PATH |\n"
        "                     --tcp [ADDR:]PORT | --run COMMAND) [OPTION]...\n"
        "Serve AoE disks (e1.2) to NBD clients, in the foreground.\n\n"
        "  -i, --interface NETIF  reach the disk through it; may be repeated\n"
        "                         or a list with commas (default:\n"
        "                         $AOE_INTERFACES)\n"
        "  -u, --unix PATH        listen on a unix socket for its owner only\n"
        "  -t, --tcp [ADDR:]PORT  listen on TCP (ADDR: 127.0.0.1; there is no\n"
        "                         encryption and no password)\n"
        "  -R, --run COMMAND      run COMMAND in a shell, where $uri is the\n"
        "                         disk, and end with its exit status\n"
        "  -r, --read-only        refuse every write\n"
        "  -T, --timeout SECONDS  end requests with an error when the disk\n"
        "                         answers none for so long (60; 0: never)\n"
        "  -w, --wait SECONDS     how long to look for the disk (10)\n"
        "  -W, --window FRAMES    at most so many in flight on a path (what\n"
        "                         the target says)\n"
        "  -M, --memory MIB       for requests in flight, of all clients "
        "together\n"
        "                         (64; at least 2)\n"
        "      --replay MIB       keep up to so much of what was written and\n"
        "                         not flushed, and write it again after a\n"
        "                         restart of the target (0)\n"
        "      --link KIND        packet, queue or pcap: how to reach the "
        "wire\n"
        "  -v, --verbose          say what clients do\n"
        "  -h, --help             show this\n\n"
        "Started by systemd or nbdcopy with a socket (LISTEN_FDS), it serves\n"
        "that one.\n\n"
        "SIGTERM and SIGINT end it in order: requests in flight are answered\n"
        "and the disk is flushed.  Exit status: 0 done, 1 failed, 2 wrong\n"
        "usage; with --run that of COMMAND.");
}

static const struct option longs[] = {
    {"interface", required_argument, NULL, 'i'},
    {"unix", required_argument, NULL, 'u'},
    {"tcp", required_argument, NULL, 't'},
    {"run", required_argument, NULL, 'R'},
    {"read-only", no_argument, NULL, 'r'},
    {"timeout", required_argument, NULL, 'T'},
    {"wait", required_argument, NULL, 'w'},
    {"window", required_argument, NULL, 'W'},
    {"memory", required_argument, NULL, 'M'},
    {"replay", required_argument, NULL, 'P'},
    {"link", required_argument, NULL, 'L'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int wrong(const char *option, const char *value, const char *why)
{
    log_error("%s %s: %s; see aoe-nbd serve --help", option, value, why);
    return EXIT_USAGE;
}

/* `why` is NULL when optarg was taken. */
static int taken(const char *option, const char *why)
{
    return why ? wrong(option, optarg, why) : -1;
}

static int set_option(struct serve_options *o, int c)
{
    uint64_t mib;

    switch (c) {
    case 'i':
        return interfaces_add(&o->interfaces, optarg) ? EXIT_USAGE : -1;
    case 'u':
        if (!*optarg)
            return wrong("--unix", "\"\"", "not a path");
        o->unix_path = optarg;
        return -1;
    case 't':
        if (!nbd_tcp_address(optarg))
            return wrong("--tcp", optarg, "not PORT, ADDR:PORT or [ADDR]:PORT");
        o->tcp = optarg;
        return -1;
    case 'R':
        if (!*optarg)
            return wrong("--run", "\"\"", "not a command");
        o->run = optarg;
        return -1;
    case 'r':
        o->disk.read_only = true;
        return -1;
    case 'T':
        return taken("--timeout", disk_seconds(optarg, &o->disk.timeout));
    case 'w':
        return taken("--wait", disk_seconds(optarg, &o->wait));
    case 'W':
        return taken("--window", disk_window(optarg, &o->disk));
    case 'M':
        if (option_u64(optarg, NBD_BYTES_MIN >> 20, MEMORY_MAX, &mib))
            return wrong("--memory", optarg, "not a number from 2 to 1024");
        o->memory = (size_t)mib << 20;
        return -1;
    case 'P':
        return taken("--replay", disk_replay(optarg, &o->disk));
    case 'L':
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

static int add_disk(struct serve_options *o, const char *name)
{
    struct serve_disk disk;

    if (aoe_name_parse(name, &disk.shelf, &disk.slot))
        return wrong("serve", name, "not a disk name like e1.2");
    for (unsigned i = 0; i < o->disk_count; i++)
        if (o->disks[i].shelf == disk.shelf && o->disks[i].slot == disk.slot)
            return wrong("serve", name, "named twice");
    if (o->disk_count == SERVE_DISKS_MAX)
        return wrong("serve", name, "more than 64 disks");
    o->disks[o->disk_count++] = disk;
    return -1;
}

/* How clients reach it: one way, whichever. */
static int check_ways(const struct serve_options *o)
{
    int ways = !!o->unix_path + !!o->tcp + !!o->run;

    if (ways == 1 && o->inherited == 0)
        return -1;
    if (ways == 0 && o->inherited > 0)
        return -1;
    if (o->inherited > 0)
        log_error("serve: a socket was passed by LISTEN_FDS: --unix, --tcp and "
                  "--run have no place beside it");
    else if (ways > 1)
        log_error("serve: --unix, --tcp and --run: one of them, not several; "
                  "see aoe-nbd serve --help");
    else
        log_error("serve: one of --unix, --tcp and --run is needed; see "
                  "aoe-nbd serve --help");
    return EXIT_USAGE;
}

int serve_options_parse(struct serve_options *o, int argc, char **argv)
{
    static char program[] = "aoe-nbd";
    int c, status = -1;

    *o = (struct serve_options){.wait = 10 * NS_PER_S,
                                .memory = NBD_BYTES_DEFAULT,
                                .disk.timeout = AOE_TIMEOUT_DEFAULT};
    argv[0] = program; /* what getopt begins its complaints with */
    /* The disk may stand before options also where getopt would stop at it. */
    while (status < 0 && optind < argc) {
        c = getopt_long(argc, argv, "+i:u:t:R:rT:w:W:M:vh", longs, NULL);
        if (c != -1) {
            status = set_option(o, c);
        } else if (optind < argc) {
            status = add_disk(o, argv[optind++]);
        }
    }
    if (status >= 0)
        return status;
    if (o->disk_count == 0) {
        log_error("serve: name a disk, like e1.2; see aoe-nbd serve --help");
        return EXIT_USAGE;
    }
    o->inherited = nbd_inherited_sockets();
    return check_ways(o);
}
