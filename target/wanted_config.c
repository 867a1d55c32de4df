/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the file or the command line, and replaces globs by the names of
 * interfaces that exist.
 */
#include "target/wanted_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { INTERFACES_MAX = 256 };

/* Where a mistake is. */
struct source {
    const char *file; /* NULL: the command line */
};

static void complain(void *arg, unsigned line, const char *text)
{
    const struct source *source = arg;

    if (line)
        log_error("%s:%u: %s", source->file, line, text);
    else if (source->file)
        log_error("%s: %s", source->file, text);
    else
        log_error("%s", text);
}

static int resolve(struct config *c, bool waits, struct source *source)
{
    char(*names)[LINK_NAME_MAX] = calloc(INTERFACES_MAX, sizeof *names);
    unsigned mistakes, count;

    if (!names) {
        complain(source, 0, strerror(ENOMEM));
        return -ENOMEM;
    }
    count = config_interfaces(names, INTERFACES_MAX);
    mistakes = config_resolve(c, names, count, waits, complain, source);
    free(names);
    return mistakes ? -EINVAL : 0;
}

static int from_command_line(struct config *out, const struct target_options *o)
{
    out->exports = calloc(1, sizeof *out->exports);
    if (!out->exports || export_config_copy(out->exports, &o->one)) {
        log_error("%s", strerror(ENOMEM));
        return -ENOMEM;
    }
    out->count = 1;
    return 0;
}

static int from_file(struct config *out, const struct target_options *o,
                     struct source *source)
{
    if (config_read(out, o->config, complain, source))
        return -EINVAL;
    for (unsigned i = 0; i < out->count; i++) {
        const char *doubt = export_config_doubt(&out->exports[i]);

        if (doubt)
            complain(source, out->exports[i].line, doubt);
    }
    return 0;
}

/* A state file is named after the address. */
static int find_duplicates(const struct config *c, struct source *source)
{
    char text[CONFIG_MISTAKE], addr[AOE_ADDR_TEXT];

    for (unsigned i = 0; i < c->count; i++)
        for (unsigned j = 0; j < i; j++)
            if (aoe_addr_equal(c->exports[i].addr, c->exports[j].addr)) {
                snprintf(text, sizeof text,
                         "%s is already defined in line %u, and "
                         "--state-dir cannot tell them apart",
                         aoe_addr_format(addr, c->exports[i].addr),
                         c->exports[j].line);
                complain(source, c->exports[i].line, text);
                return -EINVAL;
            }
    return 0;
}

int wanted_config(struct config *out, const struct target_options *o)
{
    struct source source = {o->config};
    bool waits;
    int err;

    *out = (struct config){0};
    /* --check says what does not match. */
    waits = o->config && !o->check;
    err = o->config ? from_file(out, o, &source) : from_command_line(out, o);
    if (!err)
        err = resolve(out, waits, &source);
    if (!err && o->state_dir)
        err = find_duplicates(out, &source);
    if (err)
        config_free(out);
    return err;
}

bool wanted_config_matches(const struct config_patterns *p)
{
    char(*names)[LINK_NAME_MAX] = calloc(INTERFACES_MAX, sizeof *names);
    bool any = names && config_matches(
                            p, names, config_interfaces(names, INTERFACES_MAX));

    free(names);
    return any;
}
