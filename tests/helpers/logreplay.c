/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replays the log of Linux's dm-log-writes onto a disk, and stops at every
 * point where a flush guaranteed something:
 * Documentation/admin-guide/device-mapper/ log-writes.rst and
 * drivers/md/dm-log-writes.c.  All numbers are little-endian.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
    "usage: logreplay LOG DISK COMMAND\n"
    "Writes the entries of LOG in order onto DISK, which must be as it was "
    "when\n"
    "LOG began.  After each flush, FUA write and mark COMMAND runs in a "
    "shell;\n"
    "$ENTRY is the number of the entry, $MARK the mark's text or empty.  Ends\n"
    "with exit status 1 at the first that fails.\n";

#define LOG_MAGIC UINT64_C(0x6a736677736872)
enum { LOG_VERSION = 1 };
enum {
    LOG_FLUSH =
        1 << 0, /* everything before is on the medium; then its own data */
    LOG_FUA = 1 << 1,
    LOG_DISCARD = 1 << 2, /* has no data */
    LOG_MARK = 1 << 3,    /* has a text and no location */
};

struct log_super {
    uint64_t magic, version, nr_entries;
    uint32_t sectorsize; /* bytes: the unit of all other numbers */
    uint32_t padding;
};

/* Fills a sector, with the text of a mark after it; then come nr_sectors. */
struct log_entry {
    uint64_t sector, nr_sectors, flags, data_len;
};

struct log {
    int fd, disk;
    uint64_t sectorsize, entries;
    uint64_t at; /* bytes */
};

static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("logreplay: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static void read_all(int fd, void *to, size_t length, uint64_t at)
{
    for (size_t done = 0; done < length;) {
        ssize_t n =
            pread(fd, (char *)to + done, length - done, (off_t)(at + done));
        if (n <= 0)
            die("log at %" PRIu64 ": %s", at + done,
                n < 0 ? strerror(errno) : "it ends in the middle of an entry");
        done += (size_t)n;
    }
}

static void write_all(int fd, const void *from, size_t length, uint64_t at)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = pwrite(fd, (const char *)from + done, length - done,
                           (off_t)(at + done));
        if (n < 0)
            die("disk at %" PRIu64 ": %s", at + done, strerror(errno));
        done += (size_t)n;
    }
}

static struct log log_open(const char *name, const char *disk)
{
    struct log log = {.fd = open(name, O_RDONLY), .disk = open(disk, O_WRONLY)};
    struct log_super super;

    if (log.fd < 0)
        die("%s: %s", name, strerror(errno));
    if (log.disk < 0)
        die("%s: %s", disk, strerror(errno));
    read_all(log.fd, &super, sizeof(super), 0);
    if (le64toh(super.magic) != LOG_MAGIC ||
        le64toh(super.version) != LOG_VERSION)
        die("%s: not a log of dm-log-writes", name);
    log.entries = le64toh(super.nr_entries);
    log.sectorsize = log.at = le32toh(super.sectorsize);
    if (log.sectorsize < 512 || log.sectorsize > 65536)
        die("%s: sectors of %" PRIu64 " bytes", name, log.sectorsize);
    return log;
}

/* A discarded range may read as anything; zeroes would hurt a file system
 * most. */
static void apply(struct log *log, const struct log_entry *e)
{
    static const char zeroes[65536];
    char *data = malloc(log->sectorsize);

    if (data == NULL)
        die("no memory");
    for (uint64_t i = 0; i < e->nr_sectors; i++) {
        const char *from = zeroes;
        if (!(e->flags & LOG_DISCARD)) {
            read_all(log->fd, data, log->sectorsize, log->at);
            log->at += log->sectorsize;
            from = data;
        }
        write_all(log->disk, from, log->sectorsize,
                  (e->sector + i) * log->sectorsize);
    }
    free(data);
}

static bool judged(uint64_t entry, const char *mark, const char *command)
{
    char number[32];
    int status;

    snprintf(number, sizeof(number), "%" PRIu64, entry);
    setenv("ENTRY", number, 1);
    setenv("MARK", mark, 1);
    fflush(stdout);
    status = system(command);
    if (status == 0)
        return true;
    printf("entry %" PRIu64 "%s%s: exit status %d\n", entry,
           *mark != '\0' ? ", mark " : "", mark,
           WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return false;
}

/* True if the command accepts the disk after this entry, or need not check
 * it. */
static bool replay_entry(struct log *log, uint64_t number, const char *command)
{
    char mark[256] = "";
    struct log_entry e;

    read_all(log->fd, &e, sizeof(e), log->at);
    e.sector = le64toh(e.sector);
    e.nr_sectors = le64toh(e.nr_sectors);
    e.flags = le64toh(e.flags);
    e.data_len = le64toh(e.data_len);
    if (e.flags & LOG_MARK)
        read_all(log->fd, mark,
                 e.data_len < sizeof(mark) ? (size_t)e.data_len
                                           : sizeof(mark) - 1,
                 log->at + sizeof(e));
    log->at += log->sectorsize;
    /* The data of a flush comes after it. */
    if ((e.flags & LOG_FLUSH) && e.nr_sectors > 0 &&
        !judged(number, mark, command))
        return false;
    apply(log, &e);
    return !(e.flags & (LOG_FLUSH | LOG_FUA | LOG_MARK)) ||
           judged(number, mark, command);
}

int main(int argc, char **argv)
{
    struct log log;

    if (argc != 4) {
        fputs(usage, stderr);
        return 2;
    }
    log = log_open(argv[1], argv[2]);
    for (uint64_t i = 0; i < log.entries; i++)
        if (!replay_entry(&log, i, argv[3]))
            return 1;
    printf("replayed %" PRIu64 " entries\n", log.entries);
    return 0;
}
