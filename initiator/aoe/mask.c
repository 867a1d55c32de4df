/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe mask: the list of clients that a target answers at all (AoEr11 section
 * 3.3).  Without an entry it answers everyone.
 */
#include "initiator/aoe/commands.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/format.h"
#include "base/options.h"
#include "initiator/aoe/targets.h"
#include "wire/aoe.h"

struct mask {
    enum aoe_control_op op;
    bool force;
    unsigned count;
    uint8_t macs[AOE_LIST_MAX][6];
};

static const struct option_row own[] = {
    {"force", 0, NULL, "even if this host locks itself out", NULL,
     offsetof(struct mask, force), 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe",
    .command = "mask",
    .usage =
        "Usage: aoe mask DISK [list] [-i NETIF]... [OPTION]...\n"
        "       aoe mask DISK add|del MAC... [OPTION]...\n"
        "Show or change which clients a disk's target answers; an empty list\n"
        "means all of them.\n\n"
        "  list    show the addresses\n"
        "  add     put addresses on the list\n"
        "  del     take addresses off the list",
    .notes = "Exit status: 0 done, 1 failed, 2 wrong usage.",
    .shared = OPTIONS_NETWORK,
    .own = own,
};

static bool on(const uint8_t (*macs)[6], unsigned count, const uint8_t mac[6])
{
    for (unsigned i = 0; i < count; i++)
        if (memcmp(macs[i], mac, 6) == 0)
            return true;
    return false;
}

/* Whether the list would no longer have the address by which we reach the
 * target: it would stop answering us, even when asked to undo the change. */
static bool locks_out(const struct mask *m,
                      const struct aoe_control_response *r,
                      const uint8_t mine[6])
{
    bool named = on(m->macs, m->count, mine), listed;
    unsigned left = 0;

    listed = on(r->macs, r->mac_count, mine);
    if (m->op == AOE_CONTROL_MASK_ADD)
        return !named && !listed;
    for (unsigned i = 0; i < r->mac_count; i++)
        left += !on(m->macs, m->count, r->macs[i]);
    return left > 0 && (named || !listed);
}

static int safe(struct command_disk *c, const struct mask *m,
                const struct command_target *t)
{
    struct aoe_control control = {.op = AOE_CONTROL_MASK_READ,
                                  .shelf = c->shelf,
                                  .slot = c->slot,
                                  .interface = t->interface};
    uint8_t mine[6];
    char mac[FORMAT_MAC];
    int err;

    memcpy(control.mac, t->mac, sizeof control.mac);
    err = aoe_control_run(c->aoe, &control);
    /* If it cannot be read, the change fails as well, and reports why. */
    if (err || aoe_interface_mac(c->aoe, t->interface, mine) ||
        !locks_out(m, &control.response, mine))
        return 0;
    log_error("mask: %s: this host, %s, would be "
              "off the list and no longer be answered; name it, too, or "
              "use --force",
              c->name, format_mac(mac, mine));
    return EXIT_FAILED;
}

static int mask(struct command_disk *c, const struct mask *m)
{
    struct aoe_control control = {
        .op = m->op, .macs = m->macs, .mac_count = m->count};
    struct command_targets targets;
    int status = command_targets_find(c, &targets);

    if (m->op != AOE_CONTROL_MASK_READ && !m->force)
        for (unsigned i = 0; !status && i < targets.count; i++)
            status = safe(c, m, &targets.list[i]);
    if (status)
        return status;
    return command_targets_run(c, &targets, &control, command_targets_macs);
}

/* Returns -1 to go on, else the exit status. */
static int arguments(struct command_disk *c, struct mask *m, int argc,
                     char **argv)
{
    const char *word = argc > 1 ? argv[1] : "list";

    if (argc < 1) {
        log_error("mask: name one disk, like e1.2; see aoe mask --help");
        return EXIT_USAGE;
    }
    if (!strcmp(word, "list"))
        m->op = AOE_CONTROL_MASK_READ;
    else if (!strcmp(word, "add"))
        m->op = AOE_CONTROL_MASK_ADD;
    else if (!strcmp(word, "del"))
        m->op = AOE_CONTROL_MASK_DELETE;
    else
        return command_wrong(c, "command", word, "not list, add or del");
    if ((argc > 2) != (m->op != AOE_CONTROL_MASK_READ))
        return command_wrong(c, word,
                             m->op == AOE_CONTROL_MASK_READ
                                 ? "takes no address"
                                 : "takes at least one address",
                             NULL);
    for (int i = 2; i < argc; i++) {
        struct aoe_mac mac;

        if (aoe_mac_scan(argv[i], &mac) || aoe_mac_group(&mac))
            return command_wrong(c, word, argv[i],
                                 "not an address like 02:00:00:00:00:01");
        if (m->count == AOE_LIST_MAX)
            return command_wrong(c, word, argv[i], "more than 255 addresses");
        memcpy(m->macs[m->count++], mac.b, sizeof mac.b);
    }
    return command_disk_name(c, argv[0]);
}

int mask_main(int argc, char **argv)
{
    struct mask m = {.op = AOE_CONTROL_MASK_READ};
    struct command_disk c;
    int status;

    command_disk_init(&c, &line);
    status = command_disk_options(&c, &m, &argc, argv);
    if (status < 0)
        status = arguments(&c, &m, argc, argv);
    if (status < 0)
        status = mask(&c, &m);
    command_disk_close(&c);
    return status;
}
