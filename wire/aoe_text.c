/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Disk names, MAC addresses and AoE errors as people read and type them.
 */
#include "wire/aoe.h"

#include <errno.h>
#include <stdio.h>

#include "base/format.h"

_Static_assert((int)AOE_MAC_TEXT == (int)FORMAT_MAC, "one length");

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

const char *aoe_mac_format(char *out, const struct aoe_mac *m)
{
    return format_mac(out, m->b);
}

int aoe_mac_scan(const char *text, struct aoe_mac *out)
{
    bool colons = text[0] && text[1] && text[2] == ':';
    struct aoe_mac mac;

    for (int i = 0; i < AOE_MAC; i++) {
        int high, low;

        if (i > 0 && colons && *text++ != ':')
            return -EINVAL;
        high = hex_digit(text[0]);
        low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return -EINVAL;
        mac.b[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (*text)
        return -EINVAL;
    *out = mac;
    return 0;
}

const char *aoe_addr_format(char *out, struct aoe_addr a)
{
    snprintf(out, AOE_ADDR_TEXT, "e%u.%u", a.shelf, a.slot);
    return out;
}

/* Digits only, no sign and no blank, at most `max`.  Returns what follows the
 * number, NULL when there is none. */
static const char *scan_number(const char *text, unsigned max, unsigned *out)
{
    unsigned n = 0;

    if (*text < '0' || *text > '9')
        return NULL;
    for (; *text >= '0' && *text <= '9'; text++) {
        n = n * 10 + (unsigned)(*text - '0');
        if (n > max)
            return NULL;
    }
    *out = n;
    return text;
}

int aoe_addr_scan(const char *text, struct aoe_addr *out)
{
    unsigned shelf, slot;

    if (*text == 'e')
        text++;
    text = scan_number(text, AOE_SHELF_ALL - 1, &shelf);
    if (!text || *text != '.')
        return -EINVAL;
    text = scan_number(text + 1, AOE_SLOT_ALL - 1, &slot);
    if (!text || *text)
        return -EINVAL;
    out->shelf = (uint16_t)shelf;
    out->slot = (uint8_t)slot;
    return 0;
}

const char *aoe_error_text(uint8_t error)
{
    switch (error) {
    case AOE_ERR_COMMAND:
        return "unrecognized command code";
    case AOE_ERR_ARGUMENT:
        return "bad argument parameter";
    case AOE_ERR_UNAVAILABLE:
        return "device unavailable";
    case AOE_ERR_CONFIG_PRESENT:
        return "config string present";
    case AOE_ERR_VERSION:
        return "unsupported version";
    case AOE_ERR_RESERVED:
        return "target is reserved";
    default:
        return "unknown AoE error";
    }
}
