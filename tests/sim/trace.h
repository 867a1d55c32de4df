/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The latest events, kept raw and formatted only when a seed has failed.
 */
#ifndef TESTS_SIM_TRACE_H
#define TESTS_SIM_TRACE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/lib/link_pair.h"

enum { TRACE_EVENTS = 1000, TRACE_HEAD = 36, TRACE_TEXT = 96 };

struct trace_event {
    uint64_t at;           /* ns */
    char text[TRACE_TEXT]; /* what a client or the world did, or a frame: */
    enum wire_event wire;
    uint8_t head[TRACE_HEAD];
    size_t len; /* of the frame; 0: text */
};

struct trace {
    struct trace_event events[TRACE_EVENTS];
    unsigned long count;
};

void trace_say(struct trace *t, uint64_t now, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* For wire_watch; `arg` is the trace. */
void trace_frame(void *arg, uint64_t now, enum wire_event e,
                 const struct link *port, const uint8_t *frame, size_t len);
void trace_print(const struct trace *t, FILE *out);
/* From now on each event is also printed to `out` as it happens. */
void trace_live(FILE *out);

#endif
