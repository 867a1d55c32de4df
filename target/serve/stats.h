/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a server has counted, in words.
 */
#ifndef TARGET_SERVE_STATS_H
#define TARGET_SERVE_STATS_H

#include <stdio.h>

#include "target/serve/server.h"

/* Two lines for each disk, counters and latencies, and one for each port. */
void stats_text(const struct server *s, FILE *out);
/* The same on standard error. */
void stats_log(const struct server *s);

/* Prometheus's text exposition format, version 0.0.4. */
void stats_prometheus(const struct server *s, FILE *out);

#endif
