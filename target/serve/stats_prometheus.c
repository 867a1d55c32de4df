/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Counters for Prometheus (its text exposition format): the samples of a metric
 * stand together, below its help and type lines.
 */
#include "target/serve/stats.h"

static void family(FILE *out, const char *name, const char *type,
                   const char *help)
{
    fprintf(out, "# HELP aoe_target_%s %s\n# TYPE aoe_target_%s %s\n", name,
            help, name, type);
}

/* A label's value; a name may contain characters that must be escaped. */
static void put_quoted(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
    putc('"', out);
}

/* ---- disks -------------------------------------------------------------- */

/* Two disks with one address may be served on different interfaces. */
static void put_disk(FILE *out, const char *metric, const struct disk *d)
{
    fprintf(out, "aoe_target_%s{export=\"%s\",serial=\"%s\"", metric, d->name,
            d->export.serial);
}

struct sample {
    enum export_counter counter;
    const char *label; /* NULL: none */
};

struct metric {
    const char *name, *label, *help;
    struct sample samples[8];
};

static const struct metric metrics[] = {
    {"frames_total", NULL, "Frames for the export.", {{COUNT_FRAMES, NULL}}},
    {"requests_total",
     "command",
     "Requests by command.",
     {{COUNT_CONFIG, "config"},
      {COUNT_IDENTIFY, "identify"},
      {COUNT_READ, "read"},
      {COUNT_WRITE, "write"},
      {COUNT_FLUSH, "flush"},
      {COUNT_TRIM, "trim"},
      {COUNT_OTHER, "other"}}},
    {"bytes_total",
     "direction",
     "Bytes of data that were read and written.",
     {{COUNT_READ_BYTES, "read"}, {COUNT_WRITTEN_BYTES, "written"}}},
    {"errors_total",
     "kind",
     "Failures reported to clients.",
     {{COUNT_ABORTED, "aborted"},
      {COUNT_NOT_FOUND, "not_found"},
      {COUNT_UNCORRECTABLE, "uncorrectable"},
      {COUNT_FAULT, "fault"},
      {COUNT_AOE_ERRORS, "aoe"},
      {COUNT_REFUSED, "refused"}}},
    {"dropped_frames_total",
     "reason",
     "Frames for the export that were not answered.",
     {{COUNT_DROP_SHORT, "short"},
      {COUNT_DROP_MASKED, "masked"},
      {COUNT_DROP_SILENT, "silent"},
      {COUNT_DROP_BUSY, "busy"},
      {COUNT_DROP_UNSAVED, "unsaved"},
      {COUNT_DROP_SIZE, "size"}}},
};

static void put_counters(FILE *out, const struct metric *m,
                         struct disk *const *disks, unsigned count)
{
    const struct sample *end = m->samples + sizeof m->samples / sizeof *end;

    family(out, m->name, "counter", m->help);
    for (unsigned i = 0; i < count; i++)
        for (const struct sample *s = m->samples; s < end; s++) {
            if (s > m->samples && !s->label)
                break;
            put_disk(out, m->name, disks[i]);
            if (s->label)
                fprintf(out, ",%s=\"%s\"", m->label, s->label);
            fprintf(out, "} %llu\n",
                    (unsigned long long)disks[i]->export.counts[s->counter]);
        }
}

static void put_histogram(FILE *out, const struct disk *d, enum order_kind kind,
                          const char *command)
{
    const struct latency *l = &d->latency[kind];
    uint64_t sum = 0;

    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        sum += l->counts[i];
        put_disk(out, "request_seconds_bucket", d);
        fprintf(out, ",command=\"%s\",le=\"%g\"} %llu\n", command,
                (double)latency_bounds[i] / (double)NS_PER_S,
                (unsigned long long)sum);
    }
    put_disk(out, "request_seconds_bucket", d);
    fprintf(out, ",command=\"%s\",le=\"+Inf\"} %llu\n", command,
            (unsigned long long)l->count);
    put_disk(out, "request_seconds_sum", d);
    fprintf(out, ",command=\"%s\"} %.9f\n", command,
            (double)l->sum_ns / (double)NS_PER_S);
    put_disk(out, "request_seconds_count", d);
    fprintf(out, ",command=\"%s\"} %llu\n", command,
            (unsigned long long)l->count);
}

static void put_disks(FILE *out, struct disk *const *disks, unsigned count)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
        put_counters(out, &metrics[i], disks, count);
    family(out, "queue_depth", "gauge", "Requests being worked on.");
    for (unsigned i = 0; i < count; i++) {
        put_disk(out, "queue_depth", disks[i]);
        fprintf(out, "} %u\n", disks[i]->in_flight);
    }
    family(out, "size_bytes", "gauge", "Size of the exported disk.");
    for (unsigned i = 0; i < count; i++) {
        put_disk(out, "size_bytes", disks[i]);
        fprintf(out, "} %llu\n", (unsigned long long)disks[i]->store->size);
    }
    family(out, "request_seconds", "histogram",
           "Time from a request's arrival to its reply.");
    for (unsigned i = 0; i < count; i++) {
        put_histogram(out, disks[i], ORDER_READ, "read");
        put_histogram(out, disks[i], ORDER_WRITE, "write");
        put_histogram(out, disks[i], ORDER_FLUSH, "flush");
    }
}

/* ---- interfaces --------------------------------------------------------- */

static void put_port(FILE *out, const char *metric, const struct target_port *p,
                     const char *label, const char *value, uint64_t n)
{
    fprintf(out, "aoe_target_interface_%s{interface=", metric);
    put_quoted(out, p->ifname);
    if (label)
        fprintf(out, ",%s=\"%s\"", label, value);
    fprintf(out, "} %llu\n", (unsigned long long)n);
}

static void put_ports(FILE *out, struct target_port *const *ports,
                      unsigned count)
{
    static const char direction[] = "direction";

    family(out, "interface_up", "gauge", "Whether it can carry frames.");
    for (unsigned i = 0; i < count; i++)
        put_port(out, "up", ports[i], NULL, NULL, ports[i]->link->up);
    family(out, "interface_frames_total", "counter", "Frames.");
    for (unsigned i = 0; i < count; i++) {
        const struct link *l = ports[i]->link;

        put_port(out, "frames_total", ports[i], direction, "received",
                 l->rx_frames);
        put_port(out, "frames_total", ports[i], direction, "sent",
                 l->tx_frames);
    }
    family(out, "interface_bytes_total", "counter", "Bytes of these frames.");
    for (unsigned i = 0; i < count; i++) {
        const struct link *l = ports[i]->link;

        put_port(out, "bytes_total", ports[i], direction, "received",
                 l->rx_bytes);
        put_port(out, "bytes_total", ports[i], direction, "sent", l->tx_bytes);
    }
    family(out, "interface_dropped_frames_total", "counter",
           "Frames that were dropped: queue (on receiving) and transmit by the "
           "system, the rest by the target.");
    for (unsigned i = 0; i < count; i++) {
        const struct target_port *p = ports[i];

        put_port(out, "dropped_frames_total", p, "reason", "queue",
                 p->link->rx_drops);
        put_port(out, "dropped_frames_total", p, "reason", "transmit",
                 p->link->tx_errors);
        for (unsigned c = 0; c < PORT_COUNTERS; c++)
            put_port(out, "dropped_frames_total", p, "reason",
                     port_counter_names[c] + sizeof "drop_" - 1, p->counts[c]);
    }
    family(out, "interface_requests", "gauge",
           "Requests in progress that arrived on it.");
    for (unsigned i = 0; i < count; i++)
        put_port(out, "requests", ports[i], NULL, NULL, ports[i]->active);
}

void stats_prometheus(const struct server *s, FILE *out)
{
    unsigned disks, ports;
    struct disk *const *disk = server_disks(s, &disks);
    struct target_port *const *port = server_ports(s, &ports);

    put_disks(out, disk, disks);
    put_ports(out, port, ports);
}
