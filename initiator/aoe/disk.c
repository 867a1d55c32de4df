/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Options and opening, for the subcommands that use one disk.
 */
#include "initiator/aoe/disk.h"

#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "initiator/client/disk_log.h"

void command_disk_init(struct command_disk *c, const struct command_line *line)
{
    *c = (struct command_disk){.line = line};
    client_options_init(&c->options);
}

int command_disk_options(struct command_disk *c, void *own, int *argc,
                         char **argv)
{
    return command_line_parse(c->line, &c->options, own, argc, argv);
}

int command_wrong(const struct command_disk *c, const char *what,
                  const char *value, const char *why)
{
    return command_line_wrong(c->line, what, value, why);
}

int command_disk_name(struct command_disk *c, const char *name)
{
    c->name = name;
    return command_line_disk(c->line, name, &c->shelf, &c->slot);
}

int command_disk_alone(struct command_disk *c, int argc, char **argv)
{
    if (argc != 1)
        return command_wrong(c, "name one disk, like e1.2", NULL, NULL);
    return command_disk_name(c, argv[0]);
}

static void on_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    struct command_disk *c = arg;

    disk_search_event(&c->search, disk, event);
    if (event == AOE_DISK_RESTARTED || event == AOE_DISK_LOST_WRITES)
        c->lost_writes = true;
    /* The flush that fails reports it. */
    if (event == AOE_DISK_LOST_WRITES)
        return;
    disk_log_event(&c->limit, clock_ns(), disk, event,
                   "this command goes on with the size it began with");
}

uint64_t command_now(struct command_disk *c)
{
    uint64_t now = clock_ns();

    if (!c->awake.until)
        awake_init(&c->awake, now);
    awake_run(&c->awake, now);
    return awake_time(&c->awake, now);
}

int command_wait(struct command_disk *c, uint64_t end)
{
    uint64_t now = command_now(c);
    uint64_t left = end > now ? end - now : 0;

    /* In short steps: a process that was stopped does not know when. */
    if (left > NS_PER_S)
        left = NS_PER_S;
    awake_sleep(&c->awake, awake_real(&c->awake, now + left));
    return aoe_wait(c->aoe, (int64_t)left);
}

int command_disk_open(struct command_disk *c)
{
    int err = interfaces_open(&c->options.interfaces, &c->aoe);
    uint64_t end;

    if (err)
        return err;
    c->search = (struct disk_search){.trying = c->line->command,
                                     .options = &c->options};
    if (disk_search_open(&c->search, c->aoe, c->shelf, c->slot, on_event, c,
                         &c->disk))
        return EXIT_FAILED;
    end = command_now(c) + c->options.wait;
    while (!err && !c->search.over && command_now(c) < end)
        err = command_wait(c, end);
    if (err)
        log_error("%s: %s: %s", c->line->command, c->name, strerror(-err));
    else
        disk_search_give_up(&c->search);
    return aoe_disk_ready(c->disk) ? 0 : EXIT_FAILED;
}

void command_disk_close(struct command_disk *c)
{
    if (c->disk)
        aoe_disk_close(c->disk);
    aoe_close(c->aoe);
    client_options_free(&c->options);
    c->disk = NULL;
    c->aoe = NULL;
}
