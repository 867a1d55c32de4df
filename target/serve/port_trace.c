/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames as lines of text.
 */
#include "target/serve/port_trace.h"

#include <stdio.h>

enum { DETAIL_SIZE = 80 };

static void format_ata(char *out, const struct aoe_header *h,
                       const uint8_t *frame, size_t len)
{
    struct aoe_ata a;

    if (aoe_ata_parse(frame, len, &a))
        snprintf(out, DETAIL_SIZE, "ATA, too short");
    else
        snprintf(out, DETAIL_SIZE, "ATA %s 0x%02x lba %llu count %u",
                 h->flags & AOE_FLAG_RESPONSE ? "status" : "command", a.command,
                 (unsigned long long)a.lba, a.count);
}

static void format_detail(char *out, const struct aoe_header *h,
                          const uint8_t *frame, size_t len)
{
    if (h->flags & AOE_FLAG_ERROR)
        snprintf(out, DETAIL_SIZE, "command %u error %u", h->command, h->error);
    else if (h->command == AOE_CMD_ATA)
        format_ata(out, h, frame, len);
    else if (h->command == AOE_CMD_CONFIG)
        snprintf(out, DETAIL_SIZE, "Query Config");
    else
        snprintf(out, DETAIL_SIZE, "command %u", h->command);
}

void port_trace_frame(const struct target_port *p, const char *what,
                      const uint8_t *frame, size_t len)
{
    char src[AOE_MAC_TEXT], dst[AOE_MAC_TEXT], addr[AOE_ADDR_TEXT];
    char detail[DETAIL_SIZE];
    struct aoe_header h;

    if (aoe_header_parse(frame, len, &h)) {
        log_trace("%s: %s: %zu bytes, not AoE", p->ifname, what, len);
        return;
    }
    format_detail(detail, &h, frame, len);
    log_trace("%s: %s: %s > %s %s tag %08x %s, %zu bytes", p->ifname, what,
              aoe_mac_format(src, &h.src), aoe_mac_format(dst, &h.dst),
              aoe_addr_format(addr, h.addr), (unsigned)h.tag, detail, len);
}

const char *port_trace_reason(enum export_counter why)
{
    static const char *const reasons[EXPORT_COUNTERS] = {
        [COUNT_DROP_SHORT] = "dropped (too short for its command)",
        [COUNT_DROP_MASKED] = "dropped (sender not on the mask list)",
        [COUNT_DROP_SILENT] = "dropped (the protocol asks for no response)",
        [COUNT_DROP_BUSY] = "dropped (too many requests)",
        [COUNT_DROP_UNSAVED] = "dropped (its change could not be saved)",
        [COUNT_DROP_SIZE] = "dropped (the response would exceed the MTU)",
    };

    return reasons[why] ? reasons[why] : "dropped";
}
