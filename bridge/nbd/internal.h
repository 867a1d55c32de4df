/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the NBD state machine say to each other.  Each of them uses
 * only what stands above it here; conn.c uses all.
 */
#ifndef BRIDGE_NBD_INTERNAL_H
#define BRIDGE_NBD_INTERNAL_H

#include "bridge/nbd/server.h"

/* ---- phase.c ------------------------------------------------------------- */

void nbd_dead(struct nbd_conn *conn, const char *trouble);

/* From here on the client's bytes are requests. */
void nbd_begin_transmission(struct nbd_conn *conn,
                            const struct nbd_export *export);

/* ---- buffer.c ------------------------------------------------------------ */

/* The next `length` bytes of the client if they are there, else NULL; they
 * stay until nbd_consume removes them. */
const uint8_t *nbd_peek(const struct nbd_conn *conn, size_t length);
void nbd_consume(struct nbd_conn *conn, size_t length);

/* Room for `length` more bytes of handshake output, or NULL after marking the
 * connection dead. */
uint8_t *nbd_out(struct nbd_conn *conn, size_t length);

static inline bool nbd_output_pending(const struct nbd_conn *conn)
{
    return conn->out_sent < conn->out_length;
}

/* ---- queue.c ------------------------------------------------------------- */

/* The end of one of the server's lines; it keeps its place if it is there. */
void nbd_wait_in(struct list *line, struct nbd_conn *conn);
/* The connection no longer waits. */
void nbd_stop_waiting(struct nbd_conn *conn);
bool nbd_waits_for_bytes(const struct nbd_conn *conn);
/* The first of a line, or NULL. */
struct nbd_conn *nbd_first_in(struct list *line);
/* The first that may have bytes of the common half: who has least. */
struct nbd_conn *nbd_next_for_bytes(struct nbd_server *server);
/* Something was given back: those who are first look again. */
void nbd_wake_next(struct nbd_server *server);

/* ---- admission.c --------------------------------------------------------- */

/* A request of this connection with a buffer of `room` bytes, or NULL: it has
 * to wait (conn->blocked is set), or there is no memory (the connection is
 * dead).  Only its buffer may be missing: then it is refused. */
struct nbd_io *nbd_take(struct nbd_conn *conn, size_t room);
/* Gives all of it back, and lets others have it. */
void nbd_release(struct nbd_io *io);
/* Its client is gone, but not what it asked for. */
void nbd_orphan(struct nbd_io *io);
/* What it waits for is there. */
bool nbd_may_go_on(struct nbd_conn *conn);
/* A seat for it, if it has none; false: it has to wait for one, or the
 * connection is dead. */
bool nbd_sit(struct nbd_conn *conn);
/* Gives its seat, if it has one, to the next. */
void nbd_rise(struct nbd_conn *conn);
/* Seats are getting rare: nobody should have more in the stage than needed. */
bool nbd_crowded(const struct nbd_server *server);

/* ---- reply.c ------------------------------------------------------------- */

/* The number of base:allocation, the one context there is. */
enum { NBD_ALLOCATION_ID = 1 };

/* Queues the reply to a request that ended with `status` (0 or -errno), or to
 * one that was refused. */
void nbd_complete(struct nbd_io *io, int status);
void nbd_refuse(struct nbd_io *io);

/* ---- execute.c ----------------------------------------------------------- */

/* A request is whole: the disk's turn, where it needs one. */
void nbd_execute(struct nbd_io *io);

/* Hands io->aoe to the disk; `then` is called with its status (0 or -errno), at
 * once if the disk does not take it, and not at all if the client has gone. */
void nbd_submit(struct nbd_io *io, void (*then)(struct nbd_io *io, int status));
void nbd_submit_op(struct nbd_io *io, enum aoe_op op,
                   void (*then)(struct nbd_io *io, int status));

/* ---- payload.c ----------------------------------------------------------- */

/* The header of a write has come: its data comes next. */
void nbd_begin_payload(struct nbd_conn *conn, struct nbd_io *io);
bool nbd_step_payload(struct nbd_conn *conn);
/* The rest of it will not come. */
void nbd_cut_payload(struct nbd_conn *conn);

/* ---- check.c ------------------------------------------------------------- */

/* Says why a request is refused, in *why also for people; NBD_OK: it is not. */
enum nbd_error nbd_check(const struct nbd_conn *conn,
                         const struct nbd_header *h, const char **why);

/* It has data, one way or the other. */
bool nbd_needs_buffer(const struct nbd_header *h);

/* ---- request.c ----------------------------------------------------------- */

bool nbd_step_request(struct nbd_conn *conn);

/* ---- option_reply.c ------------------------------------------------------ */

/* Queues the head of a reply and returns where its data goes, or NULL. */
uint8_t *nbd_option_reply_begin(struct nbd_conn *conn, uint32_t type,
                                uint32_t length);
void nbd_option_reply(struct nbd_conn *conn, uint32_t type, const void *data,
                      uint32_t length);
/* The export of that name, or NULL. */
const struct nbd_export *nbd_export_find(const struct nbd_server *server,
                                         const uint8_t *name, size_t length);

/* With a line for people. */
void nbd_option_error(struct nbd_conn *conn, uint32_t type, const char *text);

/* ---- meta.c -------------------------------------------------------------- */

void nbd_answer_meta_context(struct nbd_conn *conn, const uint8_t *data);

/* ---- option.c ------------------------------------------------------------ */

/* Answers the option conn->option with its whole data. */
void nbd_answer_option(struct nbd_conn *conn, const uint8_t *data);

/* ---- handshake.c --------------------------------------------------------- */

int nbd_greet(struct nbd_conn *conn);

/* Each handles what has arrived for its phase and returns whether it got
 * anywhere; false: more bytes, or room, are needed first. */
bool nbd_step_client_flags(struct nbd_conn *conn);
bool nbd_step_option(struct nbd_conn *conn);
bool nbd_step_option_data(struct nbd_conn *conn);
bool nbd_step_option_skip(struct nbd_conn *conn);

#endif
