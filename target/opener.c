/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Opens the storage of an export, a file, a device or an NBD server, claims it
 * for this process, and adds fault injection if wanted.
 */
#include "target/opener.h"

#include "target/store/claim.h"
#include "target/store/store.h"
#include "target/store/store_nbd.h"

static int open_inner(const struct opener *by, const struct export_config *o,
                      struct store_nbd_dial *dial, struct store **out)
{
    struct store_file_options file = {
        .path = o->path,
        .read_only = o->read_only,
        .direct = o->direct,
        .offset = o->offset * AOE_SECTOR,
        .length = o->length * AOE_SECTOR,
    };
    struct claim claim = {
        .path = o->path,
        .read_only = o->read_only,
        .force = o->force_file,
        .wait_until = by->wait_until,
        .loop = by->loop,
        .offset = file.offset,
        .length = file.length,
    };
    int fd;

    if (store_nbd_uri(o->path))
        return store_nbd_open(out, &file, by->loop, dial);
    fd = claim_open(&claim);
    if (fd < 0)
        return fd;
    return store_file_open(out, fd, &file, by->workers);
}

static int open_store(const struct opener *by, const struct export_config *o,
                      struct store_nbd_dial *dial, struct store **out)
{
    struct store *inner;
    int err = open_inner(by, o, dial, &inner);

    if (err)
        return err;
    *out = inner;
    if (!o->fault)
        return 0;
    err = store_fault_open(out, inner, o->fault, by->loop);
    if (err)
        store_close(inner);
    return err;
}

static void describe(struct export *e, const struct export_config *o,
                     const struct store *s)
{
    *e = (struct export){
        .addr = o->addr,
        .sectors = s->size / AOE_SECTOR,
        .physical_sector = s->physical_sector,
        .buffer_count = o->buffer_count,
        .max_sectors = o->max_sectors,
        .firmware = export_firmware(),
        .read_only = s->read_only,
        .sync = o->sync || s->no_cache,
        .write_cache = !o->sync && !s->no_cache && !s->read_only,
        .can_trim = s->can_trim,
        .trim_zeroes = s->trim_zeroes,
        .solid = s->solid,
        .commit_ns = o->commit_ns,
        .mask = o->allow,
        .admin = o->admin,
        .admins = o->admins,
    };
    export_set_serial(e, s->identity, o->offset);
}

int opener_open(void *arg, const struct export_config *c,
                struct store_nbd_dial *dial, struct export *e,
                struct store **out)
{
    int err = open_store(arg, c, dial, out);

    if (!err)
        describe(e, c, *out);
    return err;
}
