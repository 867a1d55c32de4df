/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The first bytes of an AoE disk, on standard output: libaoe in thirty lines.
 *
 *     cc -o aoe-head aoe-head.c $(pkg-config --cflags --libs libaoe)
 *     ./aoe-head eth0 e1.2 4096 | xxd
 */
#include <aoe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char bytes[1 << 20];

static int failed(const char *what, int err)
{
    fprintf(stderr, "aoe-head: %s: %s\n", what, strerror(-err));
    return 1;
}

int main(int argc, char **argv)
{
    struct aoe_disk_options limits = {.timeout = AOE_TIMEOUT_DEFAULT,
                                      .read_only = true};
    size_t length = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    const char *const interfaces[] = {argc > 1 ? argv[1] : ""};
    struct aoe_options options = {.interfaces = interfaces,
                                  .interface_count = 1};
    struct aoe_disk *disk;
    struct aoe *aoe;
    int err;

    if (argc != 4 || length > sizeof bytes) {
        fprintf(stderr, "usage: aoe-head NETIF DISK BYTES\n");
        return 2;
    }
    err = aoe_open(&aoe, &options, NULL);
    if (err)
        return failed(argv[1], err);
    err = aoe_disk_open_wait(aoe, argv[2], &limits, 3000000000, &disk);
    if (!err)
        err = aoe_read(disk, bytes, length, 0);
    aoe_close(aoe); /* and its disks */
    if (err)
        return failed(argv[2], err);
    fwrite(bytes, 1, length, stdout);
    return fflush(stdout) ? 1 : 0;
}
