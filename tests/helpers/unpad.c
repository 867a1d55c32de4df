/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Copies a pcap file and strips the padding of Reserve/Release frames, after
 * checking that it is all zeroes.  tcpdump 4.99 takes everything up to the end
 * of a frame for addresses and calls a list of fewer than six, padded to
 * Ethernet's 60 bytes, "(invalid)"; on a wire all such frames are padded.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAME_MAX = 1 << 18,
    FRAME_MIN = 60,
    COMMAND = 19,       /* offset of the command */
    RESERVE = 3,        /* ... Reserve/Release */
    ADDRESS_COUNT = 25, /* offset of the number of addresses, */
    ADDRESSES = 26,     /* and of the first one */
};

struct pcap_header {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t zone, accuracy, snapshot, link_type;
};

struct pcap_record {
    uint32_t seconds, fraction;
    uint32_t captured; /* bytes that follow */
    uint32_t length;   /* bytes on the wire */
};

static void die(const char *what)
{
    fprintf(stderr, "unpad: %s\n", what);
    exit(1);
}

static uint32_t unpadded(const uint8_t *frame, uint32_t length)
{
    if (length != FRAME_MIN || frame[12] != 0x88 || frame[13] != 0xa2 ||
        frame[COMMAND] != RESERVE)
        return length;
    uint32_t end = ADDRESSES + frame[ADDRESS_COUNT] * 6u;
    for (uint32_t i = end; i < length; i++)
        if (frame[i] != 0)
            die("a frame is padded with something other than zeroes");
    return end < length ? end : length;
}

int main(void)
{
    static uint8_t frame[FRAME_MAX];
    struct pcap_header header;
    struct pcap_record record;
    if (fread(&header, sizeof(header), 1, stdin) != 1 ||
        header.magic != 0xa1b2c3d4)
        die("standard input is no pcap file of this machine");
    fwrite(&header, sizeof(header), 1, stdout);
    while (fread(&record, sizeof(record), 1, stdin) == 1) {
        if (record.captured > sizeof(frame) ||
            record.captured != record.length ||
            fread(frame, record.captured, 1, stdin) != 1)
            die("a frame was cut short");
        record.captured = record.length = unpadded(frame, record.length);
        fwrite(&record, sizeof(record), 1, stdout);
        fwrite(frame, record.captured, 1, stdout);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
