/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of target/serve/control*.c share; for them only.
 */
#ifndef TARGET_SERVE_CONTROL_PARTS_H
#define TARGET_SERVE_CONTROL_PARTS_H

#include <stdio.h>

#include "target/serve/control.h"

enum { CONTROL_CLIENTS_MAX = 16, CONTROL_LINE_SIZE = 128 };

struct control_client;

struct control {
    struct control_options options;
    struct loop_fd watch;
    struct list clients;
    unsigned count;
    /* Runs a client's line; the client gets one answer. */
    void (*obey)(struct control_client *cl);
};

struct control_client {
    struct control *control;
    struct loop_fd watch;
    struct loop_timer timer; /* limits receiving a line, sending an answer */
    char line[CONTROL_LINE_SIZE];
    size_t line_len;
    bool answering;
    char *answer; /* owned */
    size_t answer_len, answer_sent;

    /* What its answer waits for. */
    struct exports_wait settled;
    struct state_save saved;
    struct disk *disk; /* whose change is being saved */
    struct list link;  /* in control.clients */
};

/* ---- control_client.c --------------------------------------------------- */

/* Takes over a connection. */
void control_client_new(struct control *c, int fd);
void control_client_close(struct control_client *cl);

/* Sends a line and closes the client. */
void control_answer(struct control_client *cl, const char *text,
                    const char *detail);
/* The same in steps: a stream to write the answer to (NULL: no memory), which
 * is then sent, or discarded for another one. */
FILE *control_answer_begin(struct control_client *cl);
void control_answer_stream(struct control_client *cl, FILE *out);
void control_answer_discard(struct control_client *cl, FILE *out);
/* From now on the answer may take long: disks that were stopped have to
 * finish. */
void control_wait(struct control_client *cl);

/* ---- control_commands.c ------------------------------------------------- */

void control_obey(struct control_client *cl);

#endif
