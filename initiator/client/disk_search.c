/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding disks, or saying why not.
 */
#include "initiator/client/disk_search.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "initiator/client/disk_log.h"

static void end(struct disk_search *s, void (*how)(void *arg))
{
    disk_search_stop(s);
    if (how)
        how(s->arg);
}

static void say_missing(const struct disk_search *s,
                        const struct aoe_disk *disk)
{
    const char *trouble = aoe_disk_trouble(disk);

    if (*trouble)
        log_error("%s: %s: %s", s->trying, aoe_disk_name(disk), trouble);
    else
        disk_log_no_answer(s->trying, aoe_disk_name(disk),
                           &s->options->interfaces, s->options->wait);
}

void disk_search_give_up(struct disk_search *s)
{
    if (s->over)
        return;
    for (unsigned i = 0; i < s->count; i++)
        if (!aoe_disk_ready(s->disks[i]))
            say_missing(s, s->disks[i]);
    end(s, s->failed);
}

void disk_search_event(struct disk_search *s, const struct aoe_disk *disk,
                       enum aoe_event event)
{
    if (s->over)
        return;
    if (event == AOE_DISK_READY) {
        assert(s->ready < s->count);
        if (++s->ready == s->count)
            end(s, s->found);
    }
    /* Two disks at one address: waiting would not help. */
    if (event == AOE_DISK_CONFLICT && !aoe_disk_ready(disk)) {
        say_missing(s, disk);
        end(s, s->failed);
    }
}

int disk_search_open(struct disk_search *s, struct aoe *aoe, uint16_t shelf,
                     uint8_t slot, aoe_event_fn *event, void *arg,
                     struct aoe_disk **out)
{
    int err;

    assert(s->count < DISK_NAMES_MAX && !s->over);
    err = aoe_disk_open(aoe, shelf, slot, &s->options->disk, event, arg, out);
    if (err)
        log_error("%s: e%u.%u: %s", s->trying, shelf, slot, strerror(-err));
    else
        s->disks[s->count++] = *out;
    return err;
}

static void expired(void *arg)
{
    disk_search_give_up(arg);
}

int disk_search_start(struct disk_search *s, struct loop *loop)
{
    s->loop = loop;
    s->timer = (struct loop_timer){.expired = expired, .arg = s};
    return loop_timer_set(loop, &s->timer, loop_clock(loop) + s->options->wait);
}

void disk_search_stop(struct disk_search *s)
{
    if (s->loop)
        loop_timer_cancel(s->loop, &s->timer);
    s->over = true;
}
