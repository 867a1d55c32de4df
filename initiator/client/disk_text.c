/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A disk as text: one value a line after a fixed-width name, which both people
 * and awk can read.
 */
#include "initiator/client/disk_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/format.h"

enum { PATHS_MAX = 64 };

static const char *yes_no(bool v)
{
    return v ? "yes" : "no";
}

/* IDENTIFY's strings come from the wire and may hold anything; a terminal must
 * get no control characters from them. */
static void line_from_wire(FILE *f, const char *name, const char *value)
{
    fprintf(f, "%-16s ", name);
    for (; *value; value++)
        fputc(*value >= ' ' && *value <= '~' ? *value : '?', f);
    fputc('\n', f);
}

static void print_identity(FILE *f, const struct aoe_disk *disk)
{
    const struct aoe_identity *id = aoe_disk_identity(disk);
    char human[32];

    fprintf(f, "%-16s %s\n", "disk", aoe_disk_name(disk));
    format_bytes(human, sizeof human, id->size);
    fprintf(f, "%-16s %" PRIu64 " (%s)\n", "size", id->size, human);
    line_from_wire(f, "model", id->model);
    line_from_wire(f, "serial", id->serial);
    line_from_wire(f, "firmware", id->firmware);
    fprintf(f, "%-16s %" PRIu32 "\n", "logical-sector", id->logical_sector);
    fprintf(f, "%-16s %" PRIu32 "\n", "physical-sector", id->physical_sector);
    fprintf(f, "%-16s %s\n", "write-cache", yes_no(id->write_cache));
    fprintf(f, "%-16s %s\n", "flush", yes_no(id->flush));
    fprintf(f, "%-16s %s\n", "trim", yes_no(id->trim));
    fprintf(f, "%-16s %s\n", "trim-zeroes", yes_no(id->trim_zeroes));
    fprintf(f, "%-16s %s\n", "rotating", yes_no(id->rotating));
    fprintf(f, "%-16s %s\n", "read-only", yes_no(id->read_only));
    if (!id->epoch)
        return; /* the target does not report it */
    fprintf(f, "%-16s %016" PRIx64 "\n", "boot", id->boot);
    fprintf(f, "%-16s %012" PRIx64 "\n", "epoch", id->epoch);
    fprintf(f, "%-16s %s\n", "orderly", yes_no(id->orderly));
}

static void print_counters(FILE *f, const struct aoe_stats *s)
{
    const struct {
        const char *name;
        uint64_t value;
    } lines[] = {
        {"reads", s->reads},
        {"writes", s->writes},
        {"flushes", s->flushes},
        {"trims", s->trims},
        {"read-bytes", s->read_bytes},
        {"written-bytes", s->written_bytes},
        {"errors", s->errors},
        {"frames-sent", s->frames_sent},
        {"retransmitted", s->retransmitted},
        {"late", s->late},
        {"time-waits", s->time_waits},
        {"replayed", s->replayed},
        {"in-flight", s->in_flight},
        {"queued", s->queued},
        {"losses", s->losses},
        {"flushes-failed", s->flushes_failed},
        {"flushes-refused", s->flushes_refused},
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        fprintf(f, "%-16s %" PRIu64 "\n", lines[i].name, lines[i].value);
}

static void print_stats(FILE *f, const struct aoe_disk *disk)
{
    struct aoe_stats stats;

    aoe_disk_stats(disk, &stats);
    print_counters(f, &stats);
}

/* A line for each path: its addresses, and what `rest` prints. */
static void print_paths(FILE *f, const struct aoe_disk *disk,
                        void (*rest)(FILE *f, const struct aoe_path_info *p))
{
    struct aoe_path_info paths[PATHS_MAX];
    int count = aoe_disk_paths(disk, paths, PATHS_MAX);

    for (int i = 0; i < count; i++) {
        const struct aoe_path_info *p = &paths[i];
        char mac[FORMAT_MAC];

        fprintf(f, "%-16s %s %s ", "path", p->interface,
                format_mac(mac, p->mac));
        rest(f, p);
        fputc('\n', f);
    }
}

static void print_trouble(FILE *f, const struct aoe_disk *disk)
{
    if (*aoe_disk_trouble(disk))
        line_from_wire(f, "trouble", aoe_disk_trouble(disk));
}

/* ---- the texts ------------------------------------------------------------
 */

static char *text_of(const struct aoe_disk *disk, size_t *length,
                     void (*print)(FILE *f, const struct aoe_disk *disk))
{
    char *text = NULL;
    FILE *f = open_memstream(&text, length);

    if (!f)
        return NULL;
    print(f, disk);
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

static void path_limits(FILE *f, const struct aoe_path_info *p)
{
    fprintf(f, "payload %u buffers %u", p->payload, p->buffer_count);
}

static void print_info(FILE *f, const struct aoe_disk *disk)
{
    print_identity(f, disk);
    print_paths(f, disk, path_limits);
    print_trouble(f, disk);
}

char *disk_info_text(const struct aoe_disk *disk, size_t *length)
{
    return text_of(disk, length, print_info);
}

static void path_state(FILE *f, const struct aoe_path_info *p)
{
    fprintf(f, "window %u rtt-us %" PRIu64 " %s", p->window, p->rtt / NS_PER_US,
            p->good ? "good" : "set-aside");
}

static void print_use(FILE *f, const struct aoe_disk *disk)
{
    print_stats(f, disk);
    print_paths(f, disk, path_state);
}

char *disk_stats_text(const struct aoe_disk *disk, size_t *length)
{
    return text_of(disk, length, print_use);
}

static void path_all(FILE *f, const struct aoe_path_info *p)
{
    fprintf(f, "mtu %u ", p->mtu);
    path_limits(f, p);
    fputc(' ', f);
    path_state(f, p);
}

static void print_all(FILE *f, const struct aoe_disk *disk)
{
    print_identity(f, disk);
    print_paths(f, disk, path_all);
    print_trouble(f, disk);
    print_stats(f, disk);
}

char *disk_stat_text(const struct aoe_disk *disk, size_t *length)
{
    return text_of(disk, length, print_all);
}
