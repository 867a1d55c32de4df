/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: the loss epoch stays the same although something was lost.
 */
#include "target/protocol/epochs.h"

bool __real_epochs_lose(struct epochs *e);
bool __wrap_epochs_lose(struct epochs *e);

bool __wrap_epochs_lose(struct epochs *e)
{
    __real_epochs_lose(e);
    return false;
}
