/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Decides from the request rate whether polling pays.
 */
#include "target/serve/adaptive_polling.h"

#include <assert.h>

#include "base/clock.h"

/* Polling for longer costs more than it saves: one sleep and wake-up. */
static const uint64_t poll_ns = 50000;
/* A longer gap means the client is idle. */
static const uint64_t idle_ns = NS_PER_S / 1000;
static const uint64_t window_ns = NS_PER_S / 500;

enum {
    REQUESTS_MIN = 32, /* in a window */
    TRIAL_WINDOWS = 2,
    PERIOD_WINDOWS = 64, /* from one trial to the next */
};

static void begin_window(struct adaptive_polling *p, uint64_t now)
{
    p->began = now;
    p->requests = 0;
}

/* By more than an eighth, since polling costs idle CPU time. */
static bool better(uint64_t polling, uint64_t sleeping)
{
    return polling < sleeping - sleeping / 8;
}

static void begin_trial(struct adaptive_polling *p)
{
    p->in_trial = true;
    p->windows = 0;
    p->trial_ns = 0;
}

static void end_trial(struct adaptive_polling *p)
{
    bool pays = p->pays ? better(p->usual_ns, p->trial_ns)
                        : better(p->trial_ns, p->usual_ns);

    if (pays != p->pays)
        p->usual_ns = p->trial_ns;
    p->pays = pays;
    p->in_trial = false;
    p->windows = 1;
}

static void end_window(struct adaptive_polling *p, uint64_t spacing_ns)
{
    uint64_t *mean = p->in_trial ? &p->trial_ns : &p->usual_ns;

    *mean = *mean ? (*mean * 3 + spacing_ns) / 4 : spacing_ns;
    p->windows++;
    if (!p->in_trial && (p->windows == 1 || p->windows >= PERIOD_WINDOWS))
        begin_trial(p);
    else if (p->in_trial && p->windows >= TRIAL_WINDOWS)
        end_trial(p);
}

void adaptive_polling_requests(struct adaptive_polling *p, unsigned count,
                               uint64_t now)
{
    uint64_t since = now - p->began;

    assert(count > 0 && now >= p->last);
    p->asked = true;
    if (now - p->last > idle_ns) {
        *p = (struct adaptive_polling){.asked = true};
        begin_window(p, now);
    } else if (p->requests >= REQUESTS_MIN && since >= window_ns) {
        end_window(p, since / p->requests);
        begin_window(p, now);
    }
    p->last = now;
    p->requests += count;
}

uint64_t adaptive_polling_ns(struct adaptive_polling *p)
{
    p->asked = false;
    return p->pays != p->in_trial ? poll_ns : 0;
}
