/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Standard input, at most 1 MiB, onto an AoE disk, and durable: libaoe as a
 * writer uses it.  What is on the disk there is overwritten.
 *
 *     cc -o aoe-put aoe-put.c $(pkg-config --cflags --libs libaoe)
 *     ./aoe-put eth0 e1.2 4096 <block
 */
#include <aoe.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 3 };

static char bytes[1 << 20];

static int failed(const char *what, int err)
{
    fprintf(stderr, "aoe-put: %s: %s\n", what, strerror(-err));
    return 1;
}

/* A write that completed was accepted, no more: it may be in a cache that the
 * next power cut empties.  Only a flush that succeeds says that it is on the
 * medium.
 *
 * A flush that fails says that writes since the last good flush may be lost,
 * also those that completed without an error, and it says so once.  Flushing
 * again proves nothing: there is nothing left to flush, so it succeeds, and the
 * data is still gone.  A program that has the data writes all of it again and
 * flushes again; one that has not must report the error.
 *
 * Where aoe_disk_identity()->flush is false the target has no such command, and
 * a flush that succeeds says nothing.
 *
 * With memory in struct aoe_disk_options.replay libaoe keeps the data and
 * writes it again itself; it still has it when a flush fails, and one that
 * succeeds later covers it. */
static int put(struct aoe_disk *disk, size_t length, uint64_t offset)
{
    int err = 0;

    for (int i = 0; i < ATTEMPTS; i++) {
        err = aoe_write(disk, bytes, length, offset);
        if (err)
            return err; /* it was not accepted: its content is undefined now */
        err = aoe_flush(disk);
        if (err != -EIO)
            return err;
    }
    return err;
}

int main(int argc, char **argv)
{
    const char *const interfaces[] = {argc > 1 ? argv[1] : ""};
    struct aoe_options options = {.interfaces = interfaces,
                                  .interface_count = 1};
    struct aoe_disk_options limits = {.timeout = AOE_TIMEOUT_DEFAULT};
    struct aoe_disk *disk;
    struct aoe *aoe;
    size_t length;
    int err;

    if (argc != 4) {
        fprintf(stderr, "usage: aoe-put NETIF DISK OFFSET <FILE\n");
        return 2;
    }
    length = fread(bytes, 1, sizeof bytes, stdin);
    if (ferror(stdin) || getchar() != EOF) {
        fprintf(stderr, "aoe-put: cannot read at most 1 MiB from the input\n");
        return 1;
    }
    err = aoe_open(&aoe, &options, NULL);
    if (err)
        return failed(argv[1], err);
    err = aoe_disk_open_wait(aoe, argv[2], &limits, 3000000000, &disk);
    if (!err)
        err = put(disk, length, strtoull(argv[3], NULL, 10));
    aoe_close(aoe); /* and its disks */
    return err ? failed(argv[2], err) : 0;
}
