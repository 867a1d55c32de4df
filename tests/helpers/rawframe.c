/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sends Ethernet frames, given in hexadecimal on standard input, one per line,
 * exactly as they are, and prints the AoE frames that come back.  It shares no
 * code with the programs it tests.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ETHERTYPE_AOE = 0x88a2, FRAME_MAX = 65536, LINE_MAX_CHARS = 1 << 18 };

static const char usage[] =
    "usage: rawframe [-p] [-n COUNT | -u TAG] [-w MS] INTERFACE < FRAMES\n"
    "Each line of FRAMES is one frame in hexadecimal; spaces, colons and what\n"
    "follows a # do not count, and DIGITSxN stands for N times those digits.\n"
    "  -p        fill frames up to 60 bytes with zeroes\n"
    "  -n COUNT  print COUNT answers, exit 1 if fewer came\n"
    "  -u TAG    end with the answer that has this tag (hexadecimal),\n"
    "            exit 1 if it did not come\n"
    "  -w MS     the longest wait for them, 5000 if not said\n";

static void die(const char *what)
{
    fprintf(stderr, "rawframe: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* One word of a line: hex digits, or hex digits "x" a decimal repetition. */
static size_t parse_word(const char *word, unsigned char *out, size_t size)
{
    unsigned char bytes[FRAME_MAX];
    size_t n = 0, used = 0;
    while (isxdigit((unsigned char)word[0]) &&
           isxdigit((unsigned char)word[1]) && n < sizeof(bytes)) {
        unsigned value;
        sscanf(word, "%2x", &value);
        bytes[n++] = (unsigned char)value;
        word += 2;
    }
    long times = *word == 'x' ? strtol(word + 1, NULL, 10) : 1;
    if ((*word != '\0' && *word != 'x') || times < 0) {
        fprintf(stderr, "rawframe: not hexadecimal: %s\n", word);
        exit(2);
    }
    for (; times > 0 && used + n <= size; times--, used += n)
        memcpy(out + used, bytes, n);
    return used;
}

static size_t parse_line(char *line, unsigned char *frame)
{
    size_t length = 0;
    line[strcspn(line, "#\n")] = '\0';
    /* Colons only separate digits: "02:a0" is the same as "02a0". */
    char *to = line;
    for (char *from = line; *from != '\0'; from++)
        if (*from != ':')
            *to++ = *from;
    *to = '\0';
    for (char *word = strtok(line, " \t"); word != NULL;
         word = strtok(NULL, " \t"))
        length += parse_word(word, frame + length, FRAME_MAX - length);
    return length;
}

static int open_interface(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0)
        die("packet socket");
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETHERTYPE_AOE),
        .sll_ifindex = (int)if_nametoindex(name),
    };
    if (address.sll_ifindex == 0)
        die(name);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        die(name);
    return fd;
}

static void send_all(int fd, size_t least)
{
    static char line[LINE_MAX_CHARS];
    static unsigned char frame[FRAME_MAX];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        size_t length = parse_line(line, frame);
        if (length > 0 && length < least) {
            memset(frame + length, 0, least - length);
            length = least;
        }
        if (length > 0 && send(fd, frame, length, 0) < 0)
            die("send");
    }
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

/* What the user waits for. */
struct wanted {
    long count; /* this many answers, */
    bool until; /* or all up to the one with this tag */
    uint32_t tag;
    long wait_ms; /* but no longer than that */
};

static bool has_tag(const unsigned char *frame, ssize_t length, uint32_t tag)
{
    uint32_t its;
    if (length < 24)
        return false;
    memcpy(&its, frame + 20, sizeof(its));
    return ntohl(its) == tag;
}

/* Prints the frames that others sent; false if the wanted ones did not come. */
static bool print_answers(int fd, const struct wanted *wanted)
{
    static unsigned char frame[FRAME_MAX];
    long printed = 0, deadline = now_ms() + wanted->wait_ms, left;
    while (wanted->until || printed < wanted->count) {
        if ((left = deadline - now_ms()) <= 0)
            return false;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, (int)left) <= 0)
            continue;
        struct sockaddr_ll from;
        socklen_t from_size = sizeof(from);
        ssize_t length = recvfrom(fd, frame, sizeof(frame), 0,
                                  (struct sockaddr *)&from, &from_size);
        if (length < 0)
            die("receive");
        if (from.sll_pkttype == PACKET_OUTGOING)
            continue;
        for (ssize_t i = 0; i < length; i++)
            printf("%02x", frame[i]);
        putchar('\n');
        printed++;
        if (wanted->until && has_tag(frame, length, wanted->tag))
            return true;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct wanted wanted = {.wait_ms = 5000};
    size_t least = 0;
    int option;
    while ((option = getopt(argc, argv, "pn:u:w:h")) != -1) {
        switch (option) {
        case 'p':
            least = 60;
            break;
        case 'n':
            wanted.count = strtol(optarg, NULL, 10);
            break;
        case 'u':
            wanted.until = true;
            wanted.tag = (uint32_t)strtoul(optarg, NULL, 16);
            break;
        case 'w':
            wanted.wait_ms = strtol(optarg, NULL, 10);
            break;
        default:
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return 2;
    }
    int fd = open_interface(argv[optind]);
    send_all(fd, least);
    return print_answers(fd, &wanted) ? 0 : 1;
}
