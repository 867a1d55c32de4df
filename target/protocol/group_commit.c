/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Group commit: one sync at a time, for all that wait for one.
 *
 *   add ---> WAITS ------------> FLUSHING ---> end   a FLUSH
 *   add ---> WRITING -> WRITTEN -> FLUSHING -> end   durable, with others
 *                                     +-> QUEUED -> ALONE -> end   it failed
 *   add ---> ALONE ----------------------------> end   durable, by itself
 *
 * Only FLUSHING and ALONE end with success: one of them has a sync behind it.
 */
#include "target/protocol/group_commit.h"

#include <assert.h>

static struct store_op *op_of(struct list *node)
{
    return list_entry(node, struct store_op, link);
}

static struct group_commit *group_of(struct store_op *flush)
{
    return list_entry(flush, struct group_commit, op);
}

static void move(struct store_op *op, enum group_commit_state from,
                 enum group_commit_state to)
{
    assert(op->group_state == from);
    (void)from;
    op->group_state = to;
}

void group_commit_init(struct group_commit *g)
{
    list_init(&g->written);
    list_init(&g->flushes);
    list_init(&g->alone);
    list_init(&g->covered);
}

bool group_commit_idle(const struct group_commit *g)
{
    return !g->busy && g->writing == 0 && list_empty(&g->written) &&
           list_empty(&g->flushes) && list_empty(&g->alone);
}

/* ---- operations that end --------------------------------------------------
 */

static void finish(struct store_op *op, int result)
{
    move(op, GROUP_FLUSHING, GROUP_NONE);
    op->result = result;
    op->done = result || op->kind == STORE_FLUSH ? 0 : op->length;
    op->group->finished(op);
}

/* The store has written it, but not made it durable. */
static void written(struct store_op *op)
{
    struct group_commit *g = op->group;

    assert(g->writing > 0);
    g->writing--;
    if (op->result) {
        move(op, GROUP_WRITING, GROUP_NONE);
        g->finished(op);
        return;
    }
    move(op, GROUP_WRITING, GROUP_WRITTEN);
    list_append(&g->written, &op->link);
    g->ready(g->arg);
}

static void done_alone(struct store_op *op)
{
    struct group_commit *g = op->group;

    assert(g->busy);
    move(op, GROUP_ALONE, GROUP_NONE);
    g->busy = false;
    g->finished(op);
    g->ready(g->arg);
}

void group_commit_lost(struct group_commit *g)
{
    g->losses++;
}

/* Only doing each one alone tells whose failure it was.  A FLUSH has nothing to
 * do again. */
static bool again(const struct group_commit *g, const struct store_op *op,
                  int result)
{
    return op->kind != STORE_FLUSH && (result || op->group_losses != g->losses);
}

static void flushed(struct store_op *flush)
{
    struct group_commit *g = group_of(flush);
    int result = flush->result;
    struct list covered, *node;

    assert(g->busy);
    g->busy = false;
    list_init(&covered);
    list_splice(&covered, &g->covered);
    g->ended(g->arg, result);
    while ((node = list_first(&covered))) {
        list_remove(node);
        if (again(g, op_of(node), result)) {
            move(op_of(node), GROUP_FLUSHING, GROUP_QUEUED);
            list_append(&g->alone, node);
        } else {
            finish(op_of(node), result);
        }
    }
    g->ready(g->arg);
}

/* ---- what the store gets --------------------------------------------------
 */

static void give_alone(struct group_commit *g, struct store_op *op,
                       struct list *batch)
{
    assert(!g->busy); /* one sync at a time */
    g->busy = true;
    op->durable = true;
    op->flush_follows = false;
    op->complete = done_alone;
    list_append(batch, &op->link);
}

void group_commit_add(struct group_commit *g, struct store_op *op, bool company,
                      struct list *batch)
{
    op->group = g;
    if (op->kind == STORE_FLUSH) {
        move(op, GROUP_NONE, GROUP_WAITS);
        list_append(&g->flushes, &op->link);
        return;
    }
    if (!company && group_commit_idle(g)) {
        move(op, GROUP_NONE, GROUP_ALONE);
        give_alone(g, op, batch);
        return;
    }
    move(op, GROUP_NONE, GROUP_WRITING);
    g->writing++;
    op->group_losses = g->losses;
    op->durable = false;
    op->flush_follows = true;
    op->complete = written;
    list_append(batch, &op->link);
}

static void give_flush(struct group_commit *g, struct list *batch)
{
    assert(!g->busy && list_empty(&g->covered)); /* one sync at a time */
    g->busy = true;
    list_each(it, &g->written)
        move(op_of(it), GROUP_WRITTEN, GROUP_FLUSHING);
    list_each(it, &g->flushes)
        move(op_of(it), GROUP_WAITS, GROUP_FLUSHING);
    list_splice(&g->covered, &g->written);
    list_splice(&g->covered, &g->flushes);
    store_op_init(&g->op, STORE_FLUSH);
    g->op.complete = flushed;
    g->begins(g->arg);
    list_append(batch, &g->op.link);
}

void group_commit_next(struct group_commit *g, struct list *batch)
{
    struct list *node = list_first(&g->alone);

    if (g->busy)
        return;
    if (node) {
        list_remove(node);
        move(op_of(node), GROUP_QUEUED, GROUP_ALONE);
        give_alone(g, op_of(node), batch);
    } else if (!list_empty(&g->written) || !list_empty(&g->flushes)) {
        give_flush(g, batch);
    }
}
