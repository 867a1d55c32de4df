/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-nbd serve`.
 */
#include "bridge/aoe-nbd/serve_options.h"

#include <stddef.h>

#include "base/options.h"
#include "bridge/nbd/listen.h"
#include "initiator/client/command_line.h"

enum { MEMORY_MAX = 1024 };

static const char *set_unix(void *to, const char *value)
{
    struct serve_options *o = to;

    o->unix_path = value;
    return *value ? NULL : "not a path";
}

static const char *set_tcp(void *to, const char *value)
{
    struct serve_options *o = to;

    o->tcp = value;
    return nbd_tcp_address(value) ? NULL : "not PORT, ADDR:PORT or [ADDR]:PORT";
}

static const char *set_run(void *to, const char *value)
{
    struct serve_options *o = to;

    o->run = value;
    return *value ? NULL : "not a command";
}

static const char *set_memory(void *to, const char *value)
{
    struct serve_options *o = to;
    uint64_t mib;

    if (option_u64(value, NBD_BYTES_MIN >> 20, MEMORY_MAX, &mib))
        return "not a number from 2 to 1024";
    o->memory = (size_t)mib << 20;
    return NULL;
}

static const char *set_syslog(void *to, const char *value)
{
    struct serve_options *o = to;

    (void)value;
    o->syslog = true;
    return NULL;
}

static const struct option_row own[] = {
    {"unix", 'u', "PATH", "listen on a unix socket for its owner only",
     set_unix, 0, 0},
    {"tcp", 't', "[ADDR:]PORT",
     "listen on TCP (ADDR: 127.0.0.1; there is no\n"
     "encryption and no password)",
     set_tcp, 0, 0},
    {"run", 'R', "COMMAND",
     "run COMMAND in a shell, where $uri is the disk, and\n"
     "exit with its exit status",
     set_run, 0, 0},
    {"memory", 'M', "MIB",
     "memory for all clients' requests in flight\n"
     "(64; at least 2)",
     set_memory, 0, 0},
    {"syslog", 'S', NULL, "log to syslog once it serves", set_syslog, 0, 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe-nbd",
    .command = "serve",
    .usage =
        "Usage: aoe-nbd serve DISK... [-i NETIF]... (--unix PATH |\n"
        "                     --tcp [ADDR:]PORT | --run COMMAND) [OPTION]...\n"
        "Serve AoE disks (e1.2) to NBD clients, in the foreground.",
    .notes =
        "Started by systemd or nbdcopy with a socket (LISTEN_FDS), it serves\n"
        "on that one.\n\n"
        "SIGTERM and SIGINT end it cleanly: requests in flight are answered\n"
        "and the disk is flushed.  Exit status: 0 done, 1 failed, 2 wrong\n"
        "usage; with --run that of COMMAND.",
    .shared = OPTIONS_SERVER,
    .own = own,
};

static int wrong(const char *what, const char *value, const char *why)
{
    return command_line_wrong(&line, what, value, why);
}

/* Clients must be able to connect in exactly one way. */
static int check_ways(const struct serve_options *o)
{
    int ways = !!o->unix_path + !!o->tcp + !!o->run;

    if (ways == 1 && o->inherited == 0)
        return -1;
    if (ways == 0 && o->inherited > 0)
        return -1;
    if (o->inherited > 0)
        return wrong("a socket was passed by LISTEN_FDS: --unix, --tcp and "
                     "--run cannot be given as well",
                     NULL, NULL);
    if (ways > 1)
        return wrong("--unix, --tcp and --run exclude each other", NULL, NULL);
    return wrong("one of --unix, --tcp and --run is needed", NULL, NULL);
}

int serve_options_parse(struct serve_options *o, int argc, char **argv)
{
    int status;

    *o = (struct serve_options){.memory = NBD_BYTES_DEFAULT};
    client_options_init(&o->client);
    status = command_line_parse(&line, &o->client, o, &argc, argv);
    for (int i = 0; i < argc && status < 0; i++)
        status = command_line_add_disk(&line, argv[i], &o->disks);
    if (status >= 0)
        return status;
    if (o->disks.count == 0)
        return wrong("name a disk, like e1.2", NULL, NULL);
    o->inherited = nbd_inherited_sockets();
    return check_ways(o);
}
