/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Counters for people: NAME=VALUE words, as SIGUSR1 prints them.
 */
#include "target/serve/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void put(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, " %s=%llu", name, (unsigned long long)value);
}

static const char *const kinds[] = {
    [ORDER_READ] = "read", [ORDER_WRITE] = "write", [ORDER_FLUSH] = "flush"};

static void put_latency(FILE *out, const struct latency *l, const char *kind)
{
    char name[40];

    for (unsigned i = 0; i <= LATENCY_BUCKETS; i++) {
        if (l->counts[i] == 0)
            continue;
        if (i < LATENCY_BUCKETS)
            snprintf(name, sizeof name, "%s<=%gms", kind,
                     (double)latency_bounds[i] / (double)NS_PER_MS);
        else
            snprintf(name, sizeof name, "%s_longer", kind);
        put(out, name, l->counts[i]);
    }
}

static void disk_text(const struct disk *d, FILE *out)
{
    fprintf(out, "%s:", d->name);
    for (unsigned i = 0; i < EXPORT_COUNTERS; i++)
        put(out, export_counter_names[i], d->export.counts[i]);
    put(out, "queue_depth", d->in_flight);
    fprintf(out, "\n%s: latency:", d->name);
    for (unsigned i = 0; i < ORDER_KINDS; i++)
        put_latency(out, &d->latency[i], kinds[i]);
    putc('\n', out);
}

static void port_text(const struct target_port *p, FILE *out)
{
    const struct link *l = p->link;

    fprintf(out, "%s:", p->ifname);
    put(out, "rx_frames", l->rx_frames);
    put(out, "rx_bytes", l->rx_bytes);
    put(out, "tx_frames", l->tx_frames);
    put(out, "tx_bytes", l->tx_bytes);
    put(out, "rx_drops", l->rx_drops);
    put(out, "tx_errors", l->tx_errors);
    for (unsigned i = 0; i < PORT_COUNTERS; i++)
        put(out, port_counter_names[i], p->counts[i]);
    put(out, "requests", p->active);
    put(out, "buffers_free", l->free_count);
    putc('\n', out);
}

void stats_text(const struct server *s, FILE *out)
{
    unsigned count;
    struct disk *const *disks = server_disks(s, &count);
    struct target_port *const *ports;

    for (unsigned i = 0; i < count; i++)
        disk_text(disks[i], out);
    ports = server_ports(s, &count);
    for (unsigned i = 0; i < count; i++)
        port_text(ports[i], out);
}

void stats_log(const struct server *s)
{
    char *text = NULL, *rest, *line;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out) {
        log_error("counters: %s", strerror(errno));
        return;
    }
    stats_text(s, out);
    if (fclose(out) == 0)
        for (rest = text; (line = strsep(&rest, "\n")) && *line;)
            log_info("%s", line);
    free(text);
}
