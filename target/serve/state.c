/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The text of a state file: a title, a line for each thing that was set, and a
 * checksum over all of it.
 */
#include "target/serve/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"

/* The number is the format's version. */
static const char title[] = "aoe-target state 1";

enum { CHECK_LINE = sizeof "check 00000000\n" - 1 };

/* CRC-32 of IEEE 802.3, which finds every burst of up to 32 bits. */
static uint32_t crc32(const char *text, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= (uint8_t)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

static size_t put_list(char *out, size_t at, const char *word,
                       const struct mac_list *l)
{
    char mac[AOE_MAC_TEXT];

    for (unsigned i = 0; i < l->count; i++)
        at += (size_t)sprintf(out + at, "%s %s\n", word,
                              aoe_mac_format(mac, &l->macs[i]));
    return at;
}

size_t state_encode(char *out, const struct export *e,
                    const struct mac_list *allow)
{
    char name[AOE_ADDR_TEXT];
    size_t at = (size_t)sprintf(out, "%s\nexport %s\nconfig ", title,
                                aoe_addr_format(name, e->addr));

    for (unsigned i = 0; i < e->config_len; i++)
        at += (size_t)sprintf(out + at, "%02x", e->config[i]);
    out[at++] = '\n';
    at = put_list(out, at, "allow", allow);
    at = put_list(out, at, "mask", &e->mask);
    at = put_list(out, at, "reserve", &e->reserve);
    return at +
           (size_t)sprintf(out + at, "check %08x\n", (unsigned)crc32(out, at));
}

/* ---- reading ------------------------------------------------------------ */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_config(struct export *e, const char *hex)
{
    size_t len = strlen(hex) / 2;

    if (len > AOE_CONFIG_STRING_MAX || strlen(hex) % 2)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        e->config[i] = (uint8_t)(high << 4 | low);
    }
    e->config_len = (uint16_t)len;
    return true;
}

static bool get_mac(struct mac_list *l, const char *text)
{
    struct aoe_mac mac;

    return aoe_mac_scan(text, &mac) == 0 &&
           mac_list_add(l, &mac, EXPORT_LIST_MAX);
}

/* One line without its end. */
static bool get_line(struct export *e, struct mac_list *allow, char *line)
{
    char *value = strchr(line, ' '), name[AOE_ADDR_TEXT];

    if (!value)
        return false;
    *value++ = '\0';
    if (strcmp(line, "export") == 0)
        return strcmp(value, aoe_addr_format(name, e->addr)) == 0;
    if (strcmp(line, "config") == 0)
        return get_config(e, value);
    if (strcmp(line, "allow") == 0)
        return get_mac(allow, value);
    if (strcmp(line, "mask") == 0)
        return get_mac(&e->mask, value);
    if (strcmp(line, "reserve") == 0)
        return get_mac(&e->reserve, value);
    return false;
}

static bool whole(const char *text, size_t len)
{
    char check[CHECK_LINE + 1];

    if (len < CHECK_LINE || len > STATE_MAX || memchr(text, '\0', len))
        return false;
    snprintf(check, sizeof check, "check %08x\n",
             (unsigned)crc32(text, len - CHECK_LINE));
    return memcmp(check, text + len - CHECK_LINE, CHECK_LINE) == 0;
}

/* Not a part of what opens a disk: few have a state, all would have its frame.
 */
__attribute__((noinline)) int state_decode(struct export *e,
                                           const struct mac_list *allow,
                                           char *text, size_t len)
{
    struct export got = {.addr = e->addr};
    struct mac_list was = {0};
    char *rest = text;

    if (!whole(text, len))
        return -EBADMSG;
    text[len - CHECK_LINE] = '\0';
    if (strcmp(strsep(&rest, "\n"), title) != 0)
        return -EBADMSG;
    while (rest && *rest)
        if (!get_line(&got, &was, strsep(&rest, "\n")))
            return -EBADMSG;
    export_set_config(e, got.config, got.config_len);
    e->reserve = got.reserve;
    if (mac_list_equal(&was, allow))
        e->mask = got.mask;
    return 0;
}
