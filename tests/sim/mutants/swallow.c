/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: with a replay log, a FLUSH that fails has no consequence: what is
 * lost is not written again.
 */
#include "initiator/libaoe/loss.h"
#include "initiator/libaoe/restart.h"

void __real_disk_flush_failed(struct aoe_disk *d, enum flush_failure how,
                              bool again);
void __wrap_disk_flush_failed(struct aoe_disk *d, enum flush_failure how,
                              bool again);
void __real_disk_vendor(struct aoe_disk *d, const struct ata_vendor *v);
void __wrap_disk_vendor(struct aoe_disk *d, const struct ata_vendor *v);

void __wrap_disk_flush_failed(struct aoe_disk *d, enum flush_failure how,
                              bool again)
{
    if (!d->replay)
        __real_disk_flush_failed(d, how, again);
    else if (how == FLUSH_MOVED && again)
        disk_doubt(d);
}

void __wrap_disk_vendor(struct aoe_disk *d, const struct ata_vendor *v)
{
    if (d->replay && v->present && v->boot == d->restart.vendor.boot)
        d->restart.vendor.epoch = v->epoch;
    __real_disk_vendor(d, v);
}
