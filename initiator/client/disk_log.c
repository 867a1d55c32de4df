/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A disk's events as log lines.
 */
#include "initiator/client/disk_log.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/format.h"

enum { BURST = 10, PATHS_TOLD = 16 };

static void say_path_mtu(const struct aoe_disk *disk)
{
    struct aoe_path_info paths[PATHS_TOLD];
    int count = aoe_disk_paths(disk, paths, PATHS_TOLD), less = 0;

    for (int i = 0; i < count && i < PATHS_TOLD; i++) {
        const struct aoe_path_info *p = &paths[i];
        char mac[FORMAT_MAC];

        if (p->payload >= p->payload_max)
            continue;
        less++;
        log_info("%s: frames with %u bytes of data do not get through between "
                 "%s and %s; those with %u do: a "
                 "switch on the way may have a smaller MTU",
                 aoe_disk_name(disk), p->payload_max, p->interface,
                 format_mac(mac, p->mac), p->payload);
    }
    if (!less)
        log_info("%s: long frames get through again", aoe_disk_name(disk));
}

/* Whether the target reports what it has lost. */
static bool sure(const struct aoe_disk *disk)
{
    return aoe_disk_identity(disk)->epoch != 0;
}

static void say_restarted(const struct aoe_disk *disk)
{
    const char *name = aoe_disk_name(disk);

    if (sure(disk))
        log_error("%s: the target was restarted and has lost writes that were "
                  "not flushed; flushes fail: check what is on the disk",
                  name);
    else
        log_error("%s: the target may have been restarted; if it lost "
                  "power, earlier writes that were not flushed are lost: "
                  "check what is on the disk",
                  name);
}

static void say(const struct aoe_disk *disk, enum aoe_event event,
                const char *resized)
{
    const char *name = aoe_disk_name(disk);

    switch (event) {
    case AOE_DISK_READY:
    case AOE_DISK_SETTLED:
        break;
    case AOE_DISK_LOST:
        log_error("%s: no longer answers; requests fail until it is back",
                  name);
        break;
    case AOE_DISK_BACK:
        log_info("%s: answers again", name);
        break;
    case AOE_DISK_RESIZED:
        log_info("%s: has %" PRIu64 " bytes now; %s", name,
                 aoe_disk_identity(disk)->size, resized);
        break;
    case AOE_DISK_RESTARTED:
        say_restarted(disk);
        break;
    case AOE_DISK_REPLAYED:
        log_info("%s: the target %s restarted; what was not "
                 "flushed has been written again",
                 name, sure(disk) ? "was" : "may have been");
        break;
    case AOE_DISK_LOST_WRITES:
        log_error("%s: the target's disk failed to keep writes that were not "
                  "flushed; flushes fail: check the disk and what is on it",
                  name);
        break;
    case AOE_DISK_MENDED:
        log_info("%s: the target had lost what was not flushed; it has been "
                 "written again and flushed",
                 name);
        break;
    case AOE_DISK_FLUSH_REFUSED:
        log_error("%s: the target refuses FLUSH, which it claims to have: what "
                  "is written may not be durable, so flushes fail",
                  name);
        break;
    case AOE_DISK_PATH_MTU:
        say_path_mtu(disk);
        break;
    case AOE_DISK_CHANGED:
        log_error("%s: requests are refused: %s", name, aoe_disk_trouble(disk));
        break;
    case AOE_DISK_CONFLICT:
        /* Before it is ready, the search reports it. */
        if (aoe_disk_ready(disk))
            log_error("%s: only the disk that was first is used: %s", name,
                      aoe_disk_trouble(disk));
        break;
    }
}

void disk_log_event(struct log_limit *limit, uint64_t now_ns,
                    const struct aoe_disk *disk, enum aoe_event event,
                    const char *resized)
{
    unsigned held;

    if (!log_allowed(limit, now_ns, BURST, &held))
        return;
    if (held)
        log_info("%s: %u messages left out", aoe_disk_name(disk), held);
    say(disk, event, resized);
}

void disk_log_no_answer(const char *trying, const char *name,
                        const struct interface_list *ifs, uint64_t wait)
{
    char where[INTERFACES_TEXT];

    log_error("%s: %s: no answer on %s within %g s; aoe discover shows what is "
              "there, %s waits longer",
              trying, name, interfaces_text(where, ifs),
              (double)wait / (double)NS_PER_S,
              ifs->parameters ? "wait=SECONDS" : "--wait");
}
