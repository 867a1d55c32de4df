/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The user's options for how a disk is reached and used: one table for all
 * programs, parsed alike wherever they are given: on a command line
 * (initiator/client/command_line.h), as mount options, as nbdkit's parameters.
 */
#ifndef INITIATOR_CLIENT_CLIENT_OPTIONS_H
#define INITIATOR_CLIENT_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initiator/client/interfaces.h"

struct client_options {
    struct interface_list interfaces;
    struct aoe_disk_options disk;
    uint64_t wait; /* ns: how long to wait for the disk to answer */
    bool foreground;
};

/* The rows of the table, as bits of the set that a command takes. */
enum {
    OPTION_INTERFACE = 1 << 0,
    OPTION_WAIT = 1 << 1,
    OPTION_LINK = 1 << 2,
    OPTION_TIMEOUT = 1 << 3,
    OPTION_WINDOW = 1 << 4,
    OPTION_REPLAY = 1 << 5,
    OPTION_READ_ONLY = 1 << 6,
    OPTION_FOREGROUND = 1 << 7,
    OPTION_VERBOSE = 1 << 8,

    OPTIONS_NETWORK =
        OPTION_INTERFACE | OPTION_WAIT | OPTION_LINK | OPTION_VERBOSE,
    OPTIONS_DISK = OPTIONS_NETWORK | OPTION_TIMEOUT | OPTION_WINDOW,
    OPTIONS_SERVER = OPTIONS_DISK | OPTION_REPLAY | OPTION_READ_ONLY,
};

struct option_row {
    const char *name;  /* "wait": --wait, -o wait=, wait= */
    char letter;       /* 'w'; 0: there is none */
    const char *value; /* "SECONDS", as --help calls it; NULL: takes none */
    const char *help;  /* lines of at most 54 columns */
    /* Sets the value (NULL if the option takes none).  Returns NULL, or what is
     * wrong with the value, to end a message with; "": it has been reported
     * already. */
    const char *(*set)(void *to, const char *value);
    /* Without `set`: the offset in *to of a bool that becomes true. */
    size_t flag;
    unsigned bit; /* OPTION_*, of a row of the table */
};

/* The table; its last row has no name.  Their `to` is a struct client_options.
 */
extern const struct option_row client_option_rows[];

/* Sets the defaults that all programs share. */
void client_options_init(struct client_options *o);
void client_options_free(struct client_options *o);

/* Sets an option with a value, such as "wait" and "5", if it is one of those in
 * `taken` (OPTION_* bits).  False: it is not.  True: *why is what `set`
 * returned. */
bool client_option_set(struct client_options *o, unsigned taken,
                       const char *name, size_t name_length, const char *value,
                       const char **why);

/* Sets the option of a row.  Returns what its `set` does. */
const char *option_row_set(const struct option_row *row, void *to,
                           const char *value);

#endif
