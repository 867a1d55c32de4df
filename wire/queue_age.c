/* SPDX-License-Identifier: BSD-2-Clause
 *
 * wire/queue_age.h.
 */
#ifdef __linux__

#include "wire/queue_age.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"

#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME 7
#endif

/* Two clocks are read one after the other: a difference below this is none. */
#define TOGETHER ((int64_t)(NS_PER_S / 10))

/* Half of what is too long for a target (AGE_LIMIT in target/serve/port.c). */
#define CERTAIN (NS_PER_S / 2)

/* ---- the rules ----------------------------------------------------------- */

static bool apart(int64_t gained)
{
    return gained > TOGETHER || gained < -TOGETHER;
}

uint64_t queue_clock_of(struct queue_clock *c, uint64_t monotonic,
                        uint64_t real)
{
    int64_t lead = (int64_t)(real - monotonic);
    int64_t gained = lead - c->lead;

    if (!apart(gained))
        return monotonic + c->skipped;
    /* The machine was suspended, or the clock was set, which looks the same: a
     * frame may have waited so much longer. */
    if (gained > 0)
        c->skipped += (uint64_t)gained;
    c->lead = lead;
    return monotonic + c->skipped;
}

void queue_age_start(struct queue_age *q, uint64_t now, uint64_t real)
{
    q->after = now;
    q->lead = (int64_t)(real - now);
}

bool queue_age_unsure(const struct queue_age *q, uint64_t now)
{
    return now - q->after > CERTAIN;
}

bool queue_age_stamp(struct queue_age *q, uint64_t now, uint64_t real,
                     uint64_t stamp)
{
    if (apart((int64_t)(real - now) - q->lead) || stamp > real)
        return false;
    if (real - stamp < now - q->after)
        q->after = now - (real - stamp);
    return true;
}

/* ---- the kernel ---------------------------------------------------------- */

static uint64_t real_ns(void)
{
    uint64_t ns = 0;

    clock_read(CLOCK_REALTIME, &ns);
    return ns;
}

static uint64_t clock_now(struct queue_clock *c)
{
    uint64_t ns;

    if (!c->lacking && clock_read(CLOCK_BOOTTIME, &ns))
        return ns;
    c->lacking = true;
    ns = clock_ns();
    return queue_clock_of(c, ns, real_ns());
}

/* When the frame that was received last came, on the realtime clock.  0,
 * -ENOENT: none was received yet, or -errno. */
static int last_stamp(int fd, uint64_t *ns)
{
    unsigned long narrow[2];
    uint64_t wide[2];

    if (ioctl(fd, QUEUE_STAMP_NEW, wide) == 0) {
        *ns = wide[0] * NS_PER_S + wide[1] * NS_PER_US;
        return 0;
    }
    if (errno == ENOENT || ioctl(fd, QUEUE_STAMP_OLD, narrow))
        return -errno;
    *ns = narrow[0] * NS_PER_S + narrow[1] * NS_PER_US;
    return 0;
}

static bool queue_empty(int fd)
{
    char none;

    return recv(fd, &none, 0, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

/* The clocks are read before the queue is looked at: what comes later is later
 * than they say. */
static void start_if_empty(struct queue_age *q, int fd)
{
    uint64_t now = clock_now(&q->clock), real = real_ns();

    if (queue_empty(fd))
        queue_age_start(q, now, real);
}

static uint64_t age_of_one(struct queue_age *q, int fd)
{
    uint64_t stamp = 0, age;
    bool known = last_stamp(fd, &stamp) == 0 &&
                 queue_age_stamp(q, q->now, real_ns(), stamp);

    age = q->now - q->after;
    if (!known)
        start_if_empty(q, fd);
    return age;
}

void queue_age_begin(struct queue_age *q, int fd)
{
    uint64_t stamp;
    int e = last_stamp(fd, &stamp);

    *q = (struct queue_age){.stamped = e == 0 || e == -ENOENT, .later = true};
    q->now = clock_now(&q->clock);
    queue_age_start(q, q->now, real_ns());
}

int queue_age_before(struct queue_age *q, int max)
{
    if (!q->stamped)
        return max;
    if (q->later)
        q->now = clock_now(&q->clock);
    q->later = true;
    q->alone = queue_age_unsure(q, q->now);
    return q->alone ? 1 : max;
}

uint64_t queue_age_after(struct queue_age *q, int fd, int got, int wanted,
                         bool empty)
{
    uint64_t before = q->now, age = 0;

    if (!q->stamped)
        return 0;
    if (got > 0) {
        q->now = clock_now(&q->clock);
        age = q->alone ? age_of_one(q, fd) : q->now - q->after;
    }
    if (empty)
        q->after = before;
    q->later = q->alone || got < wanted;
    return age;
}

#endif
