/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Several vblades may do together what one aoe-target must not: two writers of
 * one file, two disks at one address.
 */
#include <string.h>

#include "target/import/import_parts.h"

bool import_same_disk(const struct export_config *a,
                      const struct export_config *b)
{
    struct export_config x, y;

    if (!aoe_addr_equal(a->addr, b->addr) || strcmp(a->path, b->path) != 0)
        return false;
    x = *a;
    y = *b;
    x.interface_count = y.interface_count = 0;
    return export_config_equal(&x, &y);
}

static bool pattern(const char *name)
{
    return strpbrk(name, "*?[") != NULL;
}

/* A pattern may match whatever there is. */
static bool share_interface(const struct export_config *a,
                            const struct export_config *b)
{
    for (unsigned i = 0; i < a->interface_count; i++)
        for (unsigned j = 0; j < b->interface_count; j++)
            if (pattern(a->interfaces[i]) || pattern(b->interfaces[j]) ||
                strcmp(a->interfaces[i], b->interfaces[j]) == 0)
                return true;
    return false;
}

static bool overlap(const struct export_config *a,
                    const struct export_config *b)
{
    uint64_t a_end = a->length ? a->offset + a->length : UINT64_MAX;
    uint64_t b_end = b->length ? b->offset + b->length : UINT64_MAX;

    return a->offset < b_end && b->offset < a_end;
}

const char *import_collision(const struct export_config *a,
                             const struct export_config *b)
{
    if (aoe_addr_equal(a->addr, b->addr) && share_interface(a, b))
        return "this address is taken on the same interface";
    if (strcmp(a->path, b->path) == 0 && !(a->read_only && b->read_only) &&
        overlap(a, b))
        return "the same sectors of the same file are exported already; two "
               "writers destroy what is on it";
    return NULL;
}
