/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: durable writes that were in the cache when another's sync failed are
 * not repeated, although the failure may have been theirs.
 */
#include "target/protocol/group_commit.h"

void __wrap_group_commit_lost(struct group_commit *g);

void __wrap_group_commit_lost(struct group_commit *g)
{
    (void)g;
}
