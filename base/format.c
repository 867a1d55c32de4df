/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Values as text.
 */
#include "base/format.h"

#include <inttypes.h>
#include <stdio.h>

void format_bytes(char *out, size_t capacity, uint64_t bytes)
{
    static const char units[] = " kMGTPE";
    double v = (double)bytes;
    int u = 0;

    while (v >= 999.5 && units[u + 1]) {
        v /= 1000;
        u++;
    }
    if (u == 0)
        snprintf(out, capacity, "%" PRIu64 " B", bytes);
    else
        snprintf(out, capacity, "%.*f %cB", v < 9.95 ? 1 : 0, v, units[u]);
}

const char *format_mac(char out[FORMAT_MAC], const uint8_t mac[6])
{
    snprintf(out, FORMAT_MAC, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
             mac[2], mac[3], mac[4], mac[5]);
    return out;
}

const char *format_escaped(char *out, size_t capacity, const uint8_t *bytes,
                           size_t length)
{
    size_t used = 0;

    for (size_t i = 0; i < length && used + 5 <= capacity; i++)
        if (bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '\\')
            out[used++] = (char)bytes[i];
        else
            used += (size_t)snprintf(out + used, capacity - used, "\\x%02x",
                                     bytes[i]);
    out[used] = 0;
    return out;
}
