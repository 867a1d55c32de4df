/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What -vv shows of a port: a line for each frame, and why one was dropped.
 */
#ifndef TARGET_SERVE_PORT_TRACE_H
#define TARGET_SERVE_PORT_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/rarely.h"
#include "target/serve/port.h"

void port_trace_frame(const struct target_port *p, const char *what,
                      const uint8_t *frame, size_t len) RARELY;

/* `what` happened to the frame: "received", "dropped (aged)". */
static inline void port_trace(const struct target_port *p, const char *what,
                              const uint8_t *frame, size_t len)
{
    if (log_verbosity >= 2)
        port_trace_frame(p, what, frame, len);
}

/* "dropped (too many requests)". */
const char *port_trace_reason(enum export_counter why);

#endif
