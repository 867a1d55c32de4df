/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An export: one disk as the network sees it.  Its address and identity, what
 * clients may change (config string, mask list, reservation), and its counters.
 * Data, and operations on it; all interfaces share one.
 */
#ifndef TARGET_PROTOCOL_EXPORT_H
#define TARGET_PROTOCOL_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/aoe.h"
#include "wire/ata.h"

enum {
    EXPORT_LIST_MAX = 255, /* one byte counts the entries of a list */
    EXPORT_BUFFERS = 64,   /* buffer count unless told otherwise */
    EXPORT_SERIAL = 20,    /* characters */
};

/* A list of MAC addresses: the mask list or the reservation. */
struct mac_list {
    unsigned count;
    struct aoe_mac macs[EXPORT_LIST_MAX];
};

/* Who may change config string, mask list and reservation by a frame. */
enum export_admin {
    EXPORT_ADMIN_ALL,
    EXPORT_ADMIN_LISTED,
    EXPORT_ADMIN_NONE,
};

enum export_counter {
    COUNT_FRAMES,
    COUNT_CONFIG,
    COUNT_IDENTIFY,
    COUNT_READ,
    COUNT_WRITE,
    COUNT_FLUSH,
    COUNT_TRIM,
    COUNT_OTHER,  /* other ATA, mask and reserve commands */
    COUNT_COPIES, /* answered from the reply cache, not executed again */
    COUNT_READ_BYTES,
    COUNT_WRITTEN_BYTES,

    /* Failures told to the client: by ATA error, or as an AoE error. */
    COUNT_ABORTED,
    COUNT_NOT_FOUND,
    COUNT_UNCORRECTABLE,
    COUNT_FAULT,
    COUNT_LOSSES, /* how often answered writes may have been lost */
    COUNT_AOE_ERRORS,
    COUNT_REFUSED, /* changes by somebody who may not make them */

    /* Frames that were not answered. */
    COUNT_DROP_SHORT,   /* shorter than its command's header */
    COUNT_DROP_MASKED,  /* the sender is not on the mask list */
    COUNT_DROP_SILENT,  /* the protocol asks for no answer */
    COUNT_DROP_BUSY,    /* more requests than we queue */
    COUNT_DROP_UNSAVED, /* a change that could not be saved */
    COUNT_DROP_SIZE,    /* the answer does not fit the interface's frame */

    EXPORT_COUNTERS,
};

extern const char *const export_counter_names[EXPORT_COUNTERS];

struct export
{
    struct aoe_addr addr;
    uint64_t sectors;         /* of 512 bytes */
    uint32_t physical_sector; /* bytes */
    uint16_t buffer_count;    /* >= 2: with less, Linux cannot use the disk */
    uint8_t max_sectors;      /* in a frame; 0: as the interface takes */
    uint16_t firmware;        /* told in Query Config */
    uint64_t commit_ns;       /* how often dirty data is synced; 0: never */
    char serial[EXPORT_SERIAL + 1];

    bool read_only;
    bool sync;        /* every write durable; clients cannot change it */
    bool write_cache; /* a write may be answered before it is durable */
    bool can_trim;
    bool trim_zeroes;
    bool solid; /* known not to rotate */
    struct ata_vendor
        vendor; /* but for read_only; IDENTIFY has it if present */
    uint64_t counts[EXPORT_COUNTERS];

    uint16_t config_len;
    uint8_t config[AOE_CONFIG_STRING_MAX];
    struct mac_list mask;    /* empty: everyone may talk */
    struct mac_list reserve; /* empty: not reserved */
    uint64_t changes;        /* counts what was changed of these three */
    enum export_admin admin; /* who may change these three */
    struct mac_list admins;  /* if EXPORT_ADMIN_LISTED */
};

static inline void export_count(struct export *e, enum export_counter c)
{
    e->counts[c]++;
}

/* The firmware version of Query Config: 0xa000, with one hexadecimal digit for
 * each of the three parts of aoekit's version. */
uint16_t export_firmware(void);

/* Makes the serial number from the identity of the storage, the part of it that
 * is exported, and the address, so that no two exports share one. */
void export_set_serial(struct export *e, uint64_t identity, uint64_t offset);

bool mac_list_equal(const struct mac_list *a, const struct mac_list *b);
bool mac_list_contains(const struct mac_list *l, const struct aoe_mac *m);
/* Adds unless it is there.  False: the list has `limit` entries already. */
bool mac_list_add(struct mac_list *l, const struct aoe_mac *m, unsigned limit);
void mac_list_delete(struct mac_list *l, const struct aoe_mac *m);

/* Whether frames from this address are accepted (the mask list). */
bool export_admits(const struct export *e, const struct aoe_mac *from);
/* Whether config string, mask list and reservation may be changed from this
 * address. */
bool export_may_change(const struct export *e, const struct aoe_mac *from);
/* Whether somebody else holds the reservation. */
bool export_reserved(const struct export *e, const struct aoe_mac *from);

void export_set_config(struct export *e, const uint8_t *string, uint16_t len);
void export_clear_mask(struct export *e);
void export_clear_reserve(struct export *e);
void export_set_reserve(struct export *e, const struct mac_list *list);

#endif
