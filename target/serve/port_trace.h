/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What -vv shows of a port: a line for each frame, and why one was dropped.
 */
#ifndef TARGET_SERVE_PORT_TRACE_H
#define TARGET_SERVE_PORT_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/log.h"
#include "target/serve/port.h"

void port_trace_frame(const struct target_port *p, const char *what,
                      const uint8_t *frame, size_t len);

/* `what` happened to the frame: "received", "dropped (aged)". */
static inline void port_trace(const struct target_port *p, const char *what,
                              const uint8_t *frame, size_t len)
{
    if (log_verbosity >= 2)
        port_trace_frame(p, what, frame, len);
}

/* An export's counters before a frame, to tell afterwards why it was dropped.
 * Not filled in unless that is traced. */
struct port_trace_counts {
    uint64_t counts[EXPORT_COUNTERS];
};

static inline void port_trace_before(struct port_trace_counts *t,
                                     const struct export *e)
{
    if (log_verbosity >= 2)
        memcpy(t->counts, e->counts, sizeof t->counts);
}

/* The first drop counter that has risen since, as text. */
const char *port_trace_reason(const struct port_trace_counts *t,
                              const struct export *e);

#endif
