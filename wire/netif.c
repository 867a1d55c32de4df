/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Interface name to index, MTU, address and state: by ioctl on Linux, by
 * getifaddrs where interfaces have AF_LINK addresses (the BSDs, macOS).
 */
#include "wire/netif.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <net/if_arp.h>
#include <netpacket/packet.h>
#else
#include <net/if_dl.h>
#include <net/if_types.h>
#endif

#include "base/fd.h"
#include "wire/link.h"

/* Not only enabled: it has a carrier. */
static bool flags_up(unsigned flags)
{
    return (flags & IFF_UP) && (flags & IFF_RUNNING);
}

#ifdef __linux__

/* Reads one property of the interface named in `r`. */
static int ask(int fd, unsigned long request, struct ifreq *r)
{
    return ioctl(fd, request, r) < 0 ? -errno : 0;
}

static int read_by(int fd, struct ifreq *r, struct netif *out)
{
    int e = ask(fd, SIOCGIFINDEX, r);

    if (e)
        return e;
    out->index = r->ifr_ifindex;
    if ((e = ask(fd, SIOCGIFMTU, r)))
        return e;
    out->mtu = r->ifr_mtu > 0 ? (unsigned)r->ifr_mtu : 0;
    if ((e = ask(fd, SIOCGIFHWADDR, r)))
        return e;
    out->ethernet = r->ifr_hwaddr.sa_family == ARPHRD_ETHER ||
                    r->ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
    memcpy(out->mac.b, r->ifr_hwaddr.sa_data, AOE_MAC);
    if ((e = ask(fd, SIOCGIFFLAGS, r)))
        return e;
    out->up = flags_up((unsigned short)r->ifr_flags);
    return 0;
}

int netif_read(const char *name, struct netif *out)
{
    struct ifreq r = {0};
    int fd, e;

    memset(out, 0, sizeof(*out));
    if (name[0] == 0 || strlen(name) >= sizeof(r.ifr_name))
        return -ENODEV;
    strcpy(r.ifr_name, name);
    /* Any socket will do; this kind exists in every kernel. */
    fd = fd_socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0)
        return -errno;
    e = read_by(fd, &r, out);
    close(fd);
    return e;
}

static bool is_candidate(const struct ifaddrs *a)
{
    const struct sockaddr_ll *ll = (const void *)a->ifa_addr;

    return a->ifa_addr->sa_family == AF_PACKET &&
           ll->sll_hatype == ARPHRD_ETHER;
}

#else

static bool is_candidate(const struct ifaddrs *a)
{
    const struct sockaddr_dl *dl = (const void *)a->ifa_addr;

    return a->ifa_addr->sa_family == AF_LINK && dl->sdl_type == IFT_ETHER;
}

static int read_mtu(const char *name, unsigned *mtu)
{
    struct ifreq r = {0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int e = 0;

    if (fd < 0)
        return -errno;
    strcpy(r.ifr_name, name);
    if (ioctl(fd, SIOCGIFMTU, &r) < 0)
        e = -errno;
    else
        *mtu = r.ifr_mtu > 0 ? (unsigned)r.ifr_mtu : 0;
    close(fd);
    return e;
}

int netif_read(const char *name, struct netif *out)
{
    struct ifaddrs *all;
    int e = -ENODEV;

    memset(out, 0, sizeof(*out));
    if (name[0] == 0 || strlen(name) >= IFNAMSIZ)
        return -ENODEV;
    if (getifaddrs(&all) < 0)
        return -errno;
    for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
        const struct sockaddr_dl *dl = (const void *)a->ifa_addr;

        if (!dl || dl->sdl_family != AF_LINK || strcmp(a->ifa_name, name))
            continue;
        out->index = dl->sdl_index;
        out->ethernet = dl->sdl_alen == AOE_MAC;
        if (out->ethernet)
            memcpy(out->mac.b, LLADDR(dl), AOE_MAC);
        out->up = flags_up(a->ifa_flags);
        e = read_mtu(name, &out->mtu);
        break;
    }
    freeifaddrs(all);
    return e;
}

#endif

int netif_name(int index, char *name)
{
    char found[IF_NAMESIZE];

    if (index <= 0 || !if_indextoname((unsigned)index, found))
        return -ENODEV;
    strcpy(name, found);
    return 0;
}

void link_candidates(void (*each)(void *arg, const char *ifname), void *arg)
{
    struct ifaddrs *all;

    if (getifaddrs(&all) < 0)
        return;
    for (const struct ifaddrs *a = all; a; a = a->ifa_next)
        if (a->ifa_addr && is_candidate(a) && flags_up(a->ifa_flags))
            each(arg, a->ifa_name);
    freeifaddrs(all);
}
