/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is to be exported, as plain data: the same whether one disk is named on
 * the command line or many in a configuration file.
 */
#ifndef TARGET_CONFIG_CONFIG_H
#define TARGET_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/protocol/export.h"
#include "wire/link.h"

enum {
    CONFIG_INTERFACES_MAX = 32,
    CONFIG_MISTAKE = 200, /* bytes of text that says what is wrong */
    CONFIG_PATTERNS = 8,
};

struct export_config {
    struct aoe_addr addr;
    char interfaces[CONFIG_INTERFACES_MAX][LINK_NAME_MAX]; /* or globs */
    unsigned interface_count;
    char *path; /* owned */

    uint16_t buffer_count;
    uint8_t max_sectors; /* per frame; 0: as the interface's MTU allows */
    bool direct, sync, read_only;
    bool force_file;         /* even if the file is in use */
    bool force_address;      /* even if another disk may have the address */
    uint64_t offset, length; /* sectors; length 0: to the end */
    uint64_t commit_ns;      /* 0: never */
    struct mac_list allow;   /* the mask list at the start */
    enum export_admin admin;
    struct mac_list admins;
    char *fault; /* owned: the argument of --fault; NULL: none */

    unsigned line; /* in the file, where its section begins */
};

/* Patterns that match no interface, yet.  Further ones are not remembered. */
struct config_patterns {
    char of[CONFIG_PATTERNS][LINK_NAME_MAX];
    unsigned count;
};

struct config {
    struct export_config *exports; /* owned */
    unsigned count;
    struct config_patterns unmatched;
};

/* ---- target/config/config.c --------------------------------------------- */

/* The defaults of an export. */
void export_config_init(struct export_config *c);
/* 0 or -ENOMEM, then `to` has nothing to free. */
int export_config_copy(struct export_config *to,
                       const struct export_config *from);
void export_config_free(struct export_config *c);
/* Compares what is served; the force options matter only until then. */
bool export_config_equal(const struct export_config *a,
                         const struct export_config *b);

void config_free(struct config *c);

/* ---- target/config/config_keys.c ---------------------------------------- */

/* Sets `key`, as named in the configuration file.  A list grows; any other
 * value is replaced.  False: `mistake`, of CONFIG_MISTAKE bytes, says why. */
bool export_config_set(struct export_config *c, const char *key,
                       const char *value, char *mistake);
/* Whether this key is a list, which may be given on several lines. */
bool export_config_key_list(const char *key);
/* A warning about a value that is accepted; NULL: none. */
const char *export_config_doubt(const struct export_config *c);

/* ---- target/config/config_resolve.c ------------------------------------- */

/* Called for each mistake; `line` is 0 if it is on none. */
typedef void config_mistake(void *arg, unsigned line, const char *text);

/* Replaces globs by those of `names` that they match, and finds exports that
 * conflict.  A glob that matches none is a mistake or, with `waits`, stays as
 * the name of an interface that is missing, and is in c->unmatched.  Returns
 * the number of mistakes. */
unsigned config_resolve(struct config *c, char (*names)[LINK_NAME_MAX],
                        unsigned name_count, bool waits,
                        config_mistake *mistake, void *arg);
/* Whether any of them matches now. */
bool config_matches(const struct config_patterns *p,
                    char (*names)[LINK_NAME_MAX], unsigned name_count);
/* Names of the Ethernet interfaces of this machine; at most `max`. */
unsigned config_interfaces(char (*names)[LINK_NAME_MAX], unsigned max);

/* ---- target/config/config_file.c ---------------------------------------- */

/* Reads a configuration file.  Returns the number of mistakes; with any, `out`
 * is empty. */
unsigned config_read(struct config *out, const char *path,
                     config_mistake *mistake, void *arg);

/* Whether a line of the file can have this value: control characters, blanks at
 * its ends and what looks like a comment cannot be written there. */
bool config_file_holds(const char *value);

/* Prints the exports in the form of a configuration file. */
void config_print(const struct config *c);

#endif
