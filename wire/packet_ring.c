/* SPDX-License-Identifier: BSD-2-Clause
 *
 * wire/packet_ring.h.  Slots lie in blocks of contiguous memory; none spans two
 * blocks.
 */
#ifdef __linux__

#include "wire/packet_ring.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/shared.h"

enum {
    /* A multiple of every page size, and no more than the kernel of a small
     * machine can find in one piece. */
    BLOCK = 1 << 16,
    LINK_HEADER = 16, /* the kernel reserves at least this much for it */
    /* The kernel aligns what follows Ethernet's header of 14 bytes.  With these
     * before it the frame begins at a word, and an ARMv7 copies it there for
     * less than half the instructions. */
    SHIFT = 2,
};

static struct tpacket2_hdr *oldest(const struct packet_ring *r)
{
    /* Blocks and slots are aligned for it. */
    return (struct tpacket2_hdr *)(void *)(r->at + r->next);
}

/* Where the slot behind this one begins; without a division, which small
 * processors do not have. */
static size_t behind(const struct packet_ring *r, size_t at)
{
    size_t next = at + r->slot, last = next + r->slot - 1;

    if (next / BLOCK != last / BLOCK)
        next = last / BLOCK * BLOCK;
    return next < r->size ? next : 0;
}

static int ask_for_ring(int fd, unsigned blocks, uint32_t slot)
{
    struct tpacket_req q = {0}; /* no ring */

    if (blocks > 0)
        q = (struct tpacket_req){
            .tp_block_size = BLOCK,
            .tp_block_nr = blocks,
            .tp_frame_size = slot,
            .tp_frame_nr = blocks * (BLOCK / slot),
        };
    return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof q) ? -errno
                                                                    : 0;
}

static int map(struct packet_ring *r, int fd)
{
    void *at = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return -errno;
    r->at = at;
    return 0;
}

int packet_ring_open(struct packet_ring *r, int fd, uint32_t capacity,
                     unsigned frames)
{
    uint32_t slot =
        TPACKET_ALIGN(TPACKET2_HDRLEN + LINK_HEADER + SHIFT + capacity);
    int version = TPACKET_V2, shift = SHIFT, err;
    unsigned per_block, blocks;

    *r = (struct packet_ring){.at = NULL};
    if (slot > BLOCK)
        return -EMSGSIZE;
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version))
        return -errno;
    /* Since Linux 2.6.27; without it the ring serves as well. */
    setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &shift, sizeof shift);
    per_block = BLOCK / slot;
    blocks = (frames + per_block - 1) / per_block;
    err = ask_for_ring(fd, blocks, slot);
    if (err)
        return err;
    r->size = (size_t)blocks * BLOCK;
    err = map(r, fd);
    if (err) {
        ask_for_ring(fd, 0, 0);
        return err;
    }
    r->slot = slot;
    r->capacity = capacity;
    return 0;
}

void packet_ring_unmap(struct packet_ring *r)
{
    if (r->at)
        munmap(r->at, r->size);
    *r = (struct packet_ring){.at = NULL};
}

int packet_ring_close(struct packet_ring *r, int fd)
{
    if (!r->at)
        return 0;
    munmap(r->at, r->size);
    if (ask_for_ring(fd, 0, 0) && map(r, fd) == 0)
        return -EBUSY;
    *r = (struct packet_ring){.at = NULL};
    return 0;
}

bool packet_ring_peek(const struct packet_ring *r, struct packet_ring_frame *f)
{
    const struct tpacket2_hdr *h = oldest(r);

    /* What the kernel wrote before it set the status is visible after it. */
    if (!(shared_load(&h->tp_status) & TP_STATUS_USER))
        return false;
    f->data = (const uint8_t *)h + h->tp_mac;
    f->len = h->tp_snaplen;
    f->wire_len = h->tp_len;
    f->stamp_ns = (uint64_t)h->tp_sec * NS_PER_S + h->tp_nsec;
    return true;
}

void packet_ring_release(struct packet_ring *r)
{
    struct tpacket2_hdr *h = oldest(r);

    shared_store(&h->tp_status, TP_STATUS_KERNEL);
    r->next = behind(r, r->next);
}

#endif
