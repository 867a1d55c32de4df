/* SPDX-License-Identifier: BSD-2-Clause
 *
 * nbdkit-aoe-plugin: an AoE disk for nbdkit, which adds encryption, vsock and
 * its filters (nbdkit-plugin(3)).  The disk is found before nbdkit goes to the
 * background, so that errors are seen; from then on one thread owns it.
 */
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "initiator/client/aoe_loop.h"
#include "initiator/client/block_disk.h"
#include "bridge/nbdkit/thread.h"
#include "initiator/client/client_options.h"
#include "initiator/client/zero.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

enum { BLOCK_PREFERRED = 4096, BLOCK_MAX = 32 << 20 };

/* Which of the options that all users of a disk share it takes. */
enum { PARAMETERS = OPTIONS_DISK | OPTION_REPLAY };

/* nbdkit has one plugin per process, and this one has one disk. */
static struct {
    uint16_t shelf;
    uint8_t slot;
    bool named;
    struct client_options options;

    struct aoe *aoe;
    struct loop *loop;
    struct aoe_loop aoe_loop;
    struct nbd_disk disk;
    struct disk_search search;
    struct nbdkit_thread thread;
} self;

/* ---- parameters ---------------------------------------------------------- */

static void load(void)
{
    log_program("nbdkit: aoe");
    client_options_init(&self.options);
    self.options.interfaces.parameters = true;
}

/* NULL, or what is wrong with it. */
static const char *set_disk(const char *name)
{
    if (self.named)
        return "there can be only one disk";
    if (aoe_name_parse(name, &self.shelf, &self.slot))
        return "not a disk name like e1.2";
    self.named = true;
    return NULL;
}

static int config(const char *key, const char *value)
{
    const char *why = NULL;

    if (!strcmp(key, "disk"))
        why = set_disk(value);
    else if (!client_option_set(&self.options, PARAMETERS, key, strlen(key),
                                value, &why))
        why = "no such parameter";
    if (why && *why)
        nbdkit_error("%s=%s: %s", key, value, why);
    return why ? -1 : 0;
}

static int config_complete(void)
{
    if (!self.named) {
        nbdkit_error("name a disk: disk=e1.2");
        return -1;
    }
    return 0;
}

static void dump_plugin(void)
{
    puts("aoekit_version=" AOEKIT_VERSION);
#ifdef HAVE_PCAP
    puts("aoe_pcap=yes");
#endif
}

/* ---- the disk, as long as there is one thread ---------------------------- */

static void found(void *arg)
{
    (void)arg;
    loop_stop(self.loop, 0);
}

static void not_found(void *arg)
{
    (void)arg;
    loop_stop(self.loop, -ETIMEDOUT);
}

static int find(void)
{
    int err = loop_open(&self.loop);

    self.search = (struct disk_search){.trying = "disk",
                                       .options = &self.options,
                                       .found = found,
                                       .failed = not_found};
    if (!err)
        err = aoe_loop_attach(&self.aoe_loop, self.loop, self.aoe);
    if (!err)
        err = nbd_disk_open(&self.disk, &self.aoe_loop, &self.search,
                            self.shelf, self.slot);
    if (!err)
        err = disk_search_start(&self.search, self.loop);
    if (!err)
        err = loop_run(self.loop);
    disk_search_stop(&self.search);
    return err;
}

static int get_ready(void)
{
    int err;

    if (interfaces_open(&self.options.interfaces, &self.aoe))
        return -1;
    err = find();
    if (err && err != -ETIMEDOUT)
        nbdkit_error("opening the disk: %s", strerror(-err));
    return err ? -1 : 0;
}

static int after_fork(void)
{
    int err = nbdkit_thread_start(&self.thread, self.loop);

    if (err)
        nbdkit_error("starting a thread: %s", strerror(-err));
    return err ? -1 : 0;
}

static void close_all(void)
{
    nbd_disk_close(&self.disk);
    if (self.loop) {
        aoe_loop_detach(&self.aoe_loop);
        loop_close(self.loop);
    }
    if (self.aoe)
        aoe_close(self.aoe);
    client_options_free(&self.options);
}

/* ---- requests ------------------------------------------------------------ */

/* The errors that nbdkit can pass on; it would turn any other into EINVAL, as
 * if the client's request had been invalid. */
static int known_error(int status)
{
    switch (-status) {
    case EPERM:
    case EROFS:
    case ENOMEM:
    case EINVAL:
    case ENOSPC:
    case EOPNOTSUPP:
        return -status;
    case ENXIO:
        return EINVAL;
    case EACCES:
    case EBUSY:
        return EPERM;
    case ECANCELED:
        return ESHUTDOWN;
    default:
        return EIO;
    }
}

/* libaoe uses the iovec until the job has ended. */
static int request(struct aoe_writer *writer, enum aoe_op op, void *buffer,
                   uint32_t count, uint64_t offset, uint32_t flags)
{
    struct iovec iov = {buffer, count};
    struct nbdkit_job job = {.export = &self.disk.export,
                             .io = {.op = op,
                                    .offset = offset,
                                    .length = count,
                                    .iov = &iov,
                                    .iovcnt = buffer ? 1 : 0,
                                    .fua = flags & NBDKIT_FLAG_FUA,
                                    .writer = writer}};
    int status = count == 0 && op != AOE_FLUSH
                     ? 0
                     : nbdkit_thread_do(&self.thread, &job);

    if (!status)
        return 0;
    nbdkit_error("%s: %s at byte %llu", self.disk.export.name,
                 strerror(-status), (unsigned long long)offset);
    nbdkit_set_error(known_error(status));
    return -1;
}

static int do_pread(void *handle, void *buffer, uint32_t count, uint64_t offset,
                    uint32_t flags)
{
    return request(handle, AOE_READ, buffer, count, offset, flags);
}

static int do_pwrite(void *handle, const void *buffer, uint32_t count,
                     uint64_t offset, uint32_t flags)
{
    return request(handle, AOE_WRITE, (void *)(uintptr_t)buffer, count, offset,
                   flags);
}

static int do_flush(void *handle, uint32_t flags)
{
    (void)flags;
    return request(handle, AOE_FLUSH, NULL, 0, 0, 0);
}

static int do_trim(void *handle, uint32_t count, uint64_t offset,
                   uint32_t flags)
{
    return request(handle, AOE_TRIM, NULL, count, offset, flags);
}

static int trim_to_zero(void *handle, uint32_t count, uint64_t offset,
                        uint32_t flags)
{
    struct aoe_request next;
    uint32_t length;
    int err = 0;

    for (; count > 0 && !err; count -= length, offset += length) {
        zero_by_trim(&next, offset, count, self.disk.export.sector);
        length = (uint32_t)next.length;
        err = request(handle, next.op, NULL, length, offset, flags);
    }
    return err;
}

static int do_zero(void *handle, uint32_t count, uint64_t offset,
                   uint32_t flags)
{
    bool may_trim =
        (flags & NBDKIT_FLAG_MAY_TRIM) && self.disk.export.trim_zeroes;

    if (may_trim)
        return trim_to_zero(handle, count, offset, flags);
    if (flags & NBDKIT_FLAG_FAST_ZERO) {
        nbdkit_set_error(EOPNOTSUPP);
        return -1;
    }
    return request(handle, AOE_ZERO, NULL, count, offset, flags);
}

/* ---- what there is ------------------------------------------------------- */

/* A connection's handle is its writer. */
static void *do_open(int readonly)
{
    struct nbdkit_job job = {.kind = NBDKIT_JOB_JOIN,
                             .export = &self.disk.export};

    (void)readonly;
    nbdkit_thread_do(&self.thread, &job);
    if (!job.io.writer)
        nbdkit_error("%s: no memory for a connection", self.disk.export.name);
    return job.io.writer;
}

static void do_close(void *handle)
{
    struct nbdkit_job job = {.kind = NBDKIT_JOB_LEAVE,
                             .export = &self.disk.export,
                             .io.writer = handle};

    nbdkit_thread_do(&self.thread, &job);
}

/* The disk can grow while it is served; only the thread knows. */
static int64_t get_size(void *handle)
{
    struct nbdkit_job job = {.kind = NBDKIT_JOB_SIZE,
                             .export = &self.disk.export};

    (void)handle;
    nbdkit_thread_do(&self.thread, &job);
    return (int64_t)job.size;
}

static int block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
                      uint32_t *maximum)
{
    uint32_t sector = self.disk.export.sector;

    (void)handle;
    *minimum = sector;
    *preferred = sector > BLOCK_PREFERRED ? sector : BLOCK_PREFERRED;
    *maximum = BLOCK_MAX;
    return 0;
}

static const char *export_description(void *handle)
{
    (void)handle;
    return self.disk.export.description;
}

static int can_trim(void *handle)
{
    (void)handle;
    return self.disk.export.trim;
}

static int can_fast_zero(void *handle)
{
    (void)handle;
    return self.disk.export.trim_zeroes;
}

static int is_rotational(void *handle)
{
    (void)handle;
    return self.disk.export.rotating;
}

static int can_write(void *handle)
{
    (void)handle;
    return !self.disk.export.read_only;
}

static int can_fua(void *handle)
{
    (void)handle;
    return NBDKIT_FUA_NATIVE;
}

static int yes(void *handle)
{
    (void)handle;
    return 1;
}

/* The last client has gone: what it did not flush is flushed now. */
static void cleanup(void)
{
    void *last = self.thread.running ? do_open(0) : NULL;

    if (last) {
        do_flush(last, 0); /* reports losses that they were not told of */
        do_close(last);
    }
    nbdkit_thread_stop(&self.thread);
}

static struct nbdkit_plugin plugin = {
    .name = "aoe",
    .longname = "ATA over Ethernet",
    .version = AOEKIT_VERSION,
    .description = "a disk on the Ethernet, without a kernel driver",
    .magic_config_key = "disk",
    .config_help =
        "[disk=]eSHELF.SLOT (required) the disk, like e1.2\n"
        "interface=NETIF    reach it through this one; may be\n"
        "                   repeated ($AOE_INTERFACES)\n"
        "timeout=SECONDS    fail requests after this long a silence (60)\n"
        "wait=SECONDS       how long to look for the disk (10)\n"
        "window=FRAMES      at most this many in flight on a path\n"
        "replay=MIB         keep up to this much of what was written and not\n"
        "                   flushed, and write it again after a loss (0)\n"
        "link=KIND          packet, socket or pcap",
    .load = load,
    .unload = close_all,
    .config = config,
    .config_complete = config_complete,
    .dump_plugin = dump_plugin,
    .get_ready = get_ready,
    .after_fork = after_fork,
    .cleanup = cleanup,
    .open = do_open,
    .close = do_close,
    .get_size = get_size,
    .block_size = block_size,
    .export_description = export_description,
    .can_write = can_write,
    .can_flush = yes,
    .can_multi_conn = yes,
    .can_fua = can_fua,
    .can_trim = can_trim,
    .can_fast_zero = can_fast_zero,
    .is_rotational = is_rotational,
    .pread = do_pread,
    .pwrite = do_pwrite,
    .flush = do_flush,
    .trim = do_trim,
    .zero = do_zero,
};

/* Defined by the macro, but not declared. */
struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
