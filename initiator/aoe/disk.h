/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the subcommands have in common: the options that name interfaces and
 * times, and finding the disk.
 */
#ifndef INITIATOR_AOE_DISK_H
#define INITIATOR_AOE_DISK_H

#include <getopt.h>

#include "base/awake.h"
#include "base/log.h"
#include "initiator/libaoe/aoe.h"
#include "initiator/client/interfaces.h"

struct command_disk {
    const char *command; /* "bench": what messages begin with */
    struct interfaces interfaces;
    const char *name; /* "e1.2", as the user wrote it */
    uint16_t shelf;
    uint8_t slot;
    uint64_t wait; /* ns: how long to look for the disk */
    struct aoe_disk_options options;
    struct aoe *aoe;
    struct aoe_disk *disk; /* NULL until command_disk_open */
    bool lost_writes;      /* what no flush has covered may be lost */
    struct log_limit limit;
    struct awake awake; /* of command_now */
};

/* The options of one such command. */
struct command_options {
    const char *shorts;         /* COMMAND_DISK_SHORT and its own */
    const struct option *longs; /* COMMAND_DISK_LONG and its own, ended */
    void (*help)(void);
    /* One of its own, or one that it takes in another way than the others:
     * what it does not know it hands to command_disk_option, and returns the
     * same.  NULL when it has none. */
    int (*own)(struct command_disk *c, int option, void *arg);
};

/* For getopt_long: every such command has the first, those that send ATA
 * requests the others, too. */
#define COMMAND_DISK_SHORT "i:w:h"
#define COMMAND_DISK_LONG                                                      \
    {"interface", required_argument, NULL, 'i'},                               \
        {"wait", required_argument, NULL, 'w'},                                \
        {"link", required_argument, NULL, 'L'},                                \
    {                                                                          \
        "help", no_argument, NULL, 'h'                                         \
    }
#define COMMAND_IO_LONG                                                        \
    {"timeout", required_argument, NULL, 'T'},                                 \
    {                                                                          \
        "window", required_argument, NULL, 'W'                                 \
    }

/* Their lines in --help, after those of the command's own. */
#define COMMAND_DISK_HELP                                                      \
    "  -i, --interface NETIF  reach the disk through it; may be repeated\n"    \
    "                         or a list with commas (default:\n"               \
    "                         $AOE_INTERFACES)\n"                              \
    "  -w, --wait SECONDS     how long to look for the disk (10)\n"            \
    "      --link KIND        packet, queue or pcap: how to reach the\n"       \
    "                         wire\n"                                          \
    "  -h, --help             show this\n"
#define COMMAND_IO_HELP                                                        \
    "      --timeout SECONDS  give requests up after such a silence (60;\n"    \
    "                         0: never)\n"                                     \
    "      --window FRAMES    at most so many in flight on a path (what the\n" \
    "                         target says)\n"

void command_disk_init(struct command_disk *c, const char *command);

/* Takes all options; `arg` is for o->own.  -1 to go on with argv from optind,
 * else the exit status, after --help or saying why. */
int command_disk_options(struct command_disk *c,
                         const struct command_options *o, void *arg, int argc,
                         char **argv);

/* Takes one of the options above, with getopt's optarg.  -1 to go on, else the
 * exit status, after saying why.  'h' is not among them. */
int command_disk_option(struct command_disk *c, int option);

/* Wrong usage of `option`, or of an argument: says so, returns EXIT_USAGE. */
int command_wrong(const struct command_disk *c, const char *option,
                  const char *value, const char *why);

/* Takes the disk's name.  -1 or EXIT_USAGE. */
int command_disk_name(struct command_disk *c, const char *name);

/* The same for a command whose only argument it is. */
int command_disk_alone(struct command_disk *c, int argc, char **argv);

/* Opens the interfaces and the disk, and waits for it.  0, or the exit status
 * after saying why.  Afterwards the disk's events are logged. */
int command_disk_open(struct command_disk *c);

/* The time in ns, less that in which the process did not run. */
uint64_t command_now(struct command_disk *c);

/* Waits for something to happen, until `end` of that time at most, and services
 * it.  0 or -errno. */
int command_wait(struct command_disk *c, uint64_t end);

/* Closes what is open. */
void command_disk_close(struct command_disk *c);

#endif
