/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe ping: how long a Query Config and its response take.  It asks any target
 * that answers for the disk, on each interface, and never retransmits.
 */
#include "initiator/aoe/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/format.h"
#include "base/options.h"
#include "base/output.h"
#include "initiator/aoe/disk.h"

struct ping {
    uint64_t count, interval; /* ns */
};

/* What one interface has seen. */
struct way {
    const char *interface;
    uint64_t sent, answered, min, max, sum; /* times in ns */
};

static double ms(uint64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

static void ask(struct command_disk *c, struct way *w)
{
    struct aoe_control control = {.op = AOE_CONTROL_CONFIG_READ,
                                  .shelf = c->shelf,
                                  .slot = c->slot,
                                  .interface = w->interface,
                                  .timeout = c->options.wait,
                                  .tries = 1};
    const struct aoe_control_response *r = &control.response;
    char mac[FORMAT_MAC];
    int status;

    memset(control.mac, 0xff, sizeof control.mac);
    status = aoe_control_run(c->aoe, &control);
    w->sent++;
    if (status) {
        printf("%s on %s: %" PRIu64 ": %s\n", c->name, w->interface, w->sent,
               status == -ETIMEDOUT ? "no answer" : strerror(-status));
        return;
    }
    if (w->answered == 0 || r->rtt < w->min)
        w->min = r->rtt;
    if (r->rtt > w->max)
        w->max = r->rtt;
    w->sum += r->rtt;
    w->answered++;
    printf("%s on %s: %" PRIu64 ": %s after %.3f ms\n", c->name, w->interface,
           w->sent, format_mac(mac, r->mac), ms(r->rtt));
}

static void sum_up(const struct command_disk *c, const struct way *w)
{
    printf("%s on %s: %" PRIu64 " sent, %" PRIu64 " answered, %.0f %% lost",
           c->name, w->interface, w->sent, w->answered,
           100.0 * (double)(w->sent - w->answered) / (double)w->sent);
    if (w->answered)
        printf("; min/avg/max %.3f/%.3f/%.3f ms", ms(w->min),
               ms(w->sum / w->answered), ms(w->max));
    putchar('\n');
}

/* Nothing is outstanding meanwhile, but changes of interfaces are noticed. */
static void pause_until(struct command_disk *c, uint64_t at)
{
    for (uint64_t now = clock_ns(); now < at; now = clock_ns())
        if (aoe_wait(c->aoe, (int64_t)(at - now)))
            return;
}

static int ping(struct command_disk *c, const struct ping *p)
{
    struct way ways[AOE_INTERFACE_MAX] = {{0}};
    int status = interfaces_open(&c->options.interfaces, &c->aoe);
    uint64_t next = clock_ns();

    if (status)
        return status;
    for (uint64_t round = 0; round < p->count; round++) {
        pause_until(c, next);
        next += p->interval;
        for (unsigned i = 0; i < c->options.interfaces.count; i++) {
            ways[i].interface = c->options.interfaces.names[i];
            ask(c, &ways[i]);
        }
        if (output_flush())
            return EXIT_FAILED; /* it may go on for days */
    }
    for (unsigned i = 0; i < c->options.interfaces.count; i++) {
        sum_up(c, &ways[i]);
        if (!ways[i].answered)
            status = EXIT_FAILED;
    }
    return status;
}

static const char *set_count(void *to, const char *value)
{
    struct ping *p = to;

    return option_u64(value, 1, UINT32_MAX, &p->count)
               ? "not a number of at least 1"
               : NULL;
}

static const char *set_interval(void *to, const char *value)
{
    struct ping *p = to;

    return option_seconds(value, &p->interval) ? "not a number of seconds"
                                               : NULL;
}

static const struct option_row own[] = {
    {"count", 'c', "COUNT", "requests on each interface (5)", set_count, 0, 0},
    {"interval", 'I', "SECONDS", "time between requests (1)", set_interval, 0,
     0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe",
    .command = "ping",
    .usage = "Usage: aoe ping DISK [-c COUNT] [-i NETIF]... [OPTION]...\n"
             "Measure how long a disk's target takes to answer.",
    .notes =
        "Exit status: 0 when there was an answer on each interface, 1 when\n"
        "there was none on one, 2 for wrong usage.",
    .shared = OPTIONS_NETWORK,
    .own = own,
};

int ping_main(int argc, char **argv)
{
    struct ping p = {.count = 5, .interval = NS_PER_S};
    struct command_disk c;
    int status;

    command_disk_init(&c, &line);
    c.options.wait = NS_PER_S;
    status = command_disk_options(&c, &p, &argc, argv);
    if (status < 0 && !c.options.wait)
        status = command_wrong(&c, "--wait", "0", "nothing answers at once");
    if (status < 0)
        status = command_disk_alone(&c, argc, argv);
    if (status < 0)
        status = ping(&c, &p);
    command_disk_close(&c);
    return status;
}
