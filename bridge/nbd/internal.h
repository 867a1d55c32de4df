/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of the NBD state machine say to each other.  Each of them uses
 * only what stands above it here; conn.c uses all.
 */
#ifndef BRIDGE_NBD_INTERNAL_H
#define BRIDGE_NBD_INTERNAL_H

#include "bridge/nbd/server.h"

/* ---- steps --------------------------------------------------------------- */

/* Each step understands what has arrived in one phase, and says what is next.
 */
enum nbd_step {
    NBD_STEP_AGAIN,  /* look at what else has arrived, in whatever phase */
    NBD_STEP_CLIENT, /* the client has to send more, or to take its replies */
    NBD_STEP_WAIT,   /* admission: conn->wait says what for */
};

/* ---- phase.c ------------------------------------------------------------- */

void nbd_enter(struct nbd_conn *conn, enum nbd_phase phase);

/* The client broke the protocol, or there is no memory to go on with it. */
void nbd_dead(struct nbd_conn *conn, const char *trouble);

/* Whose requests these are to be, at which disk. */
void nbd_join(struct nbd_conn *conn, const struct nbd_export *export);

/* ---- buffer.c ------------------------------------------------------------ */

/* Bytes of input that wait to be parsed. */
static inline size_t nbd_buffered(const struct nbd_conn *conn)
{
    return conn->buffer_end - conn->buffer_start;
}

/* The next `length` of them if they are there, else NULL; they stay until
 * nbd_consume removes them. */
const uint8_t *nbd_peek(const struct nbd_conn *conn, size_t length);
void nbd_consume(struct nbd_conn *conn, size_t length);

/* Where `length` more bytes of handshake output go, or NULL after marking the
 * connection dead. */
uint8_t *nbd_out(struct nbd_conn *conn, size_t length);

static inline bool nbd_output_pending(const struct nbd_conn *conn)
{
    return conn->out_sent < conn->out_length;
}

/* ---- queue.c ------------------------------------------------------------- */

void nbd_queues_open(struct nbd_server *server);
/* The end of the queue, if it is one; the connection keeps its place if it is
 * there already. */
void nbd_queue_enter(struct nbd_conn *conn, enum nbd_wait wait);
/* The connection no longer waits. */
void nbd_queue_leave(struct nbd_conn *conn);
/* Whose turn it is, or NULL. */
struct nbd_conn *nbd_queue_first(struct nbd_server *server, enum nbd_wait wait);
/* Something was given back: those who are first look again. */
void nbd_queues_wake(struct nbd_server *server);

/* ---- admission.c --------------------------------------------------------- */

/* A request of this connection with a buffer of `capacity` bytes, or NULL: it
 * has to wait (conn->wait), or there is no memory (the connection is dead).
 * Only its buffer may be missing: then it is refused. */
struct nbd_io *nbd_admit(struct nbd_conn *conn, size_t capacity);
/* Gives all of it back, and lets others have it. */
void nbd_release(struct nbd_io *io);
/* Its client is gone, but not what it asked for. */
void nbd_orphan(struct nbd_io *io);
/* What a connection waits for is there, or it does not wait for anybody. */
bool nbd_may_go_on(struct nbd_conn *conn);
/* A slot for it, if it has none; false: it has to wait for one, or the
 * connection is dead. */
bool nbd_slot_take(struct nbd_conn *conn);
/* Gives its slot, if it has one, to the next. */
void nbd_slot_release(struct nbd_conn *conn);
/* Slots are getting rare: nobody should have more in the buffer than needed. */
bool nbd_slots_scarce(const struct nbd_server *server);

/* ---- reply.c ------------------------------------------------------------- */

/* The number of base:allocation, the one context there is. */
enum { NBD_ALLOCATION_ID = 1 };

/* Queues the reply to a request that ended with `status` (0 or -errno), or to
 * one that was refused. */
void nbd_complete(struct nbd_io *io, int status);
void nbd_refuse(struct nbd_io *io);

/* "read", "write" ... for people. */
const char *nbd_command_name(const struct nbd_io *io);

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
enum nbd_step nbd_step_payload(struct nbd_conn *conn);
/* The rest of it will not come. */
void nbd_cut_payload(struct nbd_conn *conn);

/* ---- check.c ------------------------------------------------------------- */

/* Says why a request is refused, in *why also for people; NBD_OK: it is not. */
enum nbd_error nbd_check(const struct nbd_conn *conn,
                         const struct nbd_header *h, const char **why);

/* It has data, one way or the other. */
bool nbd_needs_buffer(const struct nbd_header *h);

/* ---- request.c ----------------------------------------------------------- */

enum nbd_step nbd_step_request(struct nbd_conn *conn);

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

enum nbd_step nbd_step_client_flags(struct nbd_conn *conn);
enum nbd_step nbd_step_option(struct nbd_conn *conn);
enum nbd_step nbd_step_option_data(struct nbd_conn *conn);
enum nbd_step nbd_step_option_skip(struct nbd_conn *conn);

#endif
