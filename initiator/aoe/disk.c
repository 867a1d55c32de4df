/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Options and opening, for the subcommands that use one disk.
 */
#include "initiator/aoe/disk.h"

#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "initiator/client/disk_log.h"
#include "initiator/client/disk_options.h"

void command_disk_init(struct command_disk *c, const char *command)
{
    *c = (struct command_disk){.command = command,
                               .wait = 10 * NS_PER_S,
                               .options.timeout = AOE_TIMEOUT_DEFAULT};
}

int command_wrong(const struct command_disk *c, const char *option,
                  const char *value, const char *why)
{
    log_error("%s: %s %s: %s; see aoe %s --help", c->command, option, value,
              why, c->command);
    return EXIT_USAGE;
}

/* `why` is NULL when optarg was taken. */
static int taken(const struct command_disk *c, const char *option,
                 const char *why)
{
    return why ? command_wrong(c, option, optarg, why) : -1;
}

int command_disk_option(struct command_disk *c, int option)
{
    switch (option) {
    case 'i':
        return interfaces_add(&c->interfaces, optarg) ? EXIT_USAGE : -1;
    case 'w':
        return taken(c, "--wait", disk_seconds(optarg, &c->wait));
    case 'T':
        return taken(c, "--timeout", disk_seconds(optarg, &c->options.timeout));
    case 'W':
        return taken(c, "--window", disk_window(optarg, &c->options));
    case 'L':
        c->interfaces.link = optarg;
        return -1;
    default: /* getopt has said why */
        return EXIT_USAGE;
    }
}

int command_disk_options(struct command_disk *c,
                         const struct command_options *o, void *arg, int argc,
                         char **argv)
{
    int option, status = -1;

    while (status < 0 && (option = getopt_long(argc, argv, o->shorts, o->longs,
                                               NULL)) != -1) {
        if (option == 'h') {
            o->help();
            return EXIT_DONE;
        }
        status =
            o->own ? o->own(c, option, arg) : command_disk_option(c, option);
    }
    return status;
}

int command_disk_name(struct command_disk *c, const char *name)
{
    c->name = name;
    if (aoe_name_parse(name, &c->shelf, &c->slot))
        return command_wrong(c, "disk", name, "not a disk name like e1.2");
    return -1;
}

int command_disk_alone(struct command_disk *c, int argc, char **argv)
{
    if (argc - optind != 1) {
        log_error("%s: name one disk, like e1.2; see aoe %s --help", c->command,
                  c->command);
        return EXIT_USAGE;
    }
    return command_disk_name(c, argv[optind]);
}

static void on_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    struct command_disk *c = arg;

    if (event == AOE_DISK_RESTARTED || event == AOE_DISK_LOST_WRITES)
        c->lost_writes = true;
    /* The flush that fails says it. */
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

    /* In steps: who is stopped does not know when it was. */
    if (left > NS_PER_S)
        left = NS_PER_S;
    awake_sleep(&c->awake, awake_real(&c->awake, now + left));
    return aoe_wait(c->aoe, (int64_t)left);
}

int command_disk_open(struct command_disk *c)
{
    int err = interfaces_open(&c->interfaces, &c->aoe);
    uint64_t now, end;

    if (err)
        return err;
    err = aoe_disk_open(c->aoe, c->shelf, c->slot, &c->options, on_event, c,
                        &c->disk);
    now = command_now(c);
    end = now + c->wait;
    while (!err && !aoe_disk_ready(c->disk) && now < end) {
        err = command_wait(c, end);
        now = *aoe_disk_trouble(c->disk) ? end : command_now(c);
    }
    if (!err && aoe_disk_ready(c->disk))
        return 0;
    if (err)
        log_error("%s: %s: %s", c->command, c->name, strerror(-err));
    else
        disk_log_missing(c->command, c->disk, &c->interfaces, c->wait);
    return EXIT_FAILED;
}

void command_disk_close(struct command_disk *c)
{
    if (c->disk)
        aoe_disk_close(c->disk);
    aoe_close(c->aoe);
    interfaces_free(&c->interfaces);
    c->disk = NULL;
    c->aoe = NULL;
}
