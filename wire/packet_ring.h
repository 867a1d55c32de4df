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
    size_t next;       /* bytes before the slot to read next */
    uint32_t slot;     /* bytes of each */
    uint32_t capacity; /* bytes of a frame that fit */
};

/* A frame in the ring; it stays there until packet_ring_release. */
struct packet_ring_frame {
    const uint8_t *data;
    uint32_t len;      /* bytes in the ring */
    uint32_t wire_len; /* bytes received: more, if the slot was too small */
    uint64_t stamp_ns; /* when, on the realtime clock */
};

/* Gives the unbound or bound socket `fd` a ring of about `frames` frames of
 * `capacity` bytes.  0 or -errno: no ring is to be had, use the socket's
 * queue. */
int packet_ring_open(struct packet_ring *r, int fd, uint32_t capacity,
                     unsigned frames);
/* Removes it; what it holds is lost, and the socket then queues as others do.
 * -EBUSY: another process has it mapped, a child that was forked since; the
 * kernel then neither removes it nor sets up another, and it stays as it was.
 * Otherwise 0. */
int packet_ring_close(struct packet_ring *r, int fd);
/* The same for a socket that is about to be closed. */
void packet_ring_unmap(struct packet_ring *r);

/* The oldest frame.  False: there is none. */
bool packet_ring_peek(const struct packet_ring *r, struct packet_ring_frame *f);
/* Gives that frame's slot back to the kernel. */
void packet_ring_release(struct packet_ring *r);

#endif
