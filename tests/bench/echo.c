/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How long a frame and its answer take between two packet sockets when nothing
 * is done in between: the least that any initiator and target can take on the
 * same wire.  One end answers with -0, the other asks.
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
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    ETHERTYPE_ECHO = 0x88b5, /* IEEE 802 local experimental */
    LEAST = 60,
    FRAME_MAX = 9216,
    TIMES_MAX = 1 << 20,
    AT_SIZE = 14, /* in a request: how long the answer is to be */
};

static const char usage[] = "usage: echo -0 INTERFACE\n"
                            "       echo [-t SECONDS] [-a BYTES] INTERFACE\n"
                            "  -0   answer each frame\n"
                            "  -t   ask for this long (1)\n"
                            "  -a   length of an answer (60)\n";

static int fd;
static uint8_t mac[6], in[FRAME_MAX], out[FRAME_MAX];

static void die(const char *what)
{
    fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void open_socket(const char *interface)
{
    struct ifreq ifr = {0};
    struct sockaddr_ll ll = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETHERTYPE_ECHO)};
    struct timeval wait = {.tv_usec = 100000};

    fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0)
        die("raw socket");
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", interface);
    if (ioctl(fd, SIOCGIFHWADDR, &ifr))
        die(interface);
    memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
    ll.sll_ifindex = (int)if_nametoindex(interface);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (bind(fd, (struct sockaddr *)&ll, sizeof ll))
        die(interface);
}

/* The next frame that came from elsewhere; 0 when none did within 100 ms. */
static size_t receive(void)
{
    struct sockaddr_ll from;
    socklen_t len = sizeof from;
    ssize_t n;

    do {
        n = recvfrom(fd, in, sizeof in, 0, (struct sockaddr *)&from, &len);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            die("receiving");
    } while (n > 0 && from.sll_pkttype == PACKET_OUTGOING);
    return n < LEAST ? 0 : (size_t)n;
}

static void transmit(const uint8_t to[6], size_t size)
{
    memcpy(out, to, 6);
    memcpy(out + 6, mac, 6);
    out[12] = ETHERTYPE_ECHO >> 8;
    out[13] = ETHERTYPE_ECHO & 0xff;
    if (send(fd, out, size, 0) < 0)
        die("sending");
}

static void answer_all(void)
{
    for (;;)
        if (receive()) {
            size_t size = (size_t)in[AT_SIZE] << 8 | in[AT_SIZE + 1];

            transmit(in + 6, size < LEAST || size > FRAME_MAX ? LEAST : size);
        }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void ask(double seconds, unsigned size)
{
    static const uint8_t everyone[6] = {255, 255, 255, 255, 255, 255};
    static double times[TIMES_MAX];
    uint8_t peer[6];
    unsigned count = 0;
    double end;

    out[AT_SIZE] = (uint8_t)(size >> 8);
    out[AT_SIZE + 1] = (uint8_t)size;
    transmit(everyone, LEAST);
    if (!receive()) {
        fprintf(stderr, "echo: no answer\n");
        exit(1);
    }
    memcpy(peer, in + 6, 6);
    end = now_us() + seconds * 1e6;
    while (count < TIMES_MAX) {
        double begun = now_us(), t;
        bool answered;

        if (begun > end)
            break;
        transmit(peer, LEAST);
        answered = receive() == size;
        t = now_us();
        if (answered)
            times[count++] = t - begun;
    }
    if (!count)
        die("no answer of that size");
    qsort(times, count, sizeof times[0], by_size);
    printf("count %u median %.2f us\n", count, times[count / 2]);
}

int main(int argc, char **argv)
{
    bool server = false;
    double seconds = 1;
    int size = LEAST, c;

    while ((c = getopt(argc, argv, "0t:a:")) != -1)
        switch (c) {
        case '0':
            server = true;
            break;
        case 't':
            seconds = atof(optarg);
            break;
        case 'a':
            size = atoi(optarg);
            break;
        default:
            fputs(usage, stderr);
            return 2;
        }
    if (argc - optind != 1 || size < LEAST || size > FRAME_MAX) {
        fputs(usage, stderr);
        return 2;
    }
    open_socket(argv[optind]);
    if (server)
        answer_all();
    ask(seconds, (unsigned)size);
    return 0;
}
