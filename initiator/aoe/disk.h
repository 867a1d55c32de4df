/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the subcommands have in common: the options that name interfaces and
 * times, and finding the disk.
 */
#ifndef INITIATOR_AOE_DISK_H
#define INITIATOR_AOE_DISK_H

#include "base/awake.h"
#include "base/log.h"
#include "initiator/libaoe/aoe.h"
#include "initiator/client/command_line.h"
#include "initiator/client/disk_search.h"

struct command_disk {
    const struct command_line *line; /* its options and its help */
    struct client_options options;
    const char *name; /* "e1.2", as the user wrote it */
    uint16_t shelf;
    uint8_t slot;
    struct aoe *aoe;
    struct aoe_disk *disk; /* NULL until command_disk_open */
    struct disk_search search;
    bool lost_writes; /* what no flush has covered may be lost */
    struct log_limit limit;
    struct awake awake; /* of command_now */
};

void command_disk_init(struct command_disk *c, const struct command_line *line);

/* command_line_parse, and command_line_wrong. */
int command_disk_options(struct command_disk *c, void *own, int *argc,
                         char **argv);
int command_wrong(const struct command_disk *c, const char *what,
                  const char *value, const char *why);

/* Takes the disk's name.  -1 or EXIT_USAGE. */
int command_disk_name(struct command_disk *c, const char *name);

/* The same for a command whose only argument it is. */
int command_disk_alone(struct command_disk *c, int argc, char **argv);

/* Opens the interfaces and the disk, and waits for it. 0, or the exit status
 * after reporting why.  Afterwards the disk's events are logged. */
int command_disk_open(struct command_disk *c);

/* Monotonic time in ns, less the time in which the process did not run. */
uint64_t command_now(struct command_disk *c);

/* Waits for something to happen, until `end` of that time at most, and services
 * it.  0 or -errno. */
int command_wait(struct command_disk *c, uint64_t end);

/* Closes what is open. */
void command_disk_close(struct command_disk *c);

#endif
