/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: durable operations go to the store concurrently, where one of them
 * may be told of another's failure.
 */
#include "target/protocol/group_commit.h"

void __real_group_commit_add(struct group_commit *g, struct store_op *op,
                             bool company, struct list *batch);
void __wrap_group_commit_add(struct group_commit *g, struct store_op *op,
                             bool company, struct list *batch);

static void completed(struct store_op *op)
{
    op->group->finished(op);
}

void __wrap_group_commit_add(struct group_commit *g, struct store_op *op,
                             bool company, struct list *batch)
{
    if (op->kind == STORE_FLUSH) {
        __real_group_commit_add(g, op, company, batch);
        return;
    }
    op->group = g;
    op->durable = true;
    op->complete = completed;
    list_append(batch, &op->link);
}
