/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe bench: keeps a number of requests outstanding on a disk for some seconds
 * and reports how many completed, how long each took and the CPU time.
 */
#include "initiator/aoe/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/options.h"
#include "initiator/aoe/disk.h"
#include "initiator/aoe/histogram.h"

enum {
    SECTOR = 512,
    DEPTH_MAX = 1024,
    BLOCK_MAX = 64 << 20,
    MEMORY_MAX = 1 << 30, /* of all blocks outstanding */
    SECONDS_MAX = 86400,
};
#define INTERVAL (100 * NS_PER_MS)

struct bench_options {
    bool write, random, json, destructive;
    uint64_t block, depth, size; /* size 0: the whole disk */
    uint64_t time;               /* ns */
};

/* One of the requests outstanding. */
struct bench_request {
    struct aoe_request request;
    struct iovec iov;
    uint64_t begun;
    struct bench *bench;
};

struct bench {
    const struct bench_options *o;
    struct command_disk *c;
    struct bench_request *requests;
    uint8_t *memory;
    uint64_t blocks; /* in the part of the disk that is used */
    uint64_t next;   /* block, when sequential */
    uint64_t random; /* state of the generator */
    uint64_t begin, end, last;
    struct timespec began; /* `begin` by the wall clock */
    unsigned outstanding;
    int status; /* of the first request that failed */
    uint64_t failed_at;

    struct histogram latency;
    uint64_t errors;
    uint64_t *intervals; /* bytes done in each INTERVAL */
    size_t interval_count;
    double cpu;     /* seconds */
    uint64_t flush; /* ns */
    struct aoe_stats stats;
};

/* ---- the load -------------------------------------------------------------
 */

static uint64_t random64(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void failed(struct bench *b, int status, uint64_t offset)
{
    b->errors++;
    if (b->status)
        return;
    b->status = status;
    b->failed_at = offset;
}

static void submit(struct bench_request *s)
{
    struct bench *b = s->bench;
    uint64_t block = b->next;
    int err;

    if (b->o->random)
        block = random64(&b->random) % b->blocks;
    else
        b->next = b->next + 1 < b->blocks ? b->next + 1 : 0;
    s->request.offset = block * b->o->block;
    s->begun = clock_ns();
    err = aoe_submit(b->c->disk, &s->request);
    if (err)
        failed(b, err, s->request.offset);
    else
        b->outstanding++;
}

static void done(struct aoe_request *r, int status)
{
    struct bench_request *s = r->arg;
    struct bench *b = s->bench;
    uint64_t now = clock_ns();
    size_t interval = (size_t)((now - b->begin) / INTERVAL);

    b->outstanding--;
    b->last = now;
    if (status) {
        failed(b, status, status == -EIO ? r->error_offset : r->offset);
        return;
    }
    histogram_add(&b->latency, now - s->begun);
    if (interval < b->interval_count)
        b->intervals[interval] += r->length;
    if (!b->status && now < b->end)
        submit(s);
}

static void init_requests(struct bench *b)
{
    for (uint64_t i = 0; i < b->o->depth; i++) {
        struct bench_request *s = &b->requests[i];

        s->bench = b;
        s->iov = (struct iovec){b->memory + i * b->o->block, b->o->block};
        s->request.op = b->o->write ? AOE_WRITE : AOE_READ;
        s->request.length = b->o->block;
        s->request.iov = &s->iov;
        s->request.iovcnt = 1;
        s->request.done = done;
        s->request.arg = s;
    }
}

/* Random data: storage that compresses or detects zeroes must not look fast. */
static void fill(struct bench *b)
{
    for (uint64_t i = 0; i < b->o->depth * b->o->block; i += sizeof b->random) {
        uint64_t word = random64(&b->random);

        memcpy(b->memory + i, &word, sizeof word);
    }
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void run(struct bench *b)
{
    struct aoe_stats before;
    double cpu = cpu_seconds();

    aoe_disk_stats(b->c->disk, &before);
    clock_gettime(CLOCK_REALTIME, &b->began);
    b->begin = b->last = clock_ns();
    b->end = b->begin + b->o->time;
    for (uint64_t i = 0; i < b->o->depth && !b->status; i++)
        submit(&b->requests[i]);
    while (b->outstanding)
        aoe_wait(b->c->aoe, -1);
    b->cpu = cpu_seconds() - cpu;
    aoe_disk_stats(b->c->disk, &b->stats);
    b->stats.frames_sent -= before.frames_sent;
    b->stats.retransmitted -= before.retransmitted;
    if (b->o->write && !b->status) {
        uint64_t begun = clock_ns();
        int err = aoe_flush(b->c->disk);

        b->flush = clock_ns() - begun;
        if (err)
            failed(b, err, 0);
    }
}

/* ---- showing --------------------------------------------------------------
 */

static const struct {
    const char *name, *key;
    double share;
} percentiles[] = {{"median", "median", 0.5},
                   {"99 %", "p99", 0.99},
                   {"99.9 %", "p999", 0.999}};

enum { PERCENTILES = sizeof percentiles / sizeof percentiles[0] };

/* The figures that both output formats show. */
struct figures {
    double seconds, bytes, per_second, megabytes, cpu_per_gb;
};

static struct figures figure(const struct bench *b)
{
    struct figures f = {.seconds = (double)(b->last - b->begin) / 1e9};

    f.bytes = (double)b->latency.count * (double)b->o->block;
    if (b->latency.count == 0)
        return f;
    f.per_second = (double)b->latency.count / f.seconds;
    f.megabytes = f.bytes / f.seconds / 1e6;
    f.cpu_per_gb = b->cpu / (f.bytes / 1e9);
    return f;
}

static double us(uint64_t ns)
{
    return (double)ns / 1e3;
}

static void show(const struct bench *b)
{
    const struct bench_options *o = b->o;
    struct figures f = figure(b);

    printf("%-12s %s %s, %" PRIu64 " bytes, depth %" PRIu64 ", %.2f s\n",
           aoe_disk_name(b->c->disk), o->random ? "random" : "sequential",
           o->write ? "write" : "read", o->block, o->depth, f.seconds);
    printf("%-12s %" PRIu64 ", %.0f/s\n", "operations", b->latency.count,
           f.per_second);
    printf("%-12s %.1f MB/s\n", "throughput", f.megabytes);
    printf("%-12s min %.1f us", "latency", us(b->latency.min));
    for (int i = 0; i < PERCENTILES; i++)
        printf(", %s %.1f us", percentiles[i].name,
               us(histogram_percentile(&b->latency, percentiles[i].share)));
    printf(", max %.1f us\n", us(b->latency.max));
    printf("%-12s %.2f s, %.3f s/GB\n", "CPU", b->cpu, f.cpu_per_gb);
    printf("%-12s %" PRIu64 " sent, %" PRIu64 " retransmitted\n", "frames",
           b->stats.frames_sent, b->stats.retransmitted);
    if (o->write)
        printf("%-12s %.1f ms\n", "flush", us(b->flush) / 1e3);
}

static void show_json(const struct bench *b)
{
    const struct bench_options *o = b->o;
    struct figures f = figure(b);

    printf("{\"disk\": \"%s\", \"direction\": \"%s\", \"pattern\": \"%s\",\n"
           " \"block\": %" PRIu64 ", \"depth\": %" PRIu64
           ", \"seconds\": %.6f,\n"
           " \"operations\": %" PRIu64 ", \"operations_per_second\": %.1f,\n"
           " \"bytes\": %.0f, \"megabytes_per_second\": %.3f,\n",
           aoe_disk_name(b->c->disk), o->write ? "write" : "read",
           o->random ? "random" : "sequential", o->block, o->depth, f.seconds,
           b->latency.count, f.per_second, f.bytes, f.megabytes);
    printf(" \"latency_us\": {\"min\": %.3f", us(b->latency.min));
    for (int i = 0; i < PERCENTILES; i++)
        printf(", \"%s\": %.3f", percentiles[i].key,
               us(histogram_percentile(&b->latency, percentiles[i].share)));
    printf(", \"max\": %.3f},\n \"cpu_seconds\": %.6f, "
           "\"cpu_seconds_per_gb\": %.6f,\n \"frames_sent\": %" PRIu64
           ", \"frames_resent\": %" PRIu64 ", \"errors\": %" PRIu64
           ",\n \"flush_seconds\": %.6f, \"began\": %lld.%06ld,\n"
           " \"interval_ms\": %d, "
           "\"interval_bytes\": [",
           us(b->latency.max), b->cpu, f.cpu_per_gb, b->stats.frames_sent,
           b->stats.retransmitted, b->errors, us(b->flush) / 1e6,
           (long long)b->began.tv_sec, b->began.tv_nsec / 1000,
           (int)(INTERVAL / NS_PER_MS));
    for (size_t i = 0; i < b->interval_count; i++)
        printf("%s%" PRIu64, i ? ", " : "", b->intervals[i]);
    puts("]}");
}

/* ---- the command ----------------------------------------------------------
 */

static int prepare(struct bench *b)
{
    const struct bench_options *o = b->o;
    uint64_t size = aoe_disk_identity(b->c->disk)->size;
    void *memory = NULL;

    if (o->size && o->size < size)
        size = o->size;
    b->blocks = size / o->block;
    if (b->blocks == 0) {
        log_error("bench: %s: no block of %" PRIu64
                  " bytes fits in its %" PRIu64 " bytes; use a smaller --block",
                  b->c->name, o->block, size);
        return EXIT_FAILED;
    }
    b->interval_count = (size_t)(o->time / INTERVAL) + 1;
    b->requests = calloc(o->depth, sizeof *b->requests);
    b->intervals = calloc(b->interval_count, sizeof *b->intervals);
    if (!b->requests || !b->intervals ||
        posix_memalign(&memory, 4096, o->depth * o->block)) {
        log_error("bench: %s", strerror(ENOMEM));
        return EXIT_FAILED;
    }
    b->memory = memory;
    b->random = clock_ns() | 1;
    fill(b);
    init_requests(b);
    return 0;
}

static int bench(const struct bench_options *o, struct command_disk *c)
{
    struct bench *b = calloc(1, sizeof *b);
    int status;

    if (!b) {
        log_error("bench: %s", strerror(ENOMEM));
        return EXIT_FAILED;
    }
    b->o = o;
    b->c = c;
    status = command_disk_open(c);
    if (!status)
        status = prepare(b);
    if (!status) {
        run(b);
        if (o->json)
            show_json(b);
        else
            show(b);
        if (b->status) {
            log_error("bench: %s: at byte %" PRIu64 ": %s", c->name,
                      b->failed_at, strerror(-b->status));
            status = EXIT_FAILED;
        }
    }
    free(b->memory);
    free(b->intervals);
    free(b->requests);
    free(b);
    return status;
}

static const char *set_block(void *to, const char *value)
{
    struct bench_options *o = to;

    if (option_bytes(value, &o->block) || o->block == 0 || o->block % SECTOR ||
        o->block > BLOCK_MAX)
        return "not a multiple of 512 up to 64M";
    return NULL;
}

static const char *set_depth(void *to, const char *value)
{
    struct bench_options *o = to;

    return option_u64(value, 1, DEPTH_MAX, &o->depth)
               ? "not a number from 1 to 1024"
               : NULL;
}

static const char *set_seconds(void *to, const char *value)
{
    struct bench_options *o = to;

    if (option_seconds(value, &o->time) || o->time == 0 ||
        o->time > SECONDS_MAX * NS_PER_S)
        return "not a number of seconds up to 86400";
    return NULL;
}

static const char *set_size(void *to, const char *value)
{
    struct bench_options *o = to;

    if (option_bytes(value, &o->size) || o->size == 0)
        return "not a number of bytes";
    return NULL;
}

#define FLAG(member) offsetof(struct bench_options, member)
static const struct option_row own[] = {
    {"write", 0, NULL, "write, which destroys the disk's data", NULL,
     FLAG(write), 0},
    {"destructive", 0, NULL, "confirm that; required with --write", NULL,
     FLAG(destructive), 0},
    {"random", 0, NULL, "at random offsets, not sequentially", NULL,
     FLAG(random), 0},
    {"block", 0, "BYTES", "size of each request (4k)", set_block, 0, 0},
    {"depth", 0, "N", "requests outstanding (16)", set_depth, 0, 0},
    {"seconds", 0, "S", "how long to measure (5)", set_seconds, 0, 0},
    {"size", 0, "BYTES", "use only the first BYTES of the disk", set_size, 0,
     0},
    {"json", 0, NULL, "print JSON", NULL, FLAG(json), 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe",
    .command = "bench",
    .usage = "Usage: aoe bench DISK [-i NETIF]... [OPTION]...\n"
             "Measure how fast a disk reads or writes.",
    .notes = "Exit status: 0 done, 1 failed, 2 wrong usage.",
    .shared = OPTIONS_DISK,
    .own = own,
};

/* Returns -1 to go on, else the exit status. */
static int parse(struct bench_options *o, struct command_disk *c, int argc,
                 char **argv)
{
    int status = command_disk_options(c, o, &argc, argv);

    if (status < 0)
        status = command_disk_alone(c, argc, argv);
    if (status >= 0)
        return status;
    if (o->block * o->depth > MEMORY_MAX) {
        log_error("bench: --block times --depth is more than 1 GiB of memory");
        return EXIT_USAGE;
    }
    if (o->write && !o->destructive) {
        log_error("bench: --write destroys what is on %s; confirm with "
                  "--destructive",
                  c->name);
        return EXIT_USAGE;
    }
    return -1;
}

int bench_main(int argc, char **argv)
{
    struct bench_options o = {.block = 4096, .depth = 16, .time = 5 * NS_PER_S};
    struct command_disk c;
    int status;

    command_disk_init(&c, &line);
    status = parse(&o, &c, argc, argv);
    c.options.disk.read_only = !o.write;
    if (status < 0)
        status = bench(&o, &c);
    command_disk_close(&c);
    return status;
}
