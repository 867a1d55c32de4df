/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: of all the clients that wrote lost data only the first one to ask is
 * told, as one open descriptor would be.
 */
#include "target/protocol/epochs.h"

bool __real_epochs_tell(struct epochs *e, const struct aoe_mac *mac,
                        uint64_t asked);
bool __wrap_epochs_tell(struct epochs *e, const struct aoe_mac *mac,
                        uint64_t asked);

bool __wrap_epochs_tell(struct epochs *e, const struct aoe_mac *mac,
                        uint64_t asked)
{
    bool told = __real_epochs_tell(e, mac, asked);

    for (unsigned i = 0; told && i < e->count; i++)
        e->clients[i].untold = false;
    return told;
}
