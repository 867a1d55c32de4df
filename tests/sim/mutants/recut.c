/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: late copies of a long frame that was cut anew are forgotten.
 */
#include "initiator/fence.h"

void __real_fence_add(struct fence *fe, struct frame *f, uint64_t now);
void __wrap_fence_add(struct fence *fe, struct frame *f, uint64_t now);

void __wrap_fence_add(struct fence *fe, struct frame *f, uint64_t now)
{
    __real_fence_add(fe, f, f->recut_of ? now - FENCE_LIFETIME : now);
}
