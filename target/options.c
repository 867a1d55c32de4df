/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line, parsed strictly: vblade takes "70000" for a shelf and "12q"
 * for an offset, and serves something other than what was asked for.
 */
#include "target/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "target/store/store.h"

enum {
    OPTION_COMMIT = 256,
    OPTION_FORCE,
    OPTION_FORCE_FILE,
    OPTION_FORCE_ADDRESS,
    OPTION_WAIT,
    OPTION_CONFIG,
    OPTION_CHECK,
    OPTION_TAKE_OVER,
    OPTION_STATE_DIR,
    OPTION_CONTROL,
    OPTION_LINK,
    OPTION_FAULT,
    OPTION_USER,
    OPTION_SECCOMP,
    OPTION_SYSLOG,
    OPTION_STATUS,
    OPTION_HELP,
    OPTION_VERSION,
};

enum { SECONDS_MAX = 86400, WAIT_SECONDS = 10 };

static const char short_options[] = ":b:dsrm:o:l:v";

static const struct option long_options[] = {
    {"commit", required_argument, NULL, OPTION_COMMIT},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"force-file", no_argument, NULL, OPTION_FORCE_FILE},
    {"force-address", no_argument, NULL, OPTION_FORCE_ADDRESS},
    {"wait", required_argument, NULL, OPTION_WAIT},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"take-over", required_argument, NULL, OPTION_TAKE_OVER},
    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
    {"control", required_argument, NULL, OPTION_CONTROL},
    {"link", required_argument, NULL, OPTION_LINK},
    {"verbose", no_argument, NULL, 'v'},
    {"fault", required_argument, NULL, OPTION_FAULT},
    {"user", required_argument, NULL, OPTION_USER},
    {"seccomp", no_argument, NULL, OPTION_SECCOMP},
    {"syslog", no_argument, NULL, OPTION_SYSLOG},
    {"status", required_argument, NULL, OPTION_STATUS},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

static void help(void)
{
    fputs(
        "usage: aoe-target [-b BUFCNT] [-d] [-s] [-r] [-m MAC[,MAC...]]\n"
        "                  [-o OFFSET] [-l LENGTH] SHELF SLOT NETIF FILE\n"
        "       aoe-target --config FILE [--check]\n"
        "       aoe-target ctl COMMAND (see aoe-target ctl --help)\n"
        "       aoe-target import [FILE...] (see aoe-target import --help)\n"
        "\n"
        "Exports FILE, a disk, an image or an NBD URI, as the ATA over\n"
        "Ethernet disk eSHELF.SLOT on the interfaces NETIF (names separated\n"
        "by commas).\n"
        "\n"
        "  -b BUFCNT      requests that a client may have outstanding "
        "(2 to 65535; 64)\n"
        "  -d             bypass the page cache (O_DIRECT)\n"
        "  -s             each write is on disk before the response "
        "(O_SYNC)\n"
        "  -r             read-only\n"
        "  -m MAC[,...]   respond only to these clients\n"
        "  -o OFFSET      sectors to skip at the start of FILE\n"
        "  -l LENGTH      sectors to export (the rest of FILE)\n"
        "  --commit SECONDS\n"
        "                 how often to sync acknowledged data from the page\n"
        "                 cache (5; 0: never)\n"
        "  --config FILE  export what this file says (aoe-target(8)); SIGHUP\n"
        "                 reloads it\n"
        "  --check        only check that file, and print its exports\n"
        "  --force-file   export FILE even if it is in use\n"
        "  --force-address\n"
        "                 do not check whether another disk has the address\n"
        "  --wait SECONDS at the start, how long to wait for a program that "
        "has\n"
        "                 FILE or the address to end (10)\n"
        "  --take-over SECONDS\n"
        "                 serve a refused disk once the other one has been "
        "silent\n"
        "                 for this long (0: never)\n"
        "  --state-dir DIR\n"
        "                 keep config string, mask list and reservation "
        "there\n"
        "  --control PATH listen on this socket for aoe-target ctl\n"
        "  --link packet|socket|pcap\n"
        "                 how frames are sent and received\n"
        "  --fault SPEC   fail on purpose, for testing: see the manual page\n"
        "  --user NAME[:GROUP]\n"
        "                 once everything is open, change to this user\n"
        "  --seccomp      and then allow only the system calls that serving "
        "needs\n"
        "  --syslog       log to syslog (facility daemon), or to standard "
        "error\n"
        "                 while there is none\n"
        "  --status FILE  keep in FILE, for people, what is served and what "
        "is\n"
        "                 wrong\n"
        "  -v, --verbose  log decisions; twice: each frame, too\n"
        "  --help, --version\n"
        "\n"
        "A sector has 512 bytes.  SIGUSR1 prints counters; SIGTERM stops once\n"
        "everything is on disk.\n",
        stdout);
}

static int wrong(const char *what, const char *text, const char *why)
{
    log_error("%s: \"%s\": %s", what, text, why);
    return EXIT_USAGE;
}

/* `what` is the flag, `key` what a configuration file calls it. */
static int set(struct target_options *o, const char *what, const char *key,
               const char *text)
{
    char mistake[CONFIG_MISTAKE];

    if (export_config_set(&o->one, key, text, mistake))
        return -1;
    log_error("%s: %s", what, mistake);
    return EXIT_USAGE;
}

static int buffer_count(struct target_options *o, const char *text)
{
    int status = set(o, "-b", "buffer-count", text);

    if (status < 0 && strcmp(text, "1") == 0)
        log_error("-b 1: Linux cannot use such a disk; 2 is used");
    return status;
}

static int seconds(uint64_t *out_ns, const char *what, const char *text)
{
    if (option_seconds(text, out_ns) || *out_ns > SECONDS_MAX * NS_PER_S)
        return wrong(what, text, option_why(text, "seconds, at most a day"));
    return -1;
}

static int user(struct target_options *o, const char *text)
{
    int err = privilege_scan(text, &o->user);

    if (err)
        return wrong("--user", text,
                     err == -EINVAL ? "that is root" : "no such user or group");
    o->drop = true;
    return -1;
}

static int seccomp(struct target_options *o)
{
#ifdef HAVE_SECCOMP
    o->seccomp = true;
    return -1;
#else
    (void)o;
    log_error("--seccomp: this build lacks it (it needs libseccomp)");
    return EXIT_USAGE;
#endif
}

/* An option about the one disk of the command line; -2: it is another
 * option. */
static int disk_option(struct target_options *o, int option, char *arg)
{
    switch (option) {
    case 'b':
        return buffer_count(o, arg);
    case 'd':
        o->one.direct = true;
        return -1;
    case 's':
        o->one.sync = true;
        return -1;
    case 'r':
        o->one.read_only = true;
        return -1;
    case 'm':
        return set(o, "-m", "allow", arg);
    case 'o':
        return set(o, "-o", "offset", arg);
    case 'l':
        return set(o, "-l", "length", arg);
    case OPTION_COMMIT:
        return set(o, "--commit", "commit", arg);
    case OPTION_FORCE_FILE:
        o->one.force_file = true;
        return -1;
    case OPTION_FORCE_ADDRESS:
        o->one.force_address = true;
        return -1;
    case OPTION_FAULT:
        return set(o, "--fault", "fault", arg);
    default:
        return -2;
    }
}

static int force(void)
{
    log_error("--force: which?  --force-file exports FILE even if it is in "
              "use, --force-address even if another disk has its address");
    return EXIT_USAGE;
}

static int backend(struct target_options *o, char *arg)
{
    if (strcmp(arg, "packet") != 0 && strcmp(arg, "socket") != 0 &&
        strcmp(arg, "pcap") != 0)
        return wrong("--link", arg, "must be packet, socket or pcap");
    o->backend = arg;
    return -1;
}

static int program_option(struct target_options *o, int option, char *arg)
{
    switch (option) {
    case OPTION_FORCE:
        return force();
    case OPTION_CONFIG:
        o->config = arg;
        return -1;
    case OPTION_CHECK:
        o->check = true;
        return -1;
    case OPTION_TAKE_OVER:
        return seconds(&o->take_over_ns, "--take-over", arg);
    case OPTION_WAIT:
        return seconds(&o->wait_ns, "--wait", arg);
    case OPTION_STATE_DIR:
        o->state_dir = arg;
        return -1;
    case OPTION_CONTROL:
        o->control = arg;
        return -1;
    case OPTION_LINK:
        return backend(o, arg);
    case OPTION_USER:
        return user(o, arg);
    case OPTION_SECCOMP:
        return seccomp(o);
    case OPTION_SYSLOG:
        o->syslog = true;
        return -1;
    case OPTION_STATUS:
        o->status = arg;
        return -1;
    case 'v':
        log_verbosity++;
        return -1;
    case OPTION_HELP:
        help();
        return EXIT_DONE;
    case OPTION_VERSION:
        printf("aoe-target (aoekit) %s\n", AOEKIT_VERSION);
        return EXIT_DONE;
    default:
        return EXIT_USAGE;
    }
}

static int one_option(struct target_options *o, int option, char *arg)
{
    int status = disk_option(o, option, arg);

    return status == -2 ? program_option(o, option, arg) : status;
}

static int positional(struct target_options *o, char **argv)
{
    const char *doubt;
    int status = set(o, "SHELF", "shelf", argv[0]);

    if (status < 0)
        status = set(o, "SLOT", "slot", argv[1]);
    if (status < 0)
        status = set(o, "NETIF", "interfaces", argv[2]);
    if (status < 0)
        status = set(o, "FILE", "file", argv[3]);
    if (status >= 0)
        return status;
    doubt = export_config_doubt(&o->one);
    if (doubt)
        log_error("shelf %s: %s", argv[0], doubt);
    return -1;
}

/* `word` is where getopt stopped; a short option may be one of several in
 * it. */
static int misused(int option, const char *word)
{
    const char *why = option == ':' ? "needs an argument" : "no such option";

    if (optopt > 0 && optopt < OPTION_COMMIT)
        log_error("-%c: %s (see --help)", optopt, why);
    else
        log_error("%s: %s (see --help)", word, why);
    return EXIT_USAGE;
}

/* With a configuration file, everything about a disk belongs there. */
static int for_one(const struct target_options *o, int argc, char **argv)
{
    struct export_config plain;
    const char *word = argc > optind ? argv[optind] : NULL;

    export_config_init(&plain);
    if (!word && !o->one.force_file && !o->one.force_address &&
        export_config_equal(&o->one, &plain))
        return -1;
    log_error("%s%swith --config, disks and their options belong in the file",
              word ? word : "", word ? ": " : "");
    return EXIT_USAGE;
}

int options_parse(struct target_options *o, int argc, char **argv)
{
    int option, status = -1;

    *o = (struct target_options){.wait_ns = WAIT_SECONDS * NS_PER_S};
    export_config_init(&o->one);
    while (status < 0 && (option = getopt_long(argc, argv, short_options,
                                               long_options, NULL)) != -1)
        status = option == ':' || option == '?'
                     ? misused(option, argv[optind - 1])
                     : one_option(o, option, optarg);
    if (status >= 0)
        return status;
    if (o->check && !o->config) {
        log_error("--check: needs --config FILE");
        return EXIT_USAGE;
    }
    if (o->config)
        return for_one(o, argc, argv);
    if (argc - optind > 4) {
        log_error("%s: too many arguments (see --help)", argv[optind + 4]);
        return EXIT_USAGE;
    }
    if (argc - optind < 4) {
        log_error("too few arguments: SHELF SLOT NETIF FILE (see --help)");
        return EXIT_USAGE;
    }
    return positional(o, argv + optind);
}

void options_free(struct target_options *o)
{
    export_config_free(&o->one);
}
