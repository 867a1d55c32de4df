/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A client of the NBD state machine, in the same process and without a socket:
 * builds what clients send, collects what the server answers.
 */
#ifndef TESTS_NBD_PEER_H
#define TESTS_NBD_PEER_H

#include "bridge/nbd/server.h"
#include "tests/lib/nbd_memory.h"

struct nbd_peer {
    struct nbd_memory memory;
    const struct nbd_export *exports[2];
    struct nbd_server server;
    struct nbd_conn *conn;
    size_t
        chunk; /* bytes given to the server at a time; 0: as many as it takes */
    unsigned wakes; /* how often the server said that it has output */

    uint8_t *in; /* its output that nbd_peer_take has not taken */
    size_t in_length, in_capacity;
};

/* A disk of `size` bytes and a connection whose server has sent its
 * greeting. */
void nbd_peer_open(struct nbd_peer *peer, size_t size);
void nbd_peer_close(struct nbd_peer *peer);

/* Ends the connection, or starts a new one to the same disk. */
void nbd_peer_disconnect(struct nbd_peer *peer);
void nbd_peer_connect(struct nbd_peer *peer);

/* Feeds bytes and returns how many of them the server took: fewer than given
 * where it stops reading, because its buffers are full or it has ended.  Its
 * output is collected. */
size_t nbd_peer_send(struct nbd_peer *peer, const void *bytes, size_t length);
/* Collects output that has become ready since. */
void nbd_peer_collect(struct nbd_peer *peer);

/* Takes `length` bytes of the collected output; fails the test if there are
 * fewer.  They stay valid until the next call. */
const uint8_t *nbd_peer_take(struct nbd_peer *peer, size_t length);
/* Discards all of it. */
void nbd_peer_forget(struct nbd_peer *peer);

/* ---- messages ------------------------------------------------------------ */

/* Takes the greeting and sends the fixed newstyle flags. */
void nbd_peer_greet(struct nbd_peer *peer);
/* Greets, negotiates structured replies and base:allocation if asked to, and
 * enters transmission. */
void nbd_peer_go(struct nbd_peer *peer, bool structured);

size_t nbd_put_option(uint8_t *out, uint32_t option, const void *data,
                      uint32_t length);
void nbd_peer_option(struct nbd_peer *peer, uint32_t option, const void *data,
                     uint32_t length);
/* INFO or GO, asking for every kind of information. */
void nbd_peer_info(struct nbd_peer *peer, uint32_t option, const char *name);
/* Takes a reply of type `type` to `option`; returns its data. */
const uint8_t *nbd_peer_reply(struct nbd_peer *peer, uint32_t option,
                              uint32_t type, uint32_t *length);

void nbd_put_request(uint8_t out[NBD_REQUEST_SIZE], uint16_t flags,
                     uint16_t command, uint64_t cookie, uint64_t offset,
                     uint32_t length);
void nbd_peer_request(struct nbd_peer *peer, uint16_t flags, uint16_t command,
                      uint64_t cookie, uint64_t offset, uint32_t length);
/* The same, all pending requests completed; returns the error of the reply,
 * which has no data. */
unsigned nbd_peer_try(struct nbd_peer *peer, uint16_t flags, uint16_t command,
                      uint64_t offset, uint32_t length);

/* Takes the next reply, of either kind.  `data` stays valid until the next
 * call. */
struct nbd_reply {
    bool structured;
    uint16_t type; /* structured: type of its only chunk */
    uint32_t error;
    uint64_t cookie;
    char message[256];     /* of a structured error */
    uint64_t error_offset; /* of ERROR_OFFSET */
    const uint8_t *data;   /* after the offset, or of a block status */
    uint32_t length;
};
struct nbd_reply nbd_peer_next(struct nbd_peer *peer, uint32_t read_length);

#endif
