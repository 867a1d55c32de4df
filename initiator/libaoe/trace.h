/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the engine does, a line at a time (aoe_trace).  The macros test the
 * level before anything else: off, a line costs one branch and none of its
 * arguments is evaluated.
 */
#ifndef INITIATOR_LIBAOE_TRACE_H
#define INITIATOR_LIBAOE_TRACE_H

#include "initiator/libaoe/context.h"

struct path;

enum { TRACE_DECISIONS = 1, TRACE_FRAMES = 2 };

#define trace_on(aoe, at) __builtin_expect((aoe)->trace.level >= (at), 0)

/* "e1.2 " and the text. */
#define trace_disk(d, at, ...)                                                 \
    do {                                                                       \
        if (trace_on((d)->aoe, at))                                            \
            trace_say_disk(d, __VA_ARGS__);                                    \
    } while (0)

/* The same, and ", path eth0 00:11:22:33:44:55".  A path without a disk, in a
 * test, is silent. */
#define trace_path(p, at, ...)                                                 \
    do {                                                                       \
        if ((p)->disk && trace_on((p)->disk->aoe, at))                         \
            trace_say_path(p, __VA_ARGS__);                                    \
    } while (0)

/* "eth0 " and the text. */
#define trace_port(port, at, ...)                                              \
    do {                                                                       \
        if (trace_on((port)->aoe, at))                                         \
            trace_say_port(port, __VA_ARGS__);                                 \
    } while (0)

void trace_say_disk(const struct aoe_disk *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void trace_say_path(const struct path *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void trace_say_port(const struct aoe_port *port, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A time as people read it: "2.1 ms".  Returns `out`. */
enum { TRACE_TIME = 24 };
const char *trace_time(char out[TRACE_TIME], uint64_t ns);

/* Scratch memory for the formatters, within one call. */
#define TRACE_BUFFER(size) ((char[size]){0})

#endif
