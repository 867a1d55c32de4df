/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of the trace: who, what, and by which path.
 */
#include "initiator/libaoe/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "initiator/libaoe/disk.h"

enum { LINE = 640 };

struct line {
    char text[LINE];
    size_t used;
};

void aoe_trace(struct aoe *aoe, int level,
               void (*line)(void *arg, const char *text), void *arg)
{
    aoe->trace.level = line ? level : 0;
    aoe->trace.line = line;
    aoe->trace.arg = arg;
}

static void add_list(struct line *l, const char *format, va_list list)
{
    int n =
        vsnprintf(l->text + l->used, sizeof l->text - l->used, format, list);

    if (n > 0)
        l->used += (size_t)n < sizeof l->text - l->used
                       ? (size_t)n
                       : sizeof l->text - l->used - 1;
}

static void __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    add_list(l, format, list);
    va_end(list);
}

/* A serial number may hold any byte: what would break the line or the terminal
 * does not reach it. */
static void say(struct aoe *aoe, struct line *l)
{
    enum aoe_stage before = aoe_enter(aoe, AOE_BUSY);

    for (size_t i = 0; i < l->used; i++)
        if (l->text[i] < ' ' || l->text[i] > '~')
            l->text[i] = '?';
    aoe->trace.line(aoe->trace.arg, l->text);
    aoe_enter(aoe, before);
}

void trace_say_disk(const struct aoe_disk *d, const char *format, ...)
{
    struct line l = {.used = 0};
    va_list list;

    add(&l, "%s ", d->name);
    va_start(list, format);
    add_list(&l, format, list);
    va_end(list);
    say(d->aoe, &l);
}

void trace_say_path(const struct path *p, const char *format, ...)
{
    struct line l = {.used = 0};
    char mac[AOE_MAC_TEXT];
    va_list list;

    add(&l, "%s ", p->disk->name);
    va_start(list, format);
    add_list(&l, format, list);
    va_end(list);
    add(&l, ", path %s %s", p->port->link->ifname,
        aoe_mac_format(mac, &p->mac));
    say(p->disk->aoe, &l);
}

void trace_say_port(const struct aoe_port *port, const char *format, ...)
{
    struct line l = {.used = 0};
    va_list list;

    add(&l, "%s ", port->link->ifname);
    va_start(list, format);
    add_list(&l, format, list);
    va_end(list);
    say(port->aoe, &l);
}

const char *trace_time(char out[TRACE_TIME], uint64_t ns)
{
    const char *unit = ns < NS_PER_MS ? "us" : ns < NS_PER_S ? "ms" : "s";
    uint64_t tenth = ns < NS_PER_MS  ? NS_PER_US / 10
                     : ns < NS_PER_S ? NS_PER_MS / 10
                                     : NS_PER_S / 10;

    snprintf(out, TRACE_TIME, "%" PRIu64 ".%" PRIu64 " %s", ns / tenth / 10,
             ns / tenth % 10, unit);
    return out;
}
