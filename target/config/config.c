/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The wanted exports, as plain data.
 */
#include "target/config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { COMMIT_SECONDS = 5 };

void export_config_init(struct export_config *c)
{
    *c = (struct export_config){.buffer_count = EXPORT_BUFFERS,
                                .commit_ns = COMMIT_SECONDS * NS_PER_S};
}

int export_config_copy(struct export_config *to,
                       const struct export_config *from)
{
    *to = *from;
    to->path = from->path ? strdup(from->path) : NULL;
    to->fault = from->fault ? strdup(from->fault) : NULL;
    if (!from->path == !to->path && !from->fault == !to->fault)
        return 0;
    export_config_free(to);
    return -ENOMEM;
}

void export_config_free(struct export_config *c)
{
    free(c->path);
    free(c->fault);
    c->path = c->fault = NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_interfaces(const struct export_config *a,
                            const struct export_config *b)
{
    if (a->interface_count != b->interface_count)
        return false;
    for (unsigned i = 0; i < a->interface_count; i++)
        if (strcmp(a->interfaces[i], b->interfaces[i]) != 0)
            return false;
    return true;
}

bool export_config_equal(const struct export_config *a,
                         const struct export_config *b)
{
    return aoe_addr_equal(a->addr, b->addr) && same_text(a->path, b->path) &&
           same_interfaces(a, b) && a->buffer_count == b->buffer_count &&
           a->max_sectors == b->max_sectors && a->direct == b->direct &&
           a->sync == b->sync && a->read_only == b->read_only &&
           a->offset == b->offset && a->length == b->length &&
           a->commit_ns == b->commit_ns &&
           mac_list_equal(&a->allow, &b->allow) && a->admin == b->admin &&
           mac_list_equal(&a->admins, &b->admins) &&
           same_text(a->fault, b->fault);
}

void config_free(struct config *c)
{
    for (unsigned i = 0; i < c->count; i++)
        export_config_free(&c->exports[i]);
    free(c->exports);
    *c = (struct config){0};
}
