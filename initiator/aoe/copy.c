/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe copy: a disk into a file or device of this host, or back.
 */
#include "base/fd.h"
#include "initiator/aoe/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/options.h"
#include "initiator/aoe/copy_data.h"
#include "initiator/aoe/disk.h"

struct copy_options {
    const char *file;
    bool to_disk, destructive, quiet;
    uint64_t offset;
};

/* The side that is not the disk. */
struct local {
    int fd;
    bool exists, regular;
    uint64_t size; /* bytes */
};

static volatile sig_atomic_t stopped;

static int file_failed(const struct copy_options *o, const char *doing, int err)
{
    log_error("copy: %s: %s: %s", o->file, doing, strerror(-err));
    return EXIT_FAILED;
}

/* ---- the file -------------------------------------------------------------
 */

static int look_at(const struct copy_options *o, struct local *l)
{
    struct stat st;
    off_t end;

    if (fstat(l->fd, &st))
        return file_failed(o, "examining it", -errno);
    l->regular = S_ISREG(st.st_mode);
    if (!l->regular && !S_ISBLK(st.st_mode)) {
        log_error("copy: %s: neither a file nor a block device", o->file);
        return EXIT_FAILED;
    }
    end = lseek(l->fd, 0, SEEK_END); /* st_size of a device is 0 */
    if (end < 0)
        return file_failed(o, "its size", -errno);
    l->size = (uint64_t)end;
    return 0;
}

static int open_source(const struct copy_options *o, struct local *l)
{
    l->fd = fd_open(o->file, O_RDONLY, 0);
    if (l->fd < 0)
        return file_failed(o, "opening it", -errno);
    return look_at(o, l);
}

/* Opens an existing file; a new one is created only once the disk was found. */
static int open_destination(const struct copy_options *o, struct local *l)
{
    /* O_EXCL without O_CREAT: a device that is mounted or otherwise in use is
     * refused. */
    struct stat st;
    int device = stat(o->file, &st) == 0 && S_ISBLK(st.st_mode) ? O_EXCL : 0;
    int status;

    l->fd = fd_open(o->file, O_RDWR | device, 0);
    if (l->fd < 0 && errno == ENOENT && o->offset == 0)
        return 0;
    if (l->fd < 0)
        return file_failed(o, "opening it", -errno);
    l->exists = true;
    status = look_at(o, l);
    if (status)
        return status;
    if (l->size < o->offset) {
        log_error("copy: %s: it has only %" PRIu64 " bytes, which is before "
                  "--offset %" PRIu64,
                  o->file, l->size, o->offset);
        return EXIT_FAILED;
    }
    if (l->size > o->offset && !o->destructive) {
        log_error("copy: %s: it exists; --destructive overwrites it", o->file);
        return EXIT_FAILED;
    }
    return 0;
}

static int make_destination(const struct copy_options *o, struct local *l)
{
    if (!l->exists) {
        l->fd = fd_open(o->file, O_RDWR | O_CREAT | O_EXCL, 0666);
        if (l->fd < 0)
            return file_failed(o, "creating it", -errno);
        l->regular = true;
    }
    /* Old data would show through the holes. */
    if (l->regular && ftruncate(l->fd, (off_t)o->offset))
        return file_failed(o, "truncating it", -errno);
    return 0;
}

/* ---- the copy -------------------------------------------------------------
 */

static int sizes(const struct copy_options *o, const struct command_disk *c,
                 const struct local *l, uint64_t *end)
{
    uint64_t disk = aoe_disk_identity(c->disk)->size;

    *end = o->to_disk ? l->size : disk;
    if (o->to_disk && l->size > disk) {
        log_error("copy: %s has %" PRIu64 " bytes, %s only %" PRIu64
                  "; nothing was written",
                  o->file, l->size, c->name, disk);
        return EXIT_FAILED;
    }
    if (!o->to_disk && l->exists && !l->regular && l->size < disk) {
        log_error("copy: %s has %" PRIu64 " bytes, %s only %" PRIu64
                  "; nothing was written",
                  c->name, disk, o->file, l->size);
        return EXIT_FAILED;
    }
    if (o->offset > *end) {
        log_error("copy: --offset %" PRIu64 " is beyond the end, %" PRIu64,
                  o->offset, *end);
        return EXIT_FAILED;
    }
    if (o->to_disk && l->size < disk)
        log_info("copy: %s is larger than %s; its last %" PRIu64
                 " bytes stay as they are",
                 c->name, o->file, disk - l->size);
    return 0;
}

/* Makes the file `end` bytes long, and it and its name durable. 0, or
 * EXIT_FAILED after reporting why not. */
static int keep(const struct copy_options *o, const struct local *l,
                uint64_t end)
{
    int err;

    if (l->regular && ftruncate(l->fd, (off_t)end))
        return file_failed(o, "its length", -errno);
    err = durable_file(l->fd);
    if (err)
        return file_failed(o, "syncing it", err);
    /* The name may be new, from this copy or from one that this one resumes.
     */
    err = l->regular ? durable_name(o->file) : 0;
    return err ? file_failed(o, "syncing its directory", err) : 0;
}

/* Everything was copied; now it has to be durable. */
static int finish(const struct copy_options *o, struct command_disk *c,
                  const struct local *l, const struct command_copy *copy)
{
    int err;

    if (o->to_disk) {
        err = aoe_flush(c->disk);
        if (!err && !c->lost_writes)
            return EXIT_DONE;
        log_error("copy: %s: flushing it: %s; what was written may be lost; "
                  "--offset %" PRIu64 " writes it again",
                  c->name, err ? strerror(-err) : "the target was restarted",
                  copy->durable);
        return EXIT_FAILED;
    }
    return keep(o, l, copy->end);
}

/* Where a copy that ended early can be resumed: what is before that must not be
 * lost afterwards.  A file is cut off there. */
static uint64_t settle(const struct copy_options *o, struct command_disk *c,
                       const struct local *l, const struct command_copy *copy)
{
    if (o->to_disk)
        return aoe_flush(c->disk) == 0 && !c->lost_writes ? copy->resume
                                                          : copy->durable;
    return keep(o, l, copy->resume) ? o->offset : copy->resume;
}

static int ended_early(const struct copy_options *o, struct command_disk *c,
                       const struct local *l, const struct command_copy *copy)
{
    bool reading = copy->of_file == o->to_disk;
    uint64_t resume = settle(o, c, l, copy);

    if (c->lost_writes)
        log_error("copy: %s: its target was restarted and may have lost what "
                  "was written; --offset %" PRIu64 " resumes it",
                  c->name, resume);
    else if (copy->status)
        log_error("copy: %s %s at byte %" PRIu64 ": %s; --offset %" PRIu64
                  " resumes it",
                  reading ? "reading" : "writing",
                  copy->of_file ? o->file : c->name, copy->failed_at,
                  strerror(-copy->status), resume);
    else
        log_error("copy: stopped by a signal; --offset %" PRIu64 " resumes it",
                  resume);
    return EXIT_FAILED;
}

static void on_signal(int signo)
{
    (void)signo;
    stopped = 1;
}

/* A second signal ends it at once. */
static void catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal,
                           .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

static int transfer(const struct copy_options *o, struct command_disk *c,
                    struct local *l)
{
    struct command_copy copy = {.aoe = c->aoe,
                                .disk = c->disk,
                                .to_disk = o->to_disk,
                                .offset = o->offset,
                                .stop = &stopped,
                                .lost_writes = &c->lost_writes};
    int status = sizes(o, c, l, &copy.end);
    bool all;

    if (!status && !o->to_disk)
        status = make_destination(o, l);
    if (status)
        return status;
    copy.fd = l->fd;
    copy.sparse = l->regular;
    catch_signals();
    command_progress_begin(&copy.progress, c->name, o->offset, copy.end,
                           o->quiet);
    all = command_copy_run(&copy);
    command_progress_end(&copy.progress);
    return all ? finish(o, c, l, &copy) : ended_early(o, c, l, &copy);
}

static int copy(const struct copy_options *o, struct command_disk *c)
{
    struct local l = {.fd = -1};
    int status = o->to_disk ? open_source(o, &l) : open_destination(o, &l);

    if (!status)
        status = command_disk_open(c);
    if (!status)
        status = transfer(o, c, &l);
    if (l.fd >= 0 && close(l.fd) && !status && !o->to_disk)
        status = file_failed(o, "closing it", -errno);
    return status;
}

/* ---- the command ----------------------------------------------------------
 */

static bool is_disk(const char *name)
{
    uint16_t shelf;
    uint8_t slot;

    return aoe_name_parse(name, &shelf, &slot) == 0;
}

static int arguments(struct copy_options *o, struct command_disk *c, int argc,
                     char **argv)
{
    if (argc != 2 || is_disk(argv[0]) == is_disk(argv[1]))
        return command_wrong(c, "name one disk, like e1.2, and one file", NULL,
                             NULL);
    o->to_disk = is_disk(argv[1]);
    o->file = argv[o->to_disk ? 0 : 1];
    c->options.disk.read_only = !o->to_disk;
    if (o->to_disk && !o->destructive) {
        log_error("copy: this overwrites %s; confirm with --destructive",
                  argv[1]);
        return EXIT_USAGE;
    }
    return command_disk_name(c, argv[o->to_disk]);
}

static const char *set_offset(void *to, const char *value)
{
    struct copy_options *o = to;

    if (option_bytes(value, &o->offset) || o->offset > INT64_MAX)
        return "not a number of bytes";
    return NULL;
}

static const struct option_row own[] = {
    {"destructive", 0, NULL,
     "allow overwriting the disk, or a FILE that\n"
     "exists",
     NULL, offsetof(struct copy_options, destructive), 0},
    {"offset", 0, "BYTES",
     "begin at this offset on both sides, to resume a\n"
     "copy that ended early",
     set_offset, 0, 0},
    {"quiet", 'q', NULL, "no progress on the terminal", NULL,
     offsetof(struct copy_options, quiet), 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe",
    .command = "copy",
    .usage =
        "Usage: aoe copy DISK FILE [-i NETIF]... [OPTION]...\n"
        "       aoe copy FILE DISK --destructive [-i NETIF]... [OPTION]...\n"
        "Copy a disk into a file or block device, or the other way around.",
    .notes =
        "A FILE whose name looks like a disk's is ./e1.2.  Exit status: 0\n"
        "done, 1 failed, 2 wrong usage.",
    .shared = OPTIONS_DISK,
    .own = own,
};

int copy_main(int argc, char **argv)
{
    struct copy_options o = {0};
    struct command_disk c;
    int status;

    command_disk_init(&c, &line);
    status = command_disk_options(&c, &o, &argc, argv);
    if (status < 0)
        status = arguments(&o, &c, argc, argv);
    if (status < 0)
        status = copy(&o, &c);
    command_disk_close(&c);
    return status;
}
