/* SPDX-License-Identifier: BSD-2-Clause
 *
 * -i and AOE_INTERFACES, and what to say when they are missing or wrong.
 */
#include "initiator/client/interfaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/net_master.h"
#include "base/options.h"

static int add_name(struct interface_list *ifs, const char *name, size_t length)
{
    char *copy;

    if (length == 0 || length >= AOE_INTERFACE_NAME) {
        log_error("interfaces: \"%.*s\" is not an interface name", (int)length,
                  name);
        return -EINVAL;
    }
    if (ifs->count == AOE_INTERFACE_MAX) {
        log_error("interfaces: more than %d named", AOE_INTERFACE_MAX);
        return -E2BIG;
    }
    copy = strndup(name, length);
    if (!copy)
        return -ENOMEM;
    ifs->names[ifs->count++] = copy;
    return 0;
}

int interfaces_add(struct interface_list *ifs, const char *arg)
{
    for (;;) {
        size_t length = strcspn(arg, ",");
        int err = add_name(ifs, arg, length);

        if (err)
            return err;
        if (!arg[length])
            return 0;
        arg += length + 1;
    }
}

void interfaces_free(struct interface_list *ifs)
{
    while (ifs->count > 0)
        free(ifs->names[--ifs->count]);
}

const char *interfaces_text(char out[INTERFACES_TEXT],
                            const struct interface_list *ifs)
{
    size_t used = 0;

    out[0] = 0;
    for (unsigned i = 0; i < ifs->count && used < INTERFACES_TEXT; i++)
        used += (size_t)snprintf(out + used, INTERFACES_TEXT - used, "%s%s",
                                 i ? ", " : "", ifs->names[i]);
    return out;
}

struct candidates {
    char text[256];
};

static void add_candidate(void *arg, const char *ifname)
{
    struct candidates *c = arg;
    size_t used = strlen(c->text);

    snprintf(c->text + used, sizeof c->text - used, "%s%s", used ? ", " : "",
             ifname);
}

void interfaces_explain(const char *ifname, int err)
{
    struct candidates c = {""};

    aoe_each_interface(add_candidate, &c);
    if (!c.text[0])
        snprintf(c.text, sizeof c.text, "none");
    switch (-err) {
    case ENODEV:
        log_error("interface %s: no such interface; Ethernet interfaces that "
                  "are up: %s",
                  ifname, c.text);
        break;
    case EPERM:
    case EACCES:
        log_error("interface %s: not permitted; raw Ethernet needs root or the "
                  "capability CAP_NET_RAW",
                  ifname);
        break;
    case ENOTSUP:
        log_error("interface %s: not an Ethernet interface, or this build "
                  "lacks the link asked for; Ethernet interfaces that are up: "
                  "%s",
                  ifname, c.text);
        break;
    default:
        log_error("interface %s: %s", ifname, strerror(-err));
    }
}

static int use_environment(struct interface_list *ifs)
{
    const char *env = getenv("AOE_INTERFACES");
    struct candidates c = {""};

    if (env && *env)
        return interfaces_add(ifs, env) ? EXIT_USAGE : 0;
    aoe_each_interface(add_candidate, &c);
    log_error("no interface named: use %s or set AOE_INTERFACES; Ethernet "
              "interfaces that are up: %s",
              ifs->parameters ? "interface=NETIF" : "-i NETIF",
              c.text[0] ? c.text : "none");
    return EXIT_USAGE;
}

/* A port of a bridge hears nothing: no disk would be found, without a reason.
 */
static void look_for_masters(const struct interface_list *ifs)
{
    char text[NET_MASTER_TEXT];

    for (unsigned i = 0; i < ifs->count; i++)
        if (net_master(ifs->names[i], NULL, text))
            log_error("interface %s: %s", ifs->names[i], text);
}

static void trace_line(void *arg, const char *text)
{
    (void)arg;
    log_timed("%s", text);
}

int interfaces_open(struct interface_list *ifs, struct aoe **out)
{
    struct aoe_options o = {0};
    const char *bad = NULL;
    int err;

    if (ifs->count == 0 && use_environment(ifs))
        return EXIT_USAGE;
    o.interfaces = (const char *const *)ifs->names;
    o.interface_count = ifs->count;
    o.link = ifs->link;
    err = aoe_open(out, &o, &bad);
    if (!err && log_verbosity)
        aoe_trace(*out, log_verbosity < 2 ? 1 : 2, trace_line, NULL);
    if (!err && aoe_tags_shared(*out))
        log_error("all 128 tag prefixes of this machine are taken; sharing one "
                  "(see @aoekit-tag-... in /proc/net/unix)");
    if (!err) {
        look_for_masters(ifs);
        return 0;
    }
    if (bad)
        interfaces_explain(bad, err);
    else /* it is not an interface that failed */
        log_error("tags for requests: %s; their random numbers come from "
                  "getrandom(2) or /dev/urandom",
                  strerror(-err));
    return EXIT_FAILED;
}
