/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A load for AoE targets: keeps a window of ATA requests outstanding for some
 * seconds and prints what came back.  It shares no code with the programs it
 * measures, and with -0 it is a target itself that answers everything without
 * a disk: what it reaches against that is the most it can measure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum {
    ETHERTYPE_AOE = 0x88a2,
    HEADER = 36, /* Ethernet, AoE and ATA headers */
    LEAST = 60,  /* what a frame has at least */
    FRAME_MAX = 9216,
    WINDOW_MAX = 1024,
    GROUP = 8, /* frames a system call; more would take turns with the target */
    RESEND_MS = 200,
};

static const char usage[] =
    "usage: load [-W] [-r] [-n SECTORS] [-w WINDOW] [-t SECONDS] [-c "
    "REQUESTS]\n"
    "            [-l SECTORS] SHELF SLOT INTERFACE\n"
    "       load -q DISKS INTERFACE\n"
    "       load -0 INTERFACE\n"
    "  -W   write instead of read\n"
    "  -r   at random offsets, not in order\n"
    "  -n   sectors per frame (2)\n"
    "  -w   frames outstanding (16); 0: as many as the target advertises\n"
    "  -t   how long to run (5)\n"
    "  -c   ends after so many responses, if that is earlier\n"
    "  -l   how many sectors of the disk to use (2048)\n"
    "  -q   the time until this many disks have answered a discovery\n"
    "  -0   answer all requests at once, as a target without a disk\n";

static struct {
    bool write, random, null;
    unsigned sectors, window, discover;
    double seconds;
    uint64_t requests; /* at most */
    uint64_t disk;
    unsigned shelf, slot;
    const char *interface;
} opt = {.sectors = 2,
         .window = 16,
         .seconds = 5,
         .requests = UINT64_MAX,
         .disk = 2048};

static int fd;
static uint8_t mac[6], peer[6];
static uint8_t data[FRAME_MAX]; /* what is written */

/* A place in the window.  Its tag tells an answer from a late one. */
static struct slot {
    uint8_t frame[LEAST];
    uint32_t tag;
    double sent;
} slots[WINDOW_MAX];

static uint8_t in[GROUP][FRAME_MAX];
static struct iovec in_iov[GROUP], out_iov[GROUP][2];
static struct mmsghdr in_msg[GROUP], out_msg[GROUP];
static unsigned queued; /* of out_msg */

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t random64(void)
{
    static uint64_t x = 88172645463325252u;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static void open_socket(void)
{
    struct ifreq ifr = {0};
    struct sockaddr_ll ll = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETHERTYPE_AOE)};
    struct timeval wait = {.tv_usec = 20000};
    int one = 1, bytes = 8 << 20;

    fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0)
        die("raw socket");
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", opt.interface);
    if (ioctl(fd, SIOCGIFHWADDR, &ifr))
        die(opt.interface);
    memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
    ll.sll_ifindex = (int)if_nametoindex(opt.interface);
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (bind(fd, (struct sockaddr *)&ll, sizeof ll))
        die(opt.interface);
    for (int i = 0; i < GROUP; i++) {
        in_iov[i] = (struct iovec){in[i], FRAME_MAX};
        in_msg[i].msg_hdr.msg_iov = &in_iov[i];
        in_msg[i].msg_hdr.msg_iovlen = 1;
        out_msg[i].msg_hdr.msg_iov = out_iov[i];
    }
}

/* Waits for one frame, at most 20 ms, and takes more if they are there. */
static int receive(void)
{
    int n = recvmmsg(fd, in_msg, GROUP, MSG_WAITFORONE, NULL);

    if (n < 0 && errno != EAGAIN && errno != EINTR)
        die("receiving");
    return n < 0 ? 0 : n;
}

static void flush(void)
{
    for (unsigned sent = 0; sent < queued;) {
        int n = sendmmsg(fd, out_msg + sent, queued - sent, 0);

        if (n < 0 && errno != EINTR && errno != ENOBUFS)
            die("sending");
        if (n > 0)
            sent += (unsigned)n;
    }
    queued = 0;
}

static void put(void *head, size_t head_len, void *tail, size_t tail_len)
{
    out_iov[queued][0] = (struct iovec){head, head_len};
    out_iov[queued][1] = (struct iovec){tail, tail_len};
    out_msg[queued].msg_hdr.msg_iovlen = tail_len ? 2 : 1;
    if (++queued == GROUP)
        flush();
}

/* ---- a target without a disk ----------------------------------------------
 */

static void answer(uint8_t *f)
{
    bool reads = f[19] == 0 && f[26] > 0 && !(f[24] & 1);

    memcpy(f, f + 6, 6);
    memcpy(f + 6, mac, 6);
    f[14] |= 0x08;
    f[27] = 0x40;
    put(f, LEAST, data, reads ? f[26] * 512u - (LEAST - HEADER) : 0);
}

static void answer_all(void)
{
    for (;;) {
        int n = receive();

        for (int i = 0; i < n; i++)
            if (in_msg[i].msg_len >= LEAST && !(in[i][14] & 0x08))
                answer(in[i]);
        flush();
    }
}

/* ---- the load -------------------------------------------------------------
 */

static void begin(uint8_t *f, const uint8_t *to, unsigned shelf, unsigned slot,
                  unsigned command, uint32_t tag)
{
    memset(f, 0, LEAST);
    memcpy(f, to, 6);
    memcpy(f + 6, mac, 6);
    f[12] = ETHERTYPE_AOE >> 8;
    f[13] = ETHERTYPE_AOE & 0xff;
    f[14] = 0x10;
    f[16] = (uint8_t)(shelf >> 8);
    f[17] = (uint8_t)shelf;
    f[18] = (uint8_t)slot;
    f[19] = (uint8_t)command;
    for (int i = 0; i < 4; i++)
        f[20 + i] = (uint8_t)(tag >> (24 - 8 * i));
}

static uint32_t tag_of(const uint8_t *f)
{
    return (uint32_t)f[20] << 24 | (uint32_t)f[21] << 16 |
           (uint32_t)f[22] << 8 | f[23];
}

static void send_slot(struct slot *s)
{
    s->sent = now();
    if (opt.write)
        put(s->frame, HEADER, data, opt.sectors * 512u);
    else
        put(s->frame, LEAST, NULL, 0);
}

static void next_request(struct slot *s)
{
    static uint64_t place;
    uint64_t places = opt.disk / opt.sectors;
    uint64_t lba = (opt.random ? random64() : place++) % places * opt.sectors;

    s->tag += WINDOW_MAX;
    begin(s->frame, peer, opt.shelf, opt.slot, 0, s->tag);
    s->frame[24] = opt.write ? 0x41 : 0x40;
    s->frame[26] = (uint8_t)opt.sectors;
    s->frame[27] = opt.write ? 0x34 : 0x24;
    for (int i = 0; i < 6; i++)
        s->frame[28 + i] = (uint8_t)(lba >> (8 * i));
    send_slot(s);
}

/* The slot whose request this answers, NULL if it is none. */
static struct slot *answered(const uint8_t *f, unsigned len)
{
    struct slot *s = &slots[tag_of(f) % WINDOW_MAX];

    if (len < HEADER || !(f[14] & 0x08) || f[19] != 0 || s->tag != tag_of(f) ||
        s >= slots + opt.window)
        return NULL;
    if (f[14] & 0x04 || f[27] & 1 ||
        (!opt.write && len < HEADER + opt.sectors * 512)) {
        fprintf(stderr, "load: the target answered with an error\n");
        exit(1);
    }
    return s;
}

static unsigned resend(double t)
{
    unsigned n = 0;

    for (unsigned i = 0; i < opt.window; i++)
        if (t - slots[i].sent > RESEND_MS / 1e3) {
            send_slot(&slots[i]);
            n++;
        }
    flush();
    return n;
}

/* Asks who is there until `want` disks have answered.  The last answer's frame
 * is in in[0]. */
static double discover(unsigned shelf, unsigned slot, unsigned want)
{
    static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static uint8_t seen[1 << 21]; /* a bit for each shelf and slot */
    uint8_t frame[LEAST];
    unsigned count = 0;
    double start = now(), asked = 0;

    while (count < want && now() - start < 20) {
        int n;

        if (now() - asked > 1) {
            begin(frame, everyone, shelf, slot, 1, 0x80000001);
            put(frame, LEAST, NULL, 0);
            flush();
            asked = now();
        }
        n = receive();
        for (int i = 0; i < n && count < want; i++) {
            unsigned at = (unsigned)in[i][16] << 16 | (unsigned)in[i][17] << 8 |
                          in[i][18];

            if (!(in[i][14] & 0x08) || in[i][19] != 1 ||
                tag_of(in[i]) != 0x80000001 || seen[at / 8] & 1 << at % 8)
                continue;
            seen[at / 8] |= (uint8_t)(1 << at % 8);
            count++;
            memcpy(in[0], in[i], LEAST);
        }
    }
    if (count < want) {
        fprintf(stderr, "load: %u of %u disks answered\n", count, want);
        exit(1);
    }
    return now() - start;
}

static void find_target(void)
{
    discover(opt.shelf, opt.slot, 1);
    memcpy(peer, in[0] + 6, 6);
    if (opt.window == 0)
        opt.window = (unsigned)in[0][24] << 8 | in[0][25];
    if (opt.window > WINDOW_MAX)
        opt.window = WINDOW_MAX;
}

static double cpu_seconds(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void run(void)
{
    double start, t, scan;
    uint64_t done = 0, resent = 0;
    uint32_t first = (uint32_t)(uint64_t)(now() * 1e6) * WINDOW_MAX;

    /* Tags go on from wherever the clock is, so that the next run's are not
     * taken for this one's. */
    for (unsigned i = 0; i < opt.window; i++) {
        slots[i].tag = first + i;
        next_request(&slots[i]);
    }
    flush();
    start = t = scan = now();
    while (t - start < opt.seconds && done < opt.requests) {
        int n = receive();

        for (int i = 0; i < n; i++) {
            struct slot *s = answered(in[i], in_msg[i].msg_len);

            if (s) {
                done++;
                next_request(s);
            }
        }
        flush();
        t = now();
        if (t - scan > 0.05) {
            resent += resend(t);
            scan = t;
        }
    }
    printf("ops %.0f MB/s %.2f resent %llu cpu %.2f window %u requests %llu\n",
           (double)done / (t - start),
           (double)done * opt.sectors * 512 / 1e6 / (t - start),
           (unsigned long long)resent, cpu_seconds() / (t - start), opt.window,
           (unsigned long long)done);
}

int main(int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "Wr0n:w:t:c:l:q:")) != -1)
        switch (c) {
        case 'W':
            opt.write = true;
            break;
        case 'r':
            opt.random = true;
            break;
        case '0':
            opt.null = true;
            break;
        case 'n':
            opt.sectors = (unsigned)atoi(optarg);
            break;
        case 'w':
            opt.window = (unsigned)atoi(optarg);
            break;
        case 't':
            opt.seconds = atof(optarg);
            break;
        case 'c':
            opt.requests = strtoull(optarg, NULL, 10);
            break;
        case 'l':
            opt.disk = strtoull(optarg, NULL, 10);
            break;
        case 'q':
            opt.discover = (unsigned)atoi(optarg);
            break;
        default:
            fputs(usage, stderr);
            return 2;
        }
    if (argc - optind != (opt.null || opt.discover ? 1 : 3) ||
        opt.sectors < 1 || opt.sectors > 17 || opt.window > WINDOW_MAX ||
        opt.disk < opt.sectors) {
        fputs(usage, stderr);
        return 2;
    }
    opt.interface = argv[argc - 1];
    open_socket();
    if (opt.null)
        answer_all();
    if (opt.discover) {
        printf("seconds %.3f\n", discover(0xffff, 0xff, opt.discover));
        return 0;
    }
    opt.shelf = (unsigned)atoi(argv[optind]);
    opt.slot = (unsigned)atoi(argv[optind + 1]);
    find_target();
    run();
    return 0;
}
