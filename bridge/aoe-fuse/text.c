/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The texts, .info and .stats: made when they are opened, kept as long as they
 * are open.
 */
#include "bridge/aoe-fuse/internal.h"

#include <assert.h>
#include <stdlib.h>

#include "initiator/client/disk_text.h"

static bool make_text(const struct aoefs_disk *disk, enum aoefs_kind kind,
                      struct aoefs_text *out)
{
    assert(kind != AOEFS_DISK);
    out->bytes = kind == AOEFS_INFO ? disk_info_text(disk->disk, &out->length)
                                    : disk_stats_text(disk->disk, &out->length);
    return out->bytes != NULL;
}

struct aoefs_text *aoefs_text_open(const struct aoefs_disk *disk,
                                   enum aoefs_kind kind)
{
    struct aoefs_text *text = malloc(sizeof *text);

    if (text && make_text(disk, kind, text))
        return text;
    free(text);
    return NULL;
}

void aoefs_text_close(struct aoefs_text *text)
{
    free(text->bytes);
    free(text);
}

off_t aoefs_text_size(const struct aoefs_disk *disk, enum aoefs_kind kind)
{
    struct aoefs_text text;

    if (!make_text(disk, kind, &text))
        return 0;
    free(text.bytes);
    return (off_t)text.length;
}

void aoefs_text_read(fuse_req_t req, const struct aoefs_text *text, size_t size,
                     off_t offset)
{
    size_t at = text->length;

    if (offset >= 0 && (uint64_t)offset < text->length)
        at = (size_t)offset;
    if (size > text->length - at)
        size = text->length - at;
    fuse_reply_buf(req, text->bytes + at, size);
}
