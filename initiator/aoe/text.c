/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Addresses and bytes in words.
 */
#include "initiator/aoe/text.h"

#include <stdio.h>

const char *command_mac(char out[COMMAND_MAC_TEXT], const uint8_t mac[6])
{
    snprintf(out, COMMAND_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
             mac[1], mac[2], mac[3], mac[4], mac[5]);
    return out;
}

const char *command_bytes(char *out, size_t room, const uint8_t *bytes,
                          size_t length)
{
    size_t used = 0;

    for (size_t i = 0; i < length && used + 5 <= room; i++)
        if (bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '\\')
            out[used++] = (char)bytes[i];
        else
            used +=
                (size_t)snprintf(out + used, room - used, "\\x%02x", bytes[i]);
    out[used] = 0;
    return out;
}
