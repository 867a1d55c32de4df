/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A store that wraps another and injects faults (aoe-target(8), --fault): to
 * see what a client does about a bad sector, a full disk or a slow one before a
 * real disk shows it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/options.h"
#include "target/store/store.h"

enum { SECTOR = 512, FAULTS_MAX = 16 };

/* Operations of one kind fail where they touch these sectors. */
struct fault {
    enum store_kind kind;
    uint64_t first, last;
};

struct fault_plan {
    struct fault faults[FAULTS_MAX];
    unsigned count;
    uint64_t delay_ns; /* by which every completion is late */
};

struct fault_store {
    struct store store;
    struct store *inner;
    uint64_t inner_losses; /* of inner->losses, those that were counted */
    struct fault_plan plan;
    struct loop *loop;
    struct loop_timer timer;
    struct list delayed; /* of fault_op.link, in the order they fall due */
};

/* An operation on the inner store that stands for one of the caller's. */
struct fault_op {
    struct store_op op;
    struct store_op *outer;
    struct fault_store *fs;
    int error;    /* of the outer one, even if this one succeeds */
    uint64_t due; /* ns */
    struct list link;
};

/* ---- the specification -------------------------------------------------- */

/* "7" or "7-9". */
static int parse_sectors(const char *text, struct fault *f)
{
    char buffer[48];
    char *dash;
    int err;

    if (strlen(text) >= sizeof buffer)
        return -EINVAL;
    strcpy(buffer, text);
    dash = strchr(buffer, '-');
    if (dash)
        *dash = '\0';
    err = option_u64(buffer, 0, UINT64_MAX / SECTOR, &f->first);
    f->last = f->first;
    if (!err && dash)
        err = option_u64(dash + 1, f->first, UINT64_MAX / SECTOR, &f->last);
    return err;
}

static int parse_one(struct fault_plan *plan, const char *word)
{
    static const struct {
        const char *name;
        enum store_kind kind;
    } kinds[] = {{"read-error=", STORE_READ},
                 {"write-error=", STORE_WRITE},
                 {"trim-error=", STORE_TRIM}};
    struct fault f = {.last = UINT64_MAX};

    if (strncmp(word, "delay=", 6) == 0)
        return option_seconds(word + 6, &plan->delay_ns);
    if (plan->count == FAULTS_MAX)
        return -E2BIG;
    if (strcmp(word, "flush-error") == 0) {
        f.kind = STORE_FLUSH;
        plan->faults[plan->count++] = f;
        return 0;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t len = strlen(kinds[i].name);

        if (strncmp(word, kinds[i].name, len) != 0)
            continue;
        f.kind = kinds[i].kind;
        plan->faults[plan->count] = f;
        return parse_sectors(word + len, &plan->faults[plan->count++]);
    }
    return -EINVAL;
}

static int parse(struct fault_plan *plan, const char *spec)
{
    char *copy = strdup(spec), *save = NULL;
    int err = copy ? 0 : -ENOMEM;

    memset(plan, 0, sizeof *plan);
    for (char *word = err ? NULL : strtok_r(copy, ",", &save); word && !err;
         word = strtok_r(NULL, ",", &save))
        err = parse_one(plan, word);
    free(copy);
    if (!err && plan->count == 0 && plan->delay_ns == 0)
        err = -EINVAL;
    return err;
}

int store_fault_check(const char *spec)
{
    struct fault_plan plan;

    return parse(&plan, spec) ? -EINVAL : 0;
}

/* ---- running ------------------------------------------------------------ */

static void note(struct fault_store *fs, const struct fault_op *fo)
{
    fs->store.gone = fs->inner->gone;
    fs->store.losses += fs->inner->losses - fs->inner_losses;
    fs->inner_losses = fs->inner->losses;
    if (fo->op.kind == STORE_FLUSH && fo->error)
        fs->store.losses++;
}

static void finish(struct fault_op *fo)
{
    struct store_op *outer = fo->outer;

    note(fo->fs, fo);
    outer->result = fo->op.result ? fo->op.result : fo->error;
    outer->done = fo->op.done;
    free(fo);
    outer->complete(outer);
}

static void finish_due(void *arg)
{
    struct fault_store *fs = arg;
    struct list *node;

    while ((node = list_first(&fs->delayed))) {
        struct fault_op *fo = list_entry(node, struct fault_op, link);

        if (fo->due > loop_now(fs->loop)) {
            loop_timer_set(fs->loop, &fs->timer, fo->due);
            return;
        }
        list_remove(node);
        finish(fo);
    }
}

static void finish_later(struct fault_op *fo)
{
    struct fault_store *fs = fo->fs;

    fo->due = loop_clock(fs->loop) + fs->plan.delay_ns;
    list_append(&fs->delayed, &fo->link);
    if (!fs->timer.index && loop_timer_set(fs->loop, &fs->timer, fo->due)) {
        list_remove(&fo->link);
        finish(fo);
    }
}

static void inner_complete(struct store_op *op)
{
    struct fault_op *fo = list_entry(op, struct fault_op, op);

    if (fo->fs->plan.delay_ns)
        finish_later(fo);
    else
        finish(fo);
}

static bool kind_matches(enum store_kind fault, enum store_kind op)
{
    return fault == op || (fault == STORE_READ && op == STORE_VERIFY);
}

/* Truncates an operation before the first sector that is to fail. */
static void apply(const struct fault_store *fs, struct fault_op *fo)
{
    struct store_op *op = &fo->op;

    for (unsigned i = 0; i < fs->plan.count; i++) {
        const struct fault *f = &fs->plan.faults[i];
        uint64_t first = op->offset / SECTOR;
        uint64_t end = first + op->length / SECTOR;
        uint64_t at = f->first > first ? f->first : first;

        if (!kind_matches(f->kind, op->kind))
            continue;
        if (op->kind == STORE_FLUSH) {
            fo->error = -EIO;
        } else if (at < end && at <= f->last) {
            fo->error = -EIO;
            op->length = (at - first) * SECTOR;
        }
    }
}

static bool nothing_left(const struct fault_op *fo)
{
    return fo->error && fo->op.length == 0;
}

static void fault_submit(struct store *s, struct list *ops)
{
    struct fault_store *fs = list_entry(s, struct fault_store, store);
    struct list inner, *node;

    list_init(&inner);
    while ((node = list_first(ops))) {
        struct store_op *outer = list_entry(node, struct store_op, link);
        struct fault_op *fo = calloc(1, sizeof *fo);

        list_remove(node);
        if (!fo) {
            outer->result = -ENOMEM;
            outer->done = 0;
            outer->complete(outer);
            continue;
        }
        fo->op = (struct store_op){.kind = outer->kind,
                                   .durable = outer->durable,
                                   .flush_follows = outer->flush_follows,
                                   .offset = outer->offset,
                                   .length = outer->length,
                                   .data = outer->data,
                                   .complete = inner_complete};
        fo->outer = outer;
        fo->fs = fs;
        apply(fs, fo);
        if (nothing_left(fo))
            inner_complete(&fo->op);
        else
            list_append(&inner, &fo->op.link);
    }
    store_submit(fs->inner, &inner);
}

static void fault_close(struct store *s)
{
    struct fault_store *fs = list_entry(s, struct fault_store, store);

    loop_timer_cancel(fs->loop, &fs->timer);
    store_close(fs->inner);
    free(fs);
}

static const struct store_ops fault_ops = {
    .name = "fault", .submit = fault_submit, .close = fault_close};

int store_fault_open(struct store **out, struct store *inner, const char *spec,
                     struct loop *loop)
{
    struct fault_store *fs = calloc(1, sizeof *fs);
    int err;

    if (!fs)
        return -ENOMEM;
    err = parse(&fs->plan, spec);
    if (err) {
        free(fs);
        return err;
    }
    fs->store = *inner;
    fs->store.ops = &fault_ops;
    fs->inner = inner;
    fs->inner_losses = inner->losses;
    fs->loop = loop;
    fs->timer = (struct loop_timer){.expired = finish_due, .arg = fs};
    list_init(&fs->delayed);
    *out = &fs->store;
    return 0;
}
