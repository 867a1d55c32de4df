/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bad wire between two network interfaces: it carries every frame from one to
 * the other, but loses, duplicates or delays some, and drops those that are too
 * long.  Lines written into a FIFO control it, for one direction (">" or "<" in
 * front) or for both, with chances in a million:
 *
 *     loss 50000 double 20000 late 50000 hold 1500
 *     > max 1500
 *
 * `hold` is the longest delay of a late frame, and of the second of a double,
 * in microseconds; `max` is in bytes after the Ethernet header, 0 for no limit.
 * It prints each line once it is in effect.  SIGTERM ends it, after a summary.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum { FRAME_MAX = 9216, HEADER = 14, HELD_MAX = 1024, BATCH = 64 };

struct way {
    int from, to; /* sockets */
    unsigned long loss, twice, late, hold, max;
    unsigned long carried, lost, doubled, delayed, swallowed;
};

struct held {
    struct way *way;
    uint64_t due; /* ns */
    size_t len;
    uint8_t frame[FRAME_MAX];
};

static struct way ways[2];
static struct held held[HELD_MAX];
static unsigned held_count;
static uint64_t dice;
static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* splitmix64 */
static uint64_t roll(void)
{
    uint64_t z = dice += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int chance(unsigned long in_a_million)
{
    return roll() % 1000000 < in_a_million;
}

static int attach(const char *interface)
{
    struct sockaddr_ll a = {.sll_family = AF_PACKET,
                            .sll_protocol = htons(ETH_P_ALL),
                            .sll_ifindex = (int)if_nametoindex(interface)};
    int one = 1, bytes = 16 << 20;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

    if (fd < 0 || !a.sll_ifindex ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) ||
        bind(fd, (struct sockaddr *)&a, sizeof a))
        die(interface);
    return fd;
}

static void deliver(struct way *w, const uint8_t *frame, size_t len)
{
    w->carried++;
    if (send(w->to, frame, len, 0) < 0)
        w->lost++; /* like a full queue */
}

static void hold(struct way *w, const uint8_t *frame, size_t len)
{
    struct held *h = &held[held_count];

    if (held_count == HELD_MAX) {
        deliver(w, frame, len);
        return;
    }
    held_count++;
    h->way = w;
    h->due = now() + roll() % (w->hold + 1) * 1000;
    h->len = len;
    memcpy(h->frame, frame, len);
}

static void carry(struct way *w, const uint8_t *frame, size_t len)
{
    if (w->max && len > HEADER + w->max) {
        w->swallowed++;
        return;
    }
    if (chance(w->loss)) {
        w->lost++;
        return;
    }
    if (chance(w->twice)) {
        w->doubled++;
        hold(w, frame, len);
    }
    if (chance(w->late)) {
        w->delayed++;
        hold(w, frame, len);
    } else {
        deliver(w, frame, len);
    }
}

static void receive(struct way *w)
{
    static uint8_t frame[FRAME_MAX];

    for (int i = 0; i < BATCH; i++) {
        ssize_t n = recv(w->from, frame, sizeof frame, 0);

        if (n < 0)
            return;
        carry(w, frame, (size_t)n);
    }
}

/* Delivers what is due; returns ms until the next frame is. */
static int release(void)
{
    uint64_t t = now(), next = UINT64_MAX;

    for (unsigned i = 0; i < held_count;) {
        if (held[i].due <= t) {
            deliver(held[i].way, held[i].frame, held[i].len);
            held[i] = held[--held_count];
            continue;
        }
        if (held[i].due < next)
            next = held[i].due;
        i++;
    }
    return held_count ? (int)((next - t) / 1000000) + 1 : -1;
}

static unsigned long *knob(struct way *w, const char *name)
{
    return !strcmp(name, "loss")     ? &w->loss
           : !strcmp(name, "double") ? &w->twice
           : !strcmp(name, "late")   ? &w->late
           : !strcmp(name, "hold")   ? &w->hold
           : !strcmp(name, "max")    ? &w->max
                                     : NULL;
}

static void obey(FILE *orders)
{
    char line[200], said[200], *word;
    int first = 0, last = 1;

    if (!fgets(line, sizeof line, orders))
        return;
    strcpy(said, line);
    for (word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
        const char *value;

        if (*word == '>' || *word == '<') {
            first = last = *word == '<';
            continue;
        }
        value = strtok(NULL, " \n");
        for (int i = first; i <= last; i++)
            if (value && knob(&ways[i], word))
                *knob(&ways[i], word) = strtoul(value, NULL, 10);
    }
    fputs(said, stdout);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct sigaction on_end = {.sa_handler = end};
    struct pollfd fds[3] = {
        {.events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};
    FILE *orders;

    if (argc != 5) {
        fprintf(stderr, "usage: wire INTERFACE INTERFACE FIFO SEED\n");
        return 2;
    }
    sigaction(SIGTERM, &on_end, NULL);
    fds[0].fd = ways[0].from = ways[1].to = attach(argv[1]);
    fds[1].fd = ways[1].from = ways[0].to = attach(argv[2]);
    dice = strtoull(argv[4], NULL, 0);
    /* Opened for writing, too, the FIFO never reaches end of file; unbuffered,
     * poll and stdio agree on what is left in it. */
    fds[2].fd = open(argv[3], O_RDWR);
    orders = fds[2].fd < 0 ? NULL : fdopen(fds[2].fd, "r+");
    if (!orders)
        die(argv[3]);
    setvbuf(orders, NULL, _IONBF, 0);
    printf("carrying\n");
    fflush(stdout);
    while (!ended) {
        if (poll(fds, 3, release()) < 0 && errno != EINTR)
            die("poll");
        if (fds[2].revents & POLLIN)
            obey(orders);
        receive(&ways[0]);
        receive(&ways[1]);
    }
    for (int i = 0; i < 2; i++)
        printf("%s carried %lu lost %lu doubled %lu late %lu too long %lu\n",
               i ? "<" : ">", ways[i].carried, ways[i].lost, ways[i].doubled,
               ways[i].delayed, ways[i].swallowed);
    return 0;
}
