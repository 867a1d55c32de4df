/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options that all users of a disk share.
 */
#include "initiator/client/client_options.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"

enum { WINDOW_MAX = 4096, REPLAY_MAX = 4096 };

static const char *set_interface(void *to, const char *value)
{
    struct client_options *o = to;

    return interfaces_add(&o->interfaces, value) ? "" : NULL;
}

static const char *set_seconds(uint64_t *to, const char *value)
{
    return option_seconds(value, to) ? "not a number of seconds" : NULL;
}

static const char *set_wait(void *to, const char *value)
{
    struct client_options *o = to;

    return set_seconds(&o->wait, value);
}

static const char *set_timeout(void *to, const char *value)
{
    struct client_options *o = to;

    return set_seconds(&o->disk.timeout, value);
}

/* The value may be part of a longer text that is gone before it is used, so a
 * constant is kept. */
static const char *set_link(void *to, const char *value)
{
    static const char *const kinds[] = {"packet", "socket", "pcap"};
    struct client_options *o = to;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(value, kinds[i]) == 0) {
            o->interfaces.link = kinds[i];
            return NULL;
        }
    return "not packet, socket or pcap";
}

static const char *set_window(void *to, const char *value)
{
    struct client_options *o = to;
    uint64_t frames;

    if (option_u64(value, 1, WINDOW_MAX, &frames))
        return "not a number from 1 to 4096";
    o->disk.window = (unsigned)frames;
    return NULL;
}

static const char *set_replay(void *to, const char *value)
{
    struct client_options *o = to;
    uint64_t mib;

    if (option_u64(value, 0, REPLAY_MAX, &mib))
        return "not a number from 0 to 4096";
    o->disk.replay = mib << 20;
    return NULL;
}

static const char *set_verbose(void *to, const char *value)
{
    (void)to;
    (void)value;
    log_verbosity++;
    return NULL;
}

const struct option_row client_option_rows[] = {
    {"interface", 'i', "NETIF",
     "use this network interface; may be repeated, or a\n"
     "comma-separated list (default: $AOE_INTERFACES)",
     set_interface, 0, OPTION_INTERFACE},
    {"read-only", 'r', NULL, "refuse every write", NULL,
     offsetof(struct client_options, disk.read_only), OPTION_READ_ONLY},
    {"foreground", 'f', NULL, "stay in the foreground", NULL,
     offsetof(struct client_options, foreground), OPTION_FOREGROUND},
    {"wait", 'w', "SECONDS", "how long to wait for the disk to answer",
     set_wait, 0, OPTION_WAIT},
    {"timeout", 'T', "SECONDS",
     "fail requests with an error when the disk has\n"
     "answered none of them for this long (60; 0: never)",
     set_timeout, 0, OPTION_TIMEOUT},
    {"window", 'W', "FRAMES",
     "keep at most this many frames in flight on a path\n"
     "(as many as the target says it can queue)",
     set_window, 0, OPTION_WINDOW},
    {"replay", 0, "MIB",
     "keep up to this much of what was written and not\n"
     "flushed, and write it again when the target may\n"
     "have lost it (0)",
     set_replay, 0, OPTION_REPLAY},
    {"link", 0, "KIND", "packet, socket or pcap: how to send and receive",
     set_link, 0, OPTION_LINK},
    {"verbose", 'v', NULL, "log decisions; given twice, each frame too",
     set_verbose, 0, OPTION_VERBOSE},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

const char *option_row_set(const struct option_row *row, void *to,
                           const char *value)
{
    assert(!row->value == !value);
    if (row->set)
        return row->set(to, value);
    *(bool *)((char *)to + row->flag) = true;
    return NULL;
}

bool client_option_set(struct client_options *o, unsigned taken,
                       const char *name, size_t name_length, const char *value,
                       const char **why)
{
    for (const struct option_row *row = client_option_rows; row->name; row++)
        if (row->value && row->bit & taken &&
            strlen(row->name) == name_length &&
            strncmp(row->name, name, name_length) == 0) {
            *why = option_row_set(row, o, value);
            return true;
        }
    return false;
}

void client_options_init(struct client_options *o)
{
    *o = (struct client_options){.disk.timeout = AOE_TIMEOUT_DEFAULT,
                                 .wait = 10 * NS_PER_S};
}

void client_options_free(struct client_options *o)
{
    interfaces_free(&o->interfaces);
}
