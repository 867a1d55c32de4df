/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The AoE frame, version 1 (AoEr11): the common header and the arguments of
 * its four commands, as structs, with a parser and a builder for each.
 *
 * A frame here begins with its Ethernet header and has no checksum.  Parsers
 * look only at the `len` bytes that were received: every length and count in
 * the frame is checked against them, and pointers in the parsed structs point
 * into the frame.  They return 0 or -EBADMSG.  Builders write the whole
 * argument, reserved bytes as zero, and return the frame's length so far; the
 * caller checked that it fits.
 *
 * What reads or answers the common header or ATA registers needs the frame at a
 * multiple of AOE_FRAME_ALIGN bytes, as links receive it: there all fields of
 * these two have the alignment of their size.
 */
#ifndef WIRE_AOE_H
#define WIRE_AOE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define AOE_ETHERTYPE 0x88a2

enum {
    AOE_VERSION = 1,
    AOE_FRAME_MIN = 60, /* Ethernet's shortest frame, without checksum */
    AOE_FRAME_ALIGN = 4,
    AOE_SECTOR = 512,
    AOE_ETHER_HEADER = 14,

    /* Offset of what follows each header, from the frame's first byte. */
    AOE_HEADER = 24,
    AOE_ATA_HEADER = 36,
    AOE_CONFIG_HEADER = 32,
    AOE_MASK_HEADER = 28,
    AOE_RESERVE_HEADER = 26,

    AOE_CONFIG_STRING_MAX = 1024,
    AOE_MASK_DIRECTIVE = 8, /* bytes of one directive */
    AOE_MAC = 6,
};

enum aoe_flags { AOE_FLAG_RESPONSE = 0x8, AOE_FLAG_ERROR = 0x4 };

enum aoe_command {
    AOE_CMD_ATA = 0,
    AOE_CMD_CONFIG = 1,
    AOE_CMD_MASK = 2,
    AOE_CMD_RESERVE = 3,
};

enum aoe_error {
    AOE_ERR_COMMAND = 1,        /* unrecognized command code */
    AOE_ERR_ARGUMENT = 2,       /* bad argument parameter */
    AOE_ERR_UNAVAILABLE = 3,    /* device unavailable */
    AOE_ERR_CONFIG_PRESENT = 4, /* config string present */
    AOE_ERR_VERSION = 5,        /* unsupported version */
    AOE_ERR_RESERVED = 6,       /* target is reserved */
};

enum aoe_aflags {
    AOE_AFLAG_EXTENDED = 0x40, /* LBA48 command */
    AOE_AFLAG_DEVICE = 0x10,   /* D bit of the device/head register */
    AOE_AFLAG_ASYNC = 0x02,
    AOE_AFLAG_WRITE = 0x01, /* data flows to the device */
};

enum aoe_config_command {
    AOE_CONFIG_READ = 0,
    AOE_CONFIG_TEST = 1,
    AOE_CONFIG_PREFIX = 2,
    AOE_CONFIG_SET = 3,
    AOE_CONFIG_FORCE = 4,
};

enum aoe_mask_command { AOE_MASK_READ = 0, AOE_MASK_EDIT = 1 };
enum aoe_mask_directive_code {
    AOE_DIRECTIVE_NONE = 0,
    AOE_DIRECTIVE_ADD = 1,
    AOE_DIRECTIVE_DELETE = 2,
};
enum aoe_mask_error {
    AOE_MERROR_NONE = 0,
    AOE_MERROR_UNSPECIFIED = 1,
    AOE_MERROR_DIRECTIVE = 2, /* bad directive code */
    AOE_MERROR_FULL = 3,      /* list full */
};

enum aoe_reserve_command {
    AOE_RESERVE_READ = 0,
    AOE_RESERVE_SET = 1,
    AOE_RESERVE_FORCE = 2,
};

struct aoe_mac {
    /* Aligned, so that a strict-alignment CPU copies it without a call. */
    _Alignas(uint16_t) uint8_t b[AOE_MAC];
};

/* An address in halves.  A call of memcmp or memcpy, which compilers make for
 * so few bytes, would cost a small CPU more than all that is done here. */
typedef uint16_t __attribute__((__may_alias__)) aoe_mac_half;

static inline bool aoe_mac_equal(const struct aoe_mac *a,
                                 const struct aoe_mac *b)
{
    const aoe_mac_half *x = (const aoe_mac_half *)(const void *)a->b;
    const aoe_mac_half *y = (const aoe_mac_half *)(const void *)b->b;

    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
}

static inline void aoe_mac_copy(struct aoe_mac *to, const struct aoe_mac *from)
{
    const aoe_mac_half *x = (const aoe_mac_half *)(const void *)from->b;
    aoe_mac_half *y = (aoe_mac_half *)(void *)to->b;

    y[0] = x[0];
    y[1] = x[1];
    y[2] = x[2];
}

/* Broadcast and multicast addresses have the group bit set. */
static inline bool aoe_mac_group(const struct aoe_mac *m)
{
    return m->b[0] & 1;
}

extern const struct aoe_mac aoe_mac_broadcast;

/* "02:00:00:00:00:01" both ways; the text needs AOE_MAC_TEXT bytes.  The
 * reader also takes twelve digits without colons, as vblade -m does.  0 or
 * -EINVAL. */
enum { AOE_MAC_TEXT = 18 };
const char *aoe_mac_format(char *out, const struct aoe_mac *m);
int aoe_mac_scan(const char *text, struct aoe_mac *out);

/* Shelf (major) and slot (minor).  0xffff and 0xff are wildcards. */
struct aoe_addr {
    uint16_t shelf; /* 0..0xfffe */
    uint8_t slot;   /* 0..0xfe */
};

enum { AOE_SHELF_ALL = 0xffff, AOE_SLOT_ALL = 0xff };

static inline bool aoe_addr_equal(struct aoe_addr a, struct aoe_addr b)
{
    return a.shelf == b.shelf && a.slot == b.slot;
}

static inline bool aoe_addr_wildcard(struct aoe_addr a)
{
    return a.shelf == AOE_SHELF_ALL || a.slot == AOE_SLOT_ALL;
}

/* Whether a request sent to `to`, which may hold wildcards, is meant for the
 * disk `mine` (AoEr11 section 2). */
static inline bool aoe_addr_matches(struct aoe_addr to, struct aoe_addr mine)
{
    return (to.shelf == AOE_SHELF_ALL || to.shelf == mine.shelf) &&
           (to.slot == AOE_SLOT_ALL || to.slot == mine.slot);
}

/* "e1.2" or "1.2" of one disk, no wildcards.  0 or -EINVAL.  The formatted
 * name needs AOE_ADDR_TEXT bytes. */
enum { AOE_ADDR_TEXT = 16 };
const char *aoe_addr_format(char *out, struct aoe_addr a);
int aoe_addr_scan(const char *text, struct aoe_addr *out);

struct aoe_header {
    struct aoe_mac dst, src;
    uint8_t version; /* 0..15 */
    uint8_t flags;   /* enum aoe_flags; other bits are ignored */
    uint8_t error;   /* enum aoe_error, when AOE_FLAG_ERROR is set */
    struct aoe_addr addr;
    uint8_t command; /* enum aoe_command, or anything from a peer */
    uint32_t tag;
};

/* -EBADMSG: shorter than a header, or another EtherType. */
int aoe_header_parse(const uint8_t *frame, size_t len, struct aoe_header *h);
size_t aoe_header_build(uint8_t *frame, const struct aoe_header *h);
/* Makes of a request's header that of its response, from `src` and the disk
 * `addr`, with AOE_FLAG_ERROR and `error` or neither: command and tag stay. */
void aoe_header_answer(uint8_t *frame, const struct aoe_mac *src, uint8_t flags,
                       uint8_t error, struct aoe_addr addr);

/* Command 0, AoEr11 section 3.1: ATA registers.  In a response `feature` is
 * the error register and `command` the status register. */
struct aoe_ata {
    uint8_t aflags;      /* enum aoe_aflags */
    uint8_t feature;     /* request: feature; response: error */
    uint8_t count;       /* sectors; response: sectors not transferred */
    uint8_t command;     /* request: command; response: status */
    uint64_t lba;        /* all six bytes, 48 bits, unmasked */
    const uint8_t *data; /* what follows the header; may be padding */
    size_t data_len;     /* bytes received after the header */
};

int aoe_ata_parse(const uint8_t *frame, size_t len, struct aoe_ata *a);
/* Writes the registers; the caller appends the data, if any. */
size_t aoe_ata_build(uint8_t *frame, const struct aoe_ata *a);
/* Makes of a request's registers those of its response, which has `data_len`
 * bytes of data behind them: the address stays.  Without data the frame is
 * padded. */
size_t aoe_ata_answer(uint8_t *frame, uint8_t status, uint8_t error,
                      uint8_t count, size_t data_len);

/* Command 1, section 3.2. */
struct aoe_config {
    uint16_t buffer_count;
    uint16_t firmware;
    uint8_t sector_count;  /* most sectors a command may carry; 0 means 2 */
    uint8_t version;       /* AoE version the server speaks */
    uint8_t command;       /* enum aoe_config_command */
    uint16_t length;       /* of string, at most AOE_CONFIG_STRING_MAX */
    const uint8_t *string; /* not terminated */
};

int aoe_config_parse(const uint8_t *frame, size_t len, struct aoe_config *c);
size_t aoe_config_build(uint8_t *frame, const struct aoe_config *c);

/* Command 2, section 3.3.  `directives` are `count` wire directives. */
struct aoe_mask {
    uint8_t command; /* enum aoe_mask_command */
    uint8_t error;   /* enum aoe_mask_error */
    uint8_t count;
    /* {reserved, code, MAC}.  NULL when building, and in a response with an
     * error: its count says which directive failed and no list follows. */
    const uint8_t *directives;
};

int aoe_mask_parse(const uint8_t *frame, size_t len, struct aoe_mask *m);
/* Writes the fixed part; add directives with aoe_mask_add. */
size_t aoe_mask_build(uint8_t *frame, const struct aoe_mask *m);
void aoe_mask_get(const struct aoe_mask *m, unsigned i, uint8_t *code,
                  struct aoe_mac *mac);
/* Appends one directive at `len` and returns the new length. */
size_t aoe_mask_add(uint8_t *frame, size_t len, uint8_t code,
                    const struct aoe_mac *mac);

/* Command 3, section 3.4.  `macs` are `count` addresses of six bytes. */
struct aoe_reserve {
    uint8_t command; /* enum aoe_reserve_command */
    uint8_t count;
    const uint8_t *macs;
};

int aoe_reserve_parse(const uint8_t *frame, size_t len, struct aoe_reserve *r);
size_t aoe_reserve_build(uint8_t *frame, const struct aoe_reserve *r);

/* Zero-fills a frame up to Ethernet's minimum: virtual links do not pad, and
 * peers would take it for a runt.  Returns the length. */
size_t aoe_pad(uint8_t *frame, size_t len);

/* The most sectors a frame may carry on an interface with this MTU:
 * floor((MTU - 36) / 512), the figure every implementation uses, 0..255. */
unsigned aoe_sectors_for_mtu(unsigned mtu);

/* "unrecognized command code" and so on, for people. */
const char *aoe_error_text(uint8_t error);

#endif
