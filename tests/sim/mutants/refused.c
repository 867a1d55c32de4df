/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: a refused FLUSH is taken for a command that the target neither has
 * nor needs: it counts as a success, and is never sent again.
 */
#include "initiator/libaoe/loss.h"

void __real_disk_flush_failed(struct aoe_disk *d, enum flush_failure how,
                              bool again);
void __wrap_disk_flush_failed(struct aoe_disk *d, enum flush_failure how,
                              bool again);
bool __real_disk_flush_again(struct aoe_disk *d, enum flush_failure how);
bool __wrap_disk_flush_again(struct aoe_disk *d, enum flush_failure how);
void __real_transfer_fail(struct transfer *t, int status, uint64_t lba);
void __wrap_transfer_fail(struct transfer *t, int status, uint64_t lba);

static bool refused;

bool __wrap_disk_flush_again(struct aoe_disk *d, enum flush_failure how)
{
    refused = how == FLUSH_REFUSED;
    if (refused)
        d->identity.flush_opcode = 0;
    return __real_disk_flush_again(d, how);
}

void __wrap_transfer_fail(struct transfer *t, int status, uint64_t lba)
{
    if (!refused)
        __real_transfer_fail(t, status, lba);
}

void __wrap_disk_flush_failed(struct aoe_disk *d, enum flush_failure how,
                              bool again)
{
    if (!refused)
        __real_disk_flush_failed(d, how, again);
    refused = false;
}
