/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe stat: a disk's identity, its paths and their state.  It reads some
 * sectors, since there are no measurements of a path that was not used.
 */
#include "initiator/aoe/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "initiator/aoe/disk.h"
#include "initiator/client/disk_text.h"

enum { SECTOR = 512, AT_ONCE = 8, READS_MAX = 1 << 20 };

/* One of the outstanding reads. */
struct stat_sample {
    struct aoe_request request;
    struct iovec iov;
    uint8_t bytes[SECTOR];
    unsigned *outstanding;
    int *status;
};

static void done(struct aoe_request *r, int status)
{
    struct stat_sample *s = r->arg;

    --*s->outstanding;
    if (status && !*s->status)
        *s->status = status;
}

static int read_some(struct command_disk *c, uint64_t count)
{
    uint64_t sectors = aoe_disk_identity(c->disk)->size / SECTOR;
    struct stat_sample *samples = calloc(AT_ONCE, sizeof *samples);
    unsigned outstanding = 0;
    int status = samples ? 0 : -ENOMEM;

    for (uint64_t i = 0; i < count && !status; i++) {
        struct stat_sample *s = &samples[i % AT_ONCE];
        int err;

        s->iov = (struct iovec){s->bytes, SECTOR};
        s->outstanding = &outstanding;
        s->status = &status;
        s->request = (struct aoe_request){.op = AOE_READ,
                                          .offset = i % sectors * SECTOR,
                                          .length = SECTOR,
                                          .iov = &s->iov,
                                          .iovcnt = 1,
                                          .done = done,
                                          .arg = s};
        err = aoe_submit(c->disk, &s->request);
        if (err)
            status = err;
        else
            outstanding++;
        while (outstanding &&
               (status || i + 1 == count || (i + 1) % AT_ONCE == 0))
            aoe_wait(c->aoe, -1);
    }
    free(samples);
    return status;
}

static int show_stat(struct command_disk *c, uint64_t reads)
{
    int err, status = command_disk_open(c);
    size_t length;
    char *text;

    if (status)
        return status;
    err = read_some(c, reads);
    text = disk_stat_text(c->disk, &length);
    if (text)
        fwrite(text, 1, length, stdout);
    free(text);
    if (err)
        log_error("stat: %s: reading: %s", c->name, strerror(-err));
    return err || !text ? EXIT_FAILED : EXIT_DONE;
}

static const char *set_reads(void *to, const char *value)
{
    uint64_t *reads = to;

    return option_u64(value, 0, READS_MAX, reads) ? "not a number up to 1048576"
                                                  : NULL;
}

static const struct option_row own[] = {
    {"reads", 0, "N", "sectors to read in order to measure the paths (64)",
     set_reads, 0, 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe",
    .command = "stat",
    .usage = "Usage: aoe stat DISK [-i NETIF]... [OPTION]...\n"
             "Show a disk, its paths and their state.",
    .notes = "Exit status: 0 done, 1 failed, 2 wrong usage.",
    .shared = OPTIONS_DISK,
    .own = own,
};

int stat_main(int argc, char **argv)
{
    struct command_disk c;
    uint64_t reads = 64;
    int status;

    command_disk_init(&c, &line);
    c.options.disk.read_only = true;
    status = command_disk_options(&c, &reads, &argc, argv);
    if (status < 0)
        status = command_disk_alone(&c, argc, argv);
    if (status < 0)
        status = show_stat(&c, reads);
    command_disk_close(&c);
    return status;
}
