/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A progress line on the terminal; nothing if standard error is not a terminal.
 */
#ifndef INITIATOR_AOE_PROGRESS_H
#define INITIATOR_AOE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct command_progress {
    const char *what; /* "e1.2" */
    uint64_t total;   /* bytes */
    bool on;
    uint64_t shown;       /* when the line was last written, ns */
    uint64_t shown_bytes; /* and what had been done by then */
    double rate;          /* bytes a second, smoothed; 0: not known */
};

void command_progress_begin(struct command_progress *p, const char *what,
                            uint64_t done, uint64_t total, bool quiet);
/* Writes the line again if it is time to. */
void command_progress_show(struct command_progress *p, uint64_t done);
/* Erases it. */
void command_progress_end(struct command_progress *p);

#endif
