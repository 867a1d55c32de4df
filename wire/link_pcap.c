/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The link over libpcap, for systems without AF_PACKET.  It
 * copies each frame once more than the packet link does.
 *
 * A pcap handle is bound to an interface and to a frame size for life, so a
 * larger MTU or an interface created anew needs a new handle.  The user polls a
 * duplicate of the handle's descriptor, which changes with the handle.
 */
#ifdef HAVE_PCAP

#include <errno.h>
#include <fcntl.h>
#include <pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/filter.h"
#include "wire/link_backend.h"
#include "wire/netif.h"

_Static_assert(sizeof(struct filter_insn) == sizeof(struct bpf_insn),
               "libpcap's instruction");

enum { READ_TIMEOUT_MS = 1 }; /* matters only where immediate mode fails */

struct pcap_link {
    struct link link;
    pcap_t *handle;   /* NULL while the interface cannot be opened */
    int index;        /* of the interface the handle is bound to */
    unsigned snaplen; /* of the handle */
    bool reported;    /* `link.up` as link_refresh last told it */
    unsigned dropped; /* what rx_drops has of the handle's own count */
    struct link_filter filter;
    unsigned socket_bytes;
    uint8_t *out; /* an outgoing frame in one piece, `out_capacity` bytes */
    size_t out_capacity;
    /* Where pcap_dispatch's callback puts frames. */
    struct link_frame **frames;
    int count;
};

static struct pcap_link *pcap_of(struct link *l)
{
    return list_entry(l, struct pcap_link, link);
}

/* ---- the handle ---------------------------------------------------------- */

static int open_error(int status)
{
    switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return -ENODEV;
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        return -EPERM;
    case PCAP_ERROR_IFACE_NOT_UP:
        return -ENETDOWN;
    default:
        return -EIO;
    }
}

static int configure(const struct pcap_link *p, pcap_t *h, unsigned snaplen)
{
    int e;

    pcap_set_snaplen(h, (int)snaplen);
    pcap_set_promisc(h, 0);
    pcap_set_immediate_mode(h, 1);
    pcap_set_timeout(h, READ_TIMEOUT_MS);
    if (p->socket_bytes)
        pcap_set_buffer_size(h, (int)p->socket_bytes);
#ifdef __linux__
    /* Otherwise every frame on the interface would be examined. */
    pcap_set_protocol_linux(h, AOE_ETHERTYPE);
#endif
    e = pcap_activate(h);
    return e < 0 ? open_error(e) : 0;
}

static int set_filter(const struct pcap_link *p, pcap_t *h)
{
    struct filter_program filter;
    struct bpf_program program;

    filter_compile(&p->filter, false, &filter);
    program.bf_len = filter.count;
    program.bf_insns = (void *)filter.insn;
    if (pcap_setfilter(h, &program))
        return -EIO;
#ifdef __linux__
    /* libpcap runs the first filter itself on the first frames, so that one
     * cannot have tests that only the kernel supports: replace it there. */
    return filter_attach(pcap_fileno(h), &p->filter);
#else
    return 0;
#endif
}

static int prepare(const struct pcap_link *p, pcap_t *h)
{
    char text[PCAP_ERRBUF_SIZE];
    int e;

    if (pcap_datalink(h) != DLT_EN10MB)
        return -ENOTSUP;
    e = set_filter(p, h);
    if (e)
        return e;
    if (pcap_setnonblock(h, 1, text))
        return -EIO;
    /* Where the system cannot tell directions, the filter still keeps our own
     * frames out: they are not of the kind that this end receives. */
    pcap_setdirection(h, PCAP_D_IN);
    return 0;
}

static int handle_open(const struct pcap_link *p, unsigned snaplen,
                       pcap_t **out)
{
    char text[PCAP_ERRBUF_SIZE];
    pcap_t *h = pcap_create(p->link.name_now, text);
    int e;

    if (!h)
        return -ENOMEM;
    e = configure(p, h, snaplen);
    if (e == 0)
        e = prepare(p, h);
    if (e) {
        pcap_close(h);
        return e;
    }
    *out = h;
    return 0;
}

/* Gives the user a duplicate of `fd` to poll.  Its number is new, so that a
 * user who has the old one in an epoll set notices the change. */
static int publish(struct link *l, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy < 0)
        return -errno;
    close(l->fd);
    l->fd = copy;
    return 0;
}

/* A descriptor that is never readable, to poll while there is no handle. */
static int idle_fd(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (fd < 0)
        return -errno;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static void handle_drop(struct pcap_link *p)
{
    if (p->handle)
        pcap_close(p->handle);
    p->handle = NULL;
    p->dropped = 0;
}

/* After an error the handle's descriptor might poll readable for ever. */
static void handle_fail(struct pcap_link *p)
{
    int idle = idle_fd();

    if (idle >= 0) {
        publish(&p->link, idle);
        close(idle);
    }
    handle_drop(p);
    p->link.up = false;
}

/* Opens a handle for the interface as `n` shows it, in place of the old one, if
 * any. */
static int attach(struct pcap_link *p, const struct netif *n)
{
    unsigned snaplen = link_capacity(n->mtu);
    pcap_t *h;
    int e = handle_open(p, snaplen, &h);

    if (e)
        return e;
    e = publish(&p->link, pcap_get_selectable_fd(h));
    if (e) {
        pcap_close(h);
        return e;
    }
    handle_drop(p);
    p->handle = h;
    p->index = n->index;
    p->snaplen = snaplen;
    return 0;
}

/* ---- receiving ----------------------------------------------------------- */

static void received(u_char *arg, const struct pcap_pkthdr *h,
                     const u_char *bytes)
{
    struct pcap_link *p = (void *)arg;
    struct link *l = &p->link;
    struct link_frame *f;
    struct aoe_mac dst;

    if (h->caplen < AOE_ETHER_HEADER)
        return;
    /* Somebody else may have made the interface promiscuous. */
    memcpy(dst.b, bytes, AOE_MAC);
    if (!aoe_mac_group(&dst) && !aoe_mac_equal(&dst, &l->mac))
        return;
    f = link_take(l);
    if (!f || h->caplen < h->len || h->caplen > f->capacity) {
        l->rx_drops++;
        if (f)
            link_release(l, f);
        return;
    }
    memcpy(f->data, bytes, h->caplen);
    f->len = h->caplen;
    f->age_ns =
        (uint64_t)h->ts.tv_sec * NS_PER_S + (uint64_t)h->ts.tv_usec * NS_PER_US;
    p->frames[p->count++] = f;
}

static int pcap_link_recv(struct link *l, struct link_frame **frames, int max)
{
    struct pcap_link *p = pcap_of(l);
    int n, asked;

    if ((unsigned)max > l->free_count)
        max = (int)l->free_count;
    if (max == 0)
        return 0;
    if (!p->handle)
        return -ENETDOWN;
    p->frames = frames;
    p->count = 0;
    /* Again if some were not for us: poll does not report what libpcap has read
     * ahead. */
    do {
        asked = max - p->count;
        n = pcap_dispatch(p->handle, asked, received, (u_char *)p);
    } while (n == asked && p->count < max);
    link_ages(frames, p->count);
    if (p->count > 0)
        return p->count;
    /* libpcap has no code for "down": any error may be that. */
    if (n == PCAP_ERROR)
        handle_fail(p);
    return l->up ? 0 : -ENETDOWN;
}

/* ---- sending ------------------------------------------------------------- */

/* The frame's length, 0 when it is longer than any the interface carries. */
static size_t gather(struct pcap_link *p, const struct link_out *out)
{
    size_t len = 0;

    for (int i = 0; i < out->iovcnt; i++) {
        const struct iovec *v = &out->iov[i];

        if (v->iov_len > p->out_capacity - len)
            return 0;
        memcpy(p->out + len, v->iov_base, v->iov_len);
        len += v->iov_len;
    }
    return len;
}

static int pcap_link_send(struct link *l, const struct link_out *out, int count)
{
    struct pcap_link *p = pcap_of(l);
    int taken = 0;

    while (taken < count) {
        size_t len = gather(p, &out[taken]);

        errno = p->handle ? EMSGSIZE : ENETDOWN;
        if (p->handle && len && pcap_inject(p->handle, p->out, len) >= 0) {
            l->tx_frames++;
            l->tx_bytes += len;
            taken++;
            continue;
        }
        if (!link_refused(l, errno, &taken, count))
            break;
    }
    return taken;
}

/* ---- the interface ------------------------------------------------------- */

static void count_drops(struct pcap_link *p)
{
    struct pcap_stat s;

    if (p->handle && pcap_stats(p->handle, &s) == 0) {
        p->link.rx_drops += s.ps_drop - p->dropped;
        p->dropped = s.ps_drop;
    }
}

/* Makes every buffer fit frames of this MTU.  0 or -ENOMEM. */
static int grow(struct pcap_link *p, unsigned mtu)
{
    size_t capacity = link_capacity(mtu);

    if (capacity > p->out_capacity) {
        uint8_t *out = realloc(p->out, capacity);

        if (!out)
            return -ENOMEM;
        p->out = out;
        p->out_capacity = capacity;
    }
    return link_grow(&p->link, (unsigned)capacity);
}

/* Larger frames need a new handle, since the old one would truncate them.  If
 * none can be opened, having dropped privileges by now, the old one stays. */
static int fit_mtu(struct pcap_link *p, const struct netif *n)
{
    int e = grow(p, n->mtu);

    return e == 0 && link_capacity(n->mtu) > p->snaplen ? attach(p, n) : e;
}

static int pcap_link_refresh(struct link *l)
{
    struct pcap_link *p = pcap_of(l);
    struct netif n;
    int changed = 0;
    int e = link_look(l, p->index, &n, &changed);
    bool up = e == 0 && n.ethernet && n.up;
    bool moved;

    count_drops(p);
    /* Want of descriptors, say, tells nothing about the interface. */
    if (e && e != -ENODEV)
        return changed;
    if (!up) {
        changed |= l->up || p->reported ? LINK_CHANGED_STATE : 0;
        l->up = p->reported = false;
        return changed;
    }
    moved = n.index != p->index;
    if (!p->handle || moved)
        up = attach(p, &n) == 0;
    if (up && n.mtu != l->mtu && fit_mtu(p, &n) == 0) {
        l->mtu = n.mtu;
        changed |= LINK_CHANGED_MTU;
    }
    if (!aoe_mac_equal(&n.mac, &l->mac)) {
        l->mac = n.mac;
        changed |= LINK_CHANGED_MAC;
    }
    if (moved || up != l->up || up != p->reported)
        changed |= LINK_CHANGED_STATE;
    l->up = p->reported = up;
    return changed;
}

static void pcap_link_close(struct link *l)
{
    struct pcap_link *p = pcap_of(l);

    handle_drop(p);
    if (l->fd >= 0)
        close(l->fd);
    link_fini(l);
    free(p->out);
    free(p);
}

static int pcap_link_filter(struct link *l, const struct link_filter *f)
{
    struct pcap_link *p = pcap_of(l);
    struct link_filter before = p->filter;
    int e;

    p->filter = *f;
    e = p->handle ? set_filter(p, p->handle) : 0;
    if (e)
        p->filter = before;
    return e;
}

static const struct link_ops pcap_link_ops = {
    .name = "pcap",
    .recv = pcap_link_recv,
    .send = pcap_link_send,
    .refresh = pcap_link_refresh,
    .filter = pcap_link_filter,
    .close = pcap_link_close,
};

int link_pcap_open(struct link **out, const char *ifname,
                   const struct link_options *o)
{
    struct pcap_link *p;
    struct netif n;
    struct link *l;
    int e = link_new(&l, sizeof(*p), &pcap_link_ops, ifname, o, &n);

    if (e)
        return e;
    p = pcap_of(l);
    p->reported = n.up;
    p->filter = o->filter;
    p->socket_bytes = o->socket_bytes;
    e = p->link.fd = idle_fd();
    if (e >= 0)
        e = grow(p, n.mtu);
    /* An interface that is down is attached when link_refresh finds it up. */
    if (e == 0 && n.up)
        e = attach(p, &n);
    if (e) {
        pcap_link_close(&p->link);
        return e;
    }
    *out = &p->link;
    return 0;
}

#endif
