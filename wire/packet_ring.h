/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The receive ring of a packet socket (packet(7), TPACKET_V2): the kernel puts
 * frames into memory that it shares with us, so that receiving needs no system
 * call.  Linux only.
 */
#ifndef WIRE_PACKET_RING_H
#define WIRE_PACKET_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet_ring {
    uint8_t *at; /* NULL: there is none */
    size_t size;
    unsigned slots, next; /* how many, and the one that is filled next */
    uint32_t slot;        /* bytes of each */
    uint32_t capacity;    /* bytes of a frame that fit */
};

/* A frame in the ring; it stays there until packet_ring_release. */
struct packet_ring_frame {
    const uint8_t *data;
    uint32_t len;      /* bytes that are there */
    uint32_t wire_len; /* bytes that came: more, if the slot was too small */
    uint64_t stamp_ns; /* when, on the realtime clock */
};

/* Gives the unbound or bound socket `fd` a ring of about `frames` frames of
 * `capacity` bytes.  0 or -errno: the kernel has none for us, use its queue. */
int packet_ring_open(struct packet_ring *r, int fd, uint32_t capacity,
                     unsigned frames);
/* Takes it away; what it holds is lost, and the socket then queues as others
 * do.  -EBUSY: another process has it mapped, a child that was forked since
 * (the kernel then takes no ring away and gives no other): it stays as it was.
 * Otherwise 0. */
int packet_ring_close(struct packet_ring *r, int fd);
/* The same for a socket that is closed next. */
void packet_ring_unmap(struct packet_ring *r);

/* The oldest frame.  False: there is none. */
bool packet_ring_peek(const struct packet_ring *r, struct packet_ring_frame *f);
/* Gives that frame's place back to the kernel. */
void packet_ring_release(struct packet_ring *r);

#endif
