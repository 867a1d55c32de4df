/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The NBD server without its sockets: a state machine that is fed the bytes of
 * one client and offers the bytes of the replies.  It does no I/O, knows no
 * clock and logs nothing, so that tests and the fuzzer can call it directly.
 *
 *     nbd_conn_input, nbd_conn_received  bytes of the client come in
 *     export->submit, request->done      the disk works
 *     nbd_conn_output, nbd_conn_sent     replies go out
 *
 * An option is answered in option.c, a request checked in check.c and given to
 * the disk in execute.c; memory is granted in admission.c.
 */
#ifndef BRIDGE_NBD_SERVER_H
#define BRIDGE_NBD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/list.h"
#include "base/pool.h"
#include "initiator/client/block_export.h"
#include "bridge/nbd/proto.h"

enum {
    NBD_PAYLOAD_MAX = 32 << 20, /* bytes of one read or write */
    NBD_PIECE = 128 << 10,      /* of a write, and a connection's own */
    NBD_BYTES_DEFAULT = 64 << 20,
    NBD_BYTES_MIN = 2 << 20,
    NBD_BYTES_KEPT = 2 << 20, /* at rest, for the next requests */
    NBD_REQUESTS_MAX = 512,   /* in flight on one connection */
    NBD_REQUESTS_ALL = 2048,  /* and on all of them */
    NBD_REQUESTS_ALWAYS = 4,  /* which one may have beyond that */
    NBD_OPTIONS_MAX = 64,     /* of one handshake */
    NBD_OPTION_DATA_MAX = 8192,
    NBD_BUFFER_SIZE = 16384, /* what a connection with a slot receives into */
    NBD_HEAD_MAX = 256,      /* a reply without its data */
    NBD_CONNECTION_COST = 1024, /* bytes of one that does nothing, at most */
};

/* Where a connection is, by what its client sends next; phase.c holds every
 * change against this.
 *
 *     CLIENT_FLAGS ---> OPTION <---> OPTION_DATA ---> REQUEST <---> PAYLOAD
 *                         ^               |              |             |
 *                         |         ABORT |      DISC or |             |
 *                    OPTION_SKIP          v  end of file v             |
 *                                     DRAINING <-------------- end of file
 *
 * The end of file leads to DRAINING from every phase, and to DEAD does an error
 * of the protocol, or that there is no memory to go on. */
enum nbd_phase {
    NBD_CLIENT_FLAGS, /* greeted; the client's flags come next */
    NBD_OPTION,       /* an option's header comes next */
    NBD_OPTION_DATA,  /* then its data, wanted whole */
    NBD_OPTION_SKIP,  /* or its data is too long, and goes nowhere */
    NBD_REQUEST,      /* transmission: a request's header comes next */
    NBD_PAYLOAD,      /* then the data of a write */
    NBD_DRAINING,     /* nothing more is read; what is in flight ends */
    NBD_DEAD,         /* the client broke the protocol: drop it */
    NBD_PHASES,
};

/* What a connection waits for before it goes on.  For the first three it is in
 * a queue of the server's, since others have what it waits for. */
enum nbd_wait {
    NBD_WAIT_NONE,
    NBD_WAIT_SLOT,    /* for a slot: until then nothing of it is read */
    NBD_WAIT_REQUEST, /* for one more of NBD_REQUESTS_ALL */
    NBD_WAIT_MEMORY,  /* for nbd_conn.wanted bytes of the common memory */
    NBD_WAIT_REPLY,   /* for a reply to leave: it has NBD_REQUESTS_MAX */
    NBD_WAITS,
};

struct nbd_conn;
struct nbd_io;

/* Who is told what happens (trace.c).  It changes nothing. */
struct nbd_observer {
    /* conn->phase is new, or conn->wait. */
    void (*entered)(const struct nbd_conn *conn, enum nbd_phase before);
    void (*waits)(const struct nbd_conn *conn);
    void (*requested)(const struct nbd_io *io); /* was admitted */
    /* What its reply says: `why` it has failed, or NULL. */
    void (*replied)(const struct nbd_io *io, const char *why);
};

/* What all connections share. */
struct nbd_server {
    const struct nbd_export *const *exports; /* the first is the default, "" */
    unsigned export_count;
    struct pool pool; /* of nbd_io and their buffers */

    /* admission.c: half of the memory is divided among the connections that
     * have something to do, half is for whoever needs more. */
    uint32_t piece;        /* bytes of a long write that leave together */
    size_t bytes_max;      /* all buffers */
    size_t own_max;        /* those a connection with a slot may always have */
    size_t shared;         /* bytes taken from the common half */
    size_t orphaned_bytes; /* own ones of connections that are gone */
    unsigned connections;
    unsigned slots;                /* connections that have one */
    unsigned requests;             /* of all connections, also of those gone */
    struct list queues[NBD_WAITS]; /* of nbd_conn.queued, longest first */

    unsigned in_flight; /* requests the disks have, of any connection */
    /* May be NULL: called each time in_flight falls to 0. */
    void (*idle)(struct nbd_server *server);
    void *arg;                           /* the owner's */
    const struct nbd_observer *observer; /* or NULL */
};

void nbd_server_open(struct nbd_server *server,
                     const struct nbd_export *const *exports,
                     unsigned export_count);
/* Limits the buffers of all connections together, from NBD_BYTES_MIN on;
 * NBD_BYTES_DEFAULT if it is not called. */
void nbd_server_limit(struct nbd_server *server, size_t bytes);
/* For the one client there will be: takes the memory of so many requests up to
 * `length` bytes (at least NBD_BUFFER_SIZE) from the system now, and no more
 * later on for such.  -ENOMEM. */
int nbd_server_reserve(struct nbd_server *server, unsigned requests,
                       uint32_t length);
/* The longest read there is memory for. */
uint32_t nbd_server_payload_max(const struct nbd_server *server);
/* There is no memory for another connection, even if it does nothing. */
bool nbd_server_full(const struct nbd_server *server);
/* Connections wait for what others have. */
bool nbd_server_awaited(const struct nbd_server *server);
/* Only when in_flight is 0 and every connection was closed. */
void nbd_server_close(struct nbd_server *server);

/* The fixed part of a request, as it came. */
struct nbd_header {
    uint16_t flags;
    uint16_t command; /* enum nbd_command, or anything */
    uint64_t cookie;
    uint64_t offset;
    uint32_t length;
};

/* One request from its header to the last byte of its reply, or a piece of a
 * long write, which has a buffer and the disk's attention but no reply. */
struct nbd_io {
    struct aoe_request aoe;
    struct list link; /* in_flight or replies of conn */
    struct nbd_server *server;
    struct nbd_conn *conn; /* NULL: its client is gone */
    struct nbd_header header;
    struct iovec iov;       /* of aoe: the whole buffer */
    uint8_t *buffer;        /* data of READ and WRITE, or NULL */
    size_t capacity;        /* of buffer */
    bool shared;            /* it is taken from the common half */
    struct nbd_io *whole;   /* the write this is a piece of, or NULL */
    unsigned pieces;        /* of this write at the disk */
    int status;             /* of the first of them to fail */
    enum nbd_error refused; /* why it is not even tried */
    const char *why;        /* the same for people */
    void (*then)(struct nbd_io *io, int status); /* after aoe */
    uint32_t zeroed;            /* execute.c: bytes done or submitted */
    uint8_t head[NBD_HEAD_MAX]; /* the reply but for its data */
    unsigned head_length;
    uint32_t data_length; /* bytes of buffer that follow the head */
};

/* The write whose data is arriving. */
struct nbd_payload {
    struct nbd_io *write;   /* NULL: none */
    uint32_t received;      /* bytes of it */
    struct nbd_io *filling; /* it, or a piece of it, with a buffer; or NULL */
    uint32_t filled;        /* bytes of that */
};

/* One client. */
struct nbd_conn {
    struct nbd_server *server;
    /* Called when there is output to send or the end may be reached: from
     * nbd_conn_received, nbd_conn_sent or a completion.  It must not call back
     * into the connection, only make a note. */
    void (*wake)(struct nbd_conn *conn);
    void *arg;       /* the owner's */
    unsigned number; /* the owner's, for the log */

    enum nbd_phase phase;
    const char *trouble; /* NBD_DEAD: what the client did wrong */
    bool stopping;       /* nbd_conn_shutdown was called */

    /* The handshake. */
    bool fixed_newstyle, no_zeroes, structured;
    const struct nbd_export *allocation; /* base:allocation is set for it */
    unsigned options;                    /* seen so far */
    uint32_t option, option_length;      /* the current one */

    /* Transmission. */
    const struct nbd_export *export;
    struct aoe_writer *writer; /* who it is to the disk, or NULL */
    struct nbd_payload payload;
    bool bulk;             /* the last write was a large one */
    struct list in_flight; /* of nbd_io.link */
    struct list replies;   /* the same, complete, in sending order */
    size_t reply_sent;     /* bytes of the first of them */

    /* Admission. */
    enum nbd_wait wait; /* NBD_WAIT_NONE: it may go on */
    struct list queued; /* in the server's queue for that, if there is one */
    size_t wanted;      /* bytes of memory it waits for */
    size_t bytes;       /* capacity of all its buffers */
    size_t own;         /* of those not taken from the common half */
    unsigned requests;  /* in either list, receiving or filling */

    uint8_t *out; /* handshake replies */
    size_t out_capacity, out_length, out_sent;

    /* Input that waits to be parsed, in NBD_BUFFER_SIZE bytes that are its
     * slot; NULL: it has none. */
    uint8_t *buffer;
    size_t buffer_start, buffer_end;
    /* The same without a slot: a request that waits for common memory. */
    uint8_t kept[NBD_REQUEST_SIZE];
    size_t kept_length;
};

/* Begins a connection with the server's greeting as its first output.
 * -ENOMEM. */
int nbd_conn_open(struct nbd_conn *conn, struct nbd_server *server);

/* The same without greeting and handshake: the client knows `export` and what
 * it can do, and its requests come at once. */
void nbd_conn_open_export(struct nbd_conn *conn, struct nbd_server *server,
                          const struct nbd_export *export);

/* To be called after wake: goes on with what had to wait. */
void nbd_conn_resume(struct nbd_conn *conn);

/* Ends it: replies are forgotten, requests the disk has end on their own. */
void nbd_conn_close(struct nbd_conn *conn);

/* The client's next bytes can be read, or the end of them. */
bool nbd_conn_wants_input(const struct nbd_conn *conn);

/* Where they belong: the number of iovecs, which is 0 while nothing may be
 * read, and if there turns out to be no slot for it. */
int nbd_conn_input(struct nbd_conn *conn, struct iovec iov[2]);

/* `length` bytes were put there. */
void nbd_conn_received(struct nbd_conn *conn, size_t length);

/* The client will send nothing more. */
void nbd_conn_eof(struct nbd_conn *conn);

/* Fills in up to `max` iovecs with what is ready to be sent and returns how
 * many.  They stay valid until nbd_conn_sent or nbd_conn_close. */
int nbd_conn_output(struct nbd_conn *conn, struct iovec *iov, int max);
void nbd_conn_sent(struct nbd_conn *conn, size_t length);

/* The server is going away: what is in flight ends, options and requests that
 * still come are refused. */
void nbd_conn_shutdown(struct nbd_conn *conn);

/* The connection has nothing left to do and may be closed. */
bool nbd_conn_finished(const struct nbd_conn *conn);

/* Gives the slot of a connection that needs none to another one.  To be called
 * when all is read that is there. */
void nbd_conn_yield(struct nbd_conn *conn);

/* It holds what others wait for, and nobody but its client can change that. */
bool nbd_conn_over_limit(const struct nbd_conn *conn);

/* The handshake is over. */
bool nbd_conn_transmitting(const struct nbd_conn *conn);

#endif
