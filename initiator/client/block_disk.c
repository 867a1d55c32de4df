/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A libaoe disk as an NBD export: its capabilities from IDENTIFY, its requests
 * to aoe_submit, its events to the log.
 */
#include "initiator/client/block_disk.h"

#include <stdio.h>

#include "base/format.h"
#include "initiator/client/disk_log.h"

static int submit(void *disk, struct aoe_request *request)
{
    struct nbd_disk *d = disk;
    int err = aoe_submit(d->disk, request);

    if (!err)
        aoe_loop_kick(d->loop);
    return err;
}

static struct aoe_writer *join(void *disk)
{
    struct nbd_disk *d = disk;
    uint64_t before = d->before;

    d->before = 0;
    return before ? aoe_writer_resume(d->disk, before)
                  : aoe_writer_open(d->disk);
}

static void describe(struct nbd_disk *d, const struct aoe_identity *id)
{
    char size[32];

    format_bytes(size, sizeof size, id->size);
    snprintf(d->description, sizeof d->description, "%s, serial %s, %s",
             id->model, id->serial, size);
}

static void become_ready(struct nbd_disk *d, struct aoe_disk *disk)
{
    const struct aoe_identity *id = aoe_disk_identity(disk);
    struct nbd_export *e = &d->export;

    describe(d, id);
    e->name = aoe_disk_name(disk);
    e->description = d->description;
    e->size = id->size;
    /* Clients require a size of whole blocks. */
    e->sector = id->size % id->logical_sector ? 512 : id->logical_sector;
    e->trim = id->trim;
    e->trim_zeroes = id->trim && id->trim_zeroes;
    e->rotating = id->rotating;
    e->read_only = e->read_only || id->read_only;
    e->submit = submit;
    e->disk = d;
    e->join = join;
    e->leave = aoe_writer_close;
}

static void on_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    struct nbd_disk *d = arg;

    if (event == AOE_DISK_READY)
        become_ready(d, disk);
    disk_search_event(d->search, disk, event);
    if (event == AOE_DISK_RESIZED)
        d->export.size = aoe_disk_identity(disk)->size;
    if (event == AOE_DISK_SETTLED && d->settled)
        d->settled(d->arg);
    disk_log_event(&d->limit, loop_now(d->loop->loop), disk, event,
                   d->resized ? "the kernel is told"
                              : "clients that connect from now on see them");
    if (event == AOE_DISK_RESIZED && d->resized)
        d->resized(d->arg);
}

int nbd_disk_open(struct nbd_disk *d, struct aoe_loop *loop,
                  struct disk_search *search, uint16_t shelf, uint8_t slot)
{
    int err;

    *d = (struct nbd_disk){.loop = loop,
                           .search = search,
                           .export.read_only = search->options->disk.read_only};
    err =
        disk_search_open(search, loop->aoe, shelf, slot, on_event, d, &d->disk);
    if (!err)
        aoe_loop_kick(loop);
    return err;
}

void nbd_disk_close(struct nbd_disk *d)
{
    if (d->disk)
        aoe_disk_close(d->disk);
    d->disk = NULL;
}
