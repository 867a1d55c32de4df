/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A disk in words.  One value a line after a fixed-width name, so that both
 * eyes and awk read it.
 */
#include "initiator/disk_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/options.h"

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

static void print_path(FILE *f, const struct aoe_path_info *p)
{
    fprintf(f, "%-16s %s %02x:%02x:%02x:%02x:%02x:%02x", "path", p->interface,
            p->mac[0], p->mac[1], p->mac[2], p->mac[3], p->mac[4], p->mac[5]);
}

static void print_identity(FILE *f, const struct aoe_identity *id)
{
    char human[32];

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
}

char *disk_info_text(const struct aoe_disk *disk, size_t *length)
{
    struct aoe_path_info paths[PATHS_MAX];
    int count = aoe_disk_paths(disk, paths, PATHS_MAX);
    char *text = NULL;
    FILE *f = open_memstream(&text, length);

    if (!f)
        return NULL;
    fprintf(f, "%-16s %s\n", "disk", aoe_disk_name(disk));
    print_identity(f, aoe_disk_identity(disk));
    for (int i = 0; i < count; i++) {
        print_path(f, &paths[i]);
        fprintf(f, " payload %u buffers %u\n", paths[i].payload,
                paths[i].buffer_count);
    }
    if (*aoe_disk_trouble(disk))
        line_from_wire(f, "trouble", aoe_disk_trouble(disk));
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

static void print_stats(FILE *f, const struct aoe_stats *s)
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
        {"fenced", s->fenced},
        {"replayed", s->replayed},
        {"in-flight", s->in_flight},
        {"queued", s->queued},
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        fprintf(f, "%-16s %" PRIu64 "\n", lines[i].name, lines[i].value);
}

char *disk_stats_text(const struct aoe_disk *disk, size_t *length)
{
    struct aoe_path_info paths[PATHS_MAX];
    int count = aoe_disk_paths(disk, paths, PATHS_MAX);
    struct aoe_stats stats;
    char *text = NULL;
    FILE *f = open_memstream(&text, length);

    if (!f)
        return NULL;
    aoe_disk_stats(disk, &stats);
    print_stats(f, &stats);
    for (int i = 0; i < count; i++) {
        print_path(f, &paths[i]);
        fprintf(f, " window %u rtt-us %" PRIu64 " %s\n", paths[i].window,
                paths[i].rtt / NS_PER_US, paths[i].good ? "good" : "set-aside");
    }
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

char *disk_stat_text(const struct aoe_disk *disk, size_t *length)
{
    struct aoe_path_info paths[PATHS_MAX];
    int count = aoe_disk_paths(disk, paths, PATHS_MAX);
    struct aoe_stats stats;
    char *text = NULL;
    FILE *f = open_memstream(&text, length);

    if (!f)
        return NULL;
    aoe_disk_stats(disk, &stats);
    fprintf(f, "%-16s %s\n", "disk", aoe_disk_name(disk));
    print_identity(f, aoe_disk_identity(disk));
    for (int i = 0; i < count; i++) {
        print_path(f, &paths[i]);
        fprintf(f,
                " mtu %u payload %u buffers %u window %u rtt-us %" PRIu64
                " %s\n",
                paths[i].mtu, paths[i].payload, paths[i].buffer_count,
                paths[i].window, paths[i].rtt / NS_PER_US,
                paths[i].good ? "good" : "set-aside");
    }
    if (*aoe_disk_trouble(disk))
        line_from_wire(f, "trouble", aoe_disk_trouble(disk));
    print_stats(f, &stats);
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}
