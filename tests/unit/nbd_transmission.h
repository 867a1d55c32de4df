/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of NBD requests and replies: a client in transmission over an
 * in-memory disk.
 */
#ifndef TESTS_UNIT_NBD_TRANSMISSION_H
#define TESTS_UNIT_NBD_TRANSMISSION_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/lib/nbd_peer.h"

enum { DISK = 1 << 20 };

static inline int setup(void **state)
{
    struct nbd_peer *peer = malloc(sizeof *peer);

    nbd_peer_open(peer, DISK);
    nbd_peer_go(peer, false);
    *state = peer;
    return 0;
}

static inline int setup_structured(void **state)
{
    struct nbd_peer *peer = malloc(sizeof *peer);

    nbd_peer_open(peer, DISK);
    nbd_peer_go(peer, true);
    *state = peer;
    return 0;
}

static inline int teardown(void **state)
{
    nbd_peer_close(*state);
    free(*state);
    return 0;
}

static inline void again(struct nbd_peer *peer, bool structured)
{
    nbd_peer_disconnect(peer);
    nbd_peer_forget(peer);
    nbd_peer_connect(peer);
    nbd_peer_go(peer, structured);
}

#endif
