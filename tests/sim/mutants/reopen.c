/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: a reopened disk has forgotten which clients must still be told of a
 * loss.
 */
#include "target/protocol/epochs.h"

void __wrap_epochs_inherit(struct epochs *e, struct epochs *from);

void __wrap_epochs_inherit(struct epochs *e, struct epochs *from)
{
    epochs_fini(e);
    epochs_fini(from);
}
