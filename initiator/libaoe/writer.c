/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Cursors of users: what each of them was not told yet.
 */
#include "initiator/libaoe/writer.h"

#include <errno.h>
#include <stdlib.h>

void writers_init(struct writers *ws)
{
    *ws = (struct writers){.own.heir_of = UINT32_MAX};
    list_init(&ws->all);
}

void writers_fini(struct writers *ws)
{
    list_each(node, &ws->all) {
        struct aoe_writer *w = list_entry(node, struct aoe_writer, link);

        list_remove(node);
        w->disk = NULL;
    }
}

struct aoe_writer *writer_new(struct writers *ws, struct aoe_disk *disk)
{
    struct aoe_writer *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->disk = disk;
    w->losses = ws->ended_lost;
    w->heir_of = ws->ended;
    list_append(&ws->all, &w->link);
    return w;
}

/* Whoever comes next may be the same client. */
static void bequeath(struct writers *ws, const struct aoe_writer *w,
                     uint64_t flushed)
{
    if (!w->touched && w->last <= flushed)
        return;
    ws->ended++;
    if (ws->ended_last < w->last)
        ws->ended_last = w->last;
    ws->ended_lost = ws->ended_lost || w->touched;
}

/* If requests are left this runs twice: what is lost already must not wait for
 * them. */
void writer_close(struct writers *ws, struct aoe_writer *w, uint64_t flushed)
{
    w->closed = true;
    bequeath(ws, w, flushed);
    if (w->requests > 0)
        return;
    list_remove(&w->link);
    free(w);
}

void writer_ended(struct writers *ws, struct aoe_writer *w, uint64_t flushed)
{
    w->requests--;
    if (w->closed && w->requests == 0)
        writer_close(ws, w, flushed);
}

bool writers_untold(const struct writers *ws)
{
    if (ws->ended_lost || ws->own.losses != ws->own.told)
        return true;
    list_each(node, &ws->all) {
        const struct aoe_writer *w = list_entry(node, struct aoe_writer, link);

        if (w->losses != w->told)
            return true;
    }
    return false;
}

static void lose(struct aoe_writer *w, uint64_t flushed)
{
    w->losses++;
    w->touched = w->touched || w->last > flushed;
}

void writers_lost(struct writers *ws, uint64_t flushed)
{
    list_each(node, &ws->all)
        lose(list_entry(node, struct aoe_writer, link), flushed);
    /* A program without writers of its own flushes what it wrote itself. */
    if (ws->own.last > flushed)
        lose(&ws->own, flushed);
    if (ws->ended_last > flushed)
        ws->ended_lost = true;
}

int writer_told(struct writers *ws, struct aoe_writer *w, uint32_t told,
                int status)
{
    if (w->losses == told || (status && status != -EIO))
        return status;
    w->told = w->losses;
    w->touched = false;
    if (w->heir_of == ws->ended)
        ws->ended_lost = false;
    return -EIO;
}
