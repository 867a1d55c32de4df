/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The record is written in place, through a descriptor that stays open: when it
 * stops, the target may lack both the permission to create files and the system
 * call for it.  It fits in one sector, and its checksum exposes a torn write.
 */
#include "target/serve/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/fd.h"
#include "base/fnv.h"
#include "base/log.h"
#include "base/random.h"

enum { RECORD = 64 };

/* How the export is, or was left. */
enum boot_state {
    BOOT_CACHED = 'c',  /* served; a crash may lose acknowledged writes */
    BOOT_DURABLE = 'd', /* served with -s: a crash loses nothing */
    BOOT_STOPPED = 's', /* orderly */
};

struct boot {
    int fd;
    char name[96];
};

/* ---- directories ----------------------------------------------------------
 */

static bool usable(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

const char *boot_directory(const char *state_dir)
{
    static const char *const made[] = {"/run/aoe-target",
                                       "/var/run/aoe-target"};

    if (state_dir)
        return state_dir;
    if (usable("/var/lib/aoe-target"))
        return "/var/lib/aoe-target";
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        if ((mkdir(made[i], 0700) == 0 || errno == EEXIST) && usable(made[i]))
            return made[i];
    return NULL;
}

/* ---- records --------------------------------------------------------------
 */

/* Over the text before it. */
static uint32_t sum(const char *text, size_t len)
{
    return fnv32(FNV32_START, text, len);
}

static void encode(char out[RECORD + 1], enum boot_state state,
                   const struct export *e)
{
    int n = snprintf(out, RECORD + 1, "aoe-boot 1 %c %016llx %012llx ", state,
                     (unsigned long long)e->vendor.boot,
                     (unsigned long long)e->vendor.epoch);

    snprintf(out + n, (size_t)(RECORD + 1 - n), "%08x%*s",
             (unsigned)sum(out, (size_t)n), RECORD - n - 8, "\n");
}

static bool decode(const char in[RECORD + 1], char *state, uint64_t *epoch)
{
    unsigned long long boot, of;
    unsigned check;
    int before = 0;

    if (sscanf(in, "aoe-boot 1 %c %16llx %12llx %n%8x", state, &boot, &of,
               &before, &check) != 4 ||
        check != sum(in, (size_t)before))
        return false;
    *epoch = of;
    return of != 0;
}

static int save(const struct boot *b, enum boot_state state,
                const struct export *e)
{
    char text[RECORD + 1];
    ssize_t n;

    encode(text, state, e);
    n = pwrite(b->fd, text, RECORD, 0);
    if (n != RECORD)
        return n < 0 ? -errno : -EIO;
    return durable_data(b->fd);
}

/* The epoch continues if the last stop was orderly, or every write durable. */
static void take_over(const struct boot *b, struct export *e)
{
    char text[RECORD + 1] = "", state;
    uint64_t epoch;

    if (pread(b->fd, text, RECORD, 0) != RECORD ||
        !decode(text, &state, &epoch))
        return;
    e->vendor.orderly = state == BOOT_STOPPED;
    if (state == BOOT_STOPPED || state == BOOT_DURABLE)
        e->vendor.epoch = epoch;
    log_debug("%s: %s; the loss epoch is %012llx", b->name,
              state == BOOT_STOPPED ? "stopped cleanly"
              : state == BOOT_DURABLE
                  ? "not stopped, but each write was durable"
                  : "not stopped cleanly",
              (unsigned long long)e->vendor.epoch);
}

/* ---- the life of an export ------------------------------------------------
 */

static int open_record(struct boot *b, const char *directory)
{
    int dir = fd_open(directory, O_RDONLY | O_DIRECTORY, 0);
    bool fresh;
    int err;

    if (dir < 0)
        return -errno;
    b->fd = fd_open_at(dir, b->name, O_RDWR | O_NOFOLLOW, 0);
    fresh = b->fd < 0 && errno == ENOENT;
    if (fresh)
        b->fd = fd_open_at(dir, b->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
                           0600);
    err = b->fd < 0 ? -errno : 0;
    if (fresh && !err)
        err = durable_directory(dir);
    close(dir);
    return err;
}

static void discard(struct boot *b)
{
    if (b->fd >= 0)
        close(b->fd);
    free(b);
}

static struct boot *begin(const char *directory, struct export *e)
{
    struct boot *b = calloc(1, sizeof *b);
    char addr[AOE_ADDR_TEXT];
    int err;

    if (!b)
        return NULL;
    snprintf(b->name, sizeof b->name, "%s-%s.boot",
             aoe_addr_format(addr, e->addr), e->serial);
    err = open_record(b, directory);
    if (!err)
        take_over(b, e);
    if (!err)
        err = save(b, e->sync ? BOOT_DURABLE : BOOT_CACHED, e);
    if (!err)
        return b;
    /* The next start will not know about this one. */
    log_error("%s/%s: recording that %s is served: %s; clients will take the "
              "next start for a crash",
              directory, b->name, addr, strerror(-err));
    e->vendor.orderly = false;
    e->vendor.epoch = random_nonzero(ATA_EPOCH_MAX);
    discard(b);
    return NULL;
}

struct boot *boot_begin(const char *directory, struct export *e)
{
    e->vendor = (struct ata_vendor){
        .present = true,
        .boot = random_u64(),
        .epoch = random_nonzero(ATA_EPOCH_MAX),
    };
    /* A read-only disk cannot lose anything. */
    return directory && !e->read_only ? begin(directory, e) : NULL;
}

void boot_end(struct boot *b, const struct export *e, bool clean)
{
    int err = 0;

    if (!b)
        return;
    if (clean)
        err = save(b, BOOT_STOPPED, e);
    if (err)
        log_error("%s: recording the stop: %s; clients will take the next "
                  "start for a crash",
                  b->name, strerror(-err));
    discard(b);
}
