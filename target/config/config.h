/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What is to be exported, as plain data: the same for one disk named on the
 * command line and for a configuration file with many.
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
};

struct export_config {
    struct aoe_addr addr;
    char interfaces[CONFIG_INTERFACES_MAX][LINK_NAME_MAX]; /* or globs */
    unsigned interface_count;
    char *path; /* owned */

    uint16_t buffer_count;
    uint8_t max_sectors; /* in a frame; 0: as the interface takes */
    bool direct, sync, read_only;
    bool force_file;         /* though the file is in use */
    bool force_address;      /* though another disk may have the address */
    uint64_t offset, length; /* sectors; length 0: to the end */
    uint64_t commit_ns;      /* 0: never */
    struct mac_list allow;   /* the mask list at the start */
    enum export_admin admin;
    struct mac_list admins;
    char *fault; /* owned: what --fault takes; NULL: none */

    unsigned line; /* of the file, where its section begins */
};

struct config {
    struct export_config *exports; /* owned */
    unsigned count;
};

/* ---- target/config/config.c --------------------------------------------- */

/* What an export has where nothing else is asked for. */
void export_config_init(struct export_config *c);
/* 0 or -ENOMEM, then `to` has nothing to free. */
int export_config_copy(struct export_config *to,
                       const struct export_config *from);
void export_config_free(struct export_config *c);
/* Of what is served; what is forced matters only until then. */
bool export_config_equal(const struct export_config *a,
                         const struct export_config *b);

void config_free(struct config *c);

/* ---- target/config/config_keys.c ---------------------------------------- */

/* Sets what `key`, a word of the configuration file, says.  Lists grow; the
 * rest is replaced.  False: `mistake`, of CONFIG_MISTAKE bytes, says why. */
bool export_config_set(struct export_config *c, const char *key,
                       const char *value, char *mistake);
/* Whether this key is a list, which may be given in several lines. */
bool export_config_key_list(const char *key);
/* What may be odd about a value that is taken nevertheless; NULL: nothing. */
const char *export_config_doubt(const struct export_config *c);

/* ---- target/config/config_resolve.c ------------------------------------- */

/* Told of each mistake: the line, 0 if it is in none. */
typedef void config_mistake(void *arg, unsigned line, const char *text);

/* Replaces globs by the names of `names` that they match, and finds exports
 * that are in each other's way.  Returns the number of mistakes. */
unsigned config_resolve(struct config *c, char (*names)[LINK_NAME_MAX],
                        unsigned name_count, config_mistake *mistake,
                        void *arg);
/* Names of the Ethernet interfaces that are there; at most `max`. */
unsigned config_interfaces(char (*names)[LINK_NAME_MAX], unsigned max);

/* ---- target/config/config_file.c ---------------------------------------- */

/* Reads a configuration file.  Returns the number of mistakes; with any, `out`
 * is empty. */
unsigned config_read(struct config *out, const char *path,
                     config_mistake *mistake, void *arg);

/* Prints the exports as a configuration file would have them. */
void config_print(const struct config *c);

#endif
