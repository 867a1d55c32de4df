/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chooses a backend, and counts every link's frames.
 */
#include "wire/link.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "wire/link_backend.h"

enum {
    QUEUE_BYTES_MAX = 1 << 30, /* kernels count them in an int, doubled */
};

/* NULL: this build has none of that name. */
#ifdef __linux__
#define OPEN_PACKET link_packet_open
#else
#define OPEN_PACKET NULL
#endif
#ifdef HAVE_PCAP
#define OPEN_PCAP link_pcap_open
#else
#define OPEN_PCAP NULL
#endif

/* The best first. */
static const struct backend {
    const char *name;
    int (*open)(struct link **out, const char *ifname,
                const struct link_options *o);
} backends[] = {
    {"packet", OPEN_PACKET},
    {"socket", OPEN_PACKET},
    {"pcap", OPEN_PCAP},
};

enum { BACKENDS = sizeof backends / sizeof *backends };

/* NULL: there is no backend of that name, in no build. */
static const struct backend *choose(const char *name)
{
    for (size_t i = 0; i < BACKENDS; i++)
        if (name ? strcmp(name, backends[i].name) == 0 : !!backends[i].open)
            return &backends[i];
    return name ? NULL : &backends[0];
}

int link_open(struct link **out, const char *ifname,
              const struct link_options *o)
{
    const struct backend *b = choose(o->backend);

    if (!b || o->align & (o->align - 1) || o->align_at % AOE_FRAME_ALIGN ||
        o->socket_bytes > QUEUE_BYTES_MAX)
        return -EINVAL;
    return b->open ? b->open(out, ifname, o) : -ENOTSUP;
}

void link_close(struct link *l)
{
    if (l)
        l->ops->close(l);
}

int link_recv(struct link *l, struct link_frame **frames, int max)
{
    int n = l->ops->recv(l, frames, max < LINK_BATCH ? max : LINK_BATCH);

    for (int i = 0; i < n; i++)
        l->rx_bytes += frames[i]->len;
    if (n > 0)
        l->rx_frames += (unsigned)n;
    return n;
}

int link_send(struct link *l, const struct link_out *out, int count)
{
    int sent = 0;

    while (sent < count) {
        int batch = count - sent < LINK_BATCH ? count - sent : LINK_BATCH;
        int n = l->ops->send(l, out + sent, batch);

        sent += n;
        if (n < batch)
            break;
    }
    return sent;
}

int link_set_filter(struct link *l, const struct link_filter *f)
{
    return l->ops->filter(l, f);
}

int link_refresh(struct link *l)
{
    return l->ops->refresh(l);
}
