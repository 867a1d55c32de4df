/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compares two configurations.  No I/O: the caller says what the storage is
 * like.
 */
#include "target/serve/reload_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { NONE = UINT32_MAX };

struct planner {
    const struct plan_export *current;
    unsigned count;
    const struct config *wanted;
    bool *kept;              /* of `current` */
    struct plan_step *steps; /* those of `wanted` first, in its order */
    unsigned step_count;
};

/* ---- what is wanted ----------------------------------------------------- */

static unsigned find_unchanged(const struct planner *p,
                               const struct export_config *c)
{
    for (unsigned i = 0; i < p->count; i++) {
        const struct plan_export *e = &p->current[i];

        if (!e->closing && !p->kept[i] && !e->storage_changed &&
            export_config_equal(e->config, c))
            return i;
    }
    return NONE;
}

/* The export that had the address, and will be closed. */
static unsigned find_replaced(const struct planner *p, struct aoe_addr addr)
{
    for (unsigned i = 0; i < p->count; i++)
        if (!p->kept[i] && aoe_addr_equal(p->current[i].config->addr, addr))
            return i;
    return NONE;
}

static enum plan_reason why_changed(const struct plan_export *e,
                                    const struct export_config *c)
{
    if (e->closing)
        return PLAN_STILL_CLOSING;
    return export_config_equal(e->config, c) ? PLAN_STORAGE_CHANGED
                                             : PLAN_CONFIG_CHANGED;
}

static void keep_unchanged(struct planner *p)
{
    for (unsigned w = 0; w < p->wanted->count; w++) {
        struct plan_step *s = &p->steps[w];

        s->wanted = w;
        s->current = find_unchanged(p, &p->wanted->exports[w]);
        if (s->current == NONE)
            continue;
        s->action = PLAN_KEEP;
        s->reason = PLAN_UNCHANGED;
        p->kept[s->current] = true;
    }
}

/* Once all that is kept is known. */
static void open_others(struct planner *p)
{
    for (unsigned w = 0; w < p->wanted->count; w++) {
        const struct export_config *c = &p->wanted->exports[w];
        struct plan_step *s = &p->steps[w];

        if (s->current != NONE)
            continue;
        s->current = find_replaced(p, c->addr);
        s->action = s->current == NONE ? PLAN_OPEN : PLAN_RECONFIGURE;
        s->reason = s->current == NONE
                        ? PLAN_ADDED
                        : why_changed(&p->current[s->current], c);
    }
}

/* ---- what is there ------------------------------------------------------ */

static bool address_opened(const struct planner *p, struct aoe_addr addr)
{
    for (unsigned w = 0; w < p->wanted->count; w++)
        if (p->steps[w].action != PLAN_KEEP &&
            aoe_addr_equal(p->wanted->exports[w].addr, addr))
            return true;
    return false;
}

static void close_rest(struct planner *p)
{
    p->step_count = p->wanted->count;
    for (unsigned i = 0; i < p->count; i++) {
        const struct plan_export *e = &p->current[i];

        if (p->kept[i] || e->closing)
            continue;
        p->steps[p->step_count++] = (struct plan_step){
            .action = PLAN_CLOSE,
            .reason = address_opened(p, e->config->addr) ? PLAN_REPLACED
                                                         : PLAN_REMOVED,
            .wanted = NONE,
            .current = i,
        };
    }
}

int reload_plan(struct reload_plan *out, const struct plan_export *current,
                unsigned count, const struct config *wanted)
{
    struct planner p = {.current = current, .count = count, .wanted = wanted};

    p.kept = calloc(count + 1, sizeof *p.kept);
    p.steps = calloc(count + wanted->count + 1, sizeof *p.steps);
    if (!p.kept || !p.steps) {
        free(p.kept);
        free(p.steps);
        return -ENOMEM;
    }
    keep_unchanged(&p);
    open_others(&p);
    close_rest(&p);
    assert(p.step_count <= count + wanted->count);
    free(p.kept);
    *out = (struct reload_plan){.steps = p.steps, .count = p.step_count};
    return 0;
}

void reload_plan_free(struct reload_plan *p)
{
    free(p->steps);
    *p = (struct reload_plan){0};
}

/* ---- for the log -------------------------------------------------------- */

unsigned reload_plan_count(const struct reload_plan *p, enum plan_action action)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->count; i++)
        n +=
            p->steps[i].action == action && p->steps[i].reason != PLAN_REPLACED;
    return n;
}

const char *plan_action_text(enum plan_action action)
{
    static const char *const texts[] = {
        [PLAN_OPEN] = "open",
        [PLAN_KEEP] = "keep",
        [PLAN_RECONFIGURE] = "reconfigure",
        [PLAN_CLOSE] = "close",
    };

    return texts[action];
}

const char *plan_reason_text(enum plan_reason reason)
{
    static const char *const texts[] = {
        [PLAN_ADDED] = "new in the configuration",
        [PLAN_UNCHANGED] = "unchanged",
        [PLAN_CONFIG_CHANGED] = "its configuration changed",
        [PLAN_STORAGE_CHANGED] = "its storage changed",
        [PLAN_STILL_CLOSING] = "its old disk is still closing",
        [PLAN_REMOVED] = "no longer in the configuration",
        [PLAN_REPLACED] = "makes way for its successor",
    };

    return texts[reason];
}
