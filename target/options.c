/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Strict reading of the command line: vblade took "70000" for a shelf and "12q"
 * for an offset, and served something else than was asked for.
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
#include "target/store.h"
#include "wire/link.h"

enum {
    OPTION_COMMIT = 256,
    OPTION_FORCE,
    OPTION_LINK,
    OPTION_VERBOSE,
    OPTION_FAULT,
    OPTION_USER,
    OPTION_SECCOMP,
    OPTION_HELP,
    OPTION_VERSION,

    COMMIT_SECONDS = 5,
    BUFFERS_LEAST = 2,
    /* Linux takes a disk there for one whose address was never set. */
    SHELF_IGNORED = 4095,
};

#define SECTORS_MOST (UINT64_MAX / 2 / AOE_SECTOR)

static const char short_options[] = ":b:dsrm:o:l:";

static const struct option long_options[] = {
    {"commit", required_argument, NULL, OPTION_COMMIT},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"link", required_argument, NULL, OPTION_LINK},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"fault", required_argument, NULL, OPTION_FAULT},
    {"user", required_argument, NULL, OPTION_USER},
    {"seccomp", no_argument, NULL, OPTION_SECCOMP},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

static void help(void)
{
    fputs("usage: aoe-target [-b BUFCNT] [-d] [-s] [-r] [-m MAC[,MAC...]]\n"
          "                  [-o OFFSET] [-l LENGTH] SHELF SLOT NETIF FILE\n"
          "\n"
          "Exports FILE, a disk, an image or an NBD URI, as the ATA over\n"
          "Ethernet disk eSHELF.SLOT on the interfaces NETIF (names separated\n"
          "by commas).\n"
          "\n"
          "  -b BUFCNT      requests that a client may have waiting "
          "(2 to 65535; 64)\n"
          "  -d             bypass the page cache (O_DIRECT)\n"
          "  -s             each write is on disk before it is answered "
          "(O_SYNC)\n"
          "  -r             read-only\n"
          "  -m MAC[,...]   only these clients are answered\n"
          "  -o OFFSET      sectors of FILE left out at its start\n"
          "  -l LENGTH      sectors to export; the rest of FILE if not given\n"
          "  --commit SECONDS\n"
          "                 what was written is brought to disk so often "
          "(5; 0: never)\n"
          "  --force        export FILE though it is in use, or another disk\n"
          "                 has its address\n"
          "  --link packet|pcap\n"
          "                 how frames are sent and received\n"
          "  --fault SPEC   fail on purpose, for testing: see the manual page\n"
          "  --user NAME[:GROUP]\n"
          "                 once everything is open, become this user\n"
          "  --seccomp      ... and allow only the system calls that serving "
          "needs\n"
          "  --verbose      say more\n"
          "  --help, --version\n"
          "\n"
          "A sector has 512 bytes.  SIGUSR1 prints counters; SIGTERM stops\n"
          "after everything was written to disk.\n",
          stdout);
}

static int wrong(const char *what, const char *text, const char *why)
{
    log_error("%s: \"%s\": %s", what, text, why);
    return EXIT_USAGE;
}

static int number(const char *what, const char *text, uint64_t min,
                  uint64_t max, uint64_t *out)
{
    int err = option_u64(text, min, max, out);
    char why[80];

    if (err == 0)
        return -1;
    if (err == -ERANGE)
        snprintf(why, sizeof why, "must be from %llu to %llu",
                 (unsigned long long)min, (unsigned long long)max);
    else
        snprintf(why, sizeof why, "not a number");
    return wrong(what, text, why);
}

static int buffer_count(struct options *o, const char *text)
{
    uint64_t n;
    int status = number("-b", text, 1, UINT16_MAX, &n);

    if (status >= 0)
        return status;
    if (n < BUFFERS_LEAST) {
        log_error("-b 1: Linux cannot use such a disk; 2 is used");
        n = BUFFERS_LEAST;
    }
    o->buffer_count = (uint16_t)n;
    return -1;
}

static int mask(struct options *o, char *text)
{
    char *save = NULL;

    for (char *word = strtok_r(text, ",", &save); word;
         word = strtok_r(NULL, ",", &save)) {
        struct aoe_mac mac;

        if (aoe_mac_scan(word, &mac))
            return wrong("-m", word, "not a MAC address");
        if (aoe_mac_group(&mac))
            return wrong("-m", word, "not the address of one machine");
        if (!mac_list_add(&o->mask, &mac, EXPORT_LIST_MAX))
            return wrong("-m", word, "more than 255 addresses");
    }
    if (o->mask.count == 0)
        return wrong("-m", text, "no MAC address");
    return -1;
}

static int commit_interval(struct options *o, const char *text)
{
    /* Longer than a year is a slip of the hand. */
    if (option_seconds(text, &o->commit_ns) ||
        o->commit_ns > 366 * 86400 * NS_PER_S)
        return wrong("--commit", text, "not a time in seconds");
    return -1;
}

static int user(struct options *o, const char *text)
{
    int err = privilege_scan(text, &o->user);

    if (err)
        return wrong("--user", text,
                     err == -EINVAL ? "that is root" : "no such user or group");
    o->drop = true;
    return -1;
}

static int seccomp(struct options *o)
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

static int one_option(struct options *o, int option, char *arg)
{
    switch (option) {
    case 'b':
        return buffer_count(o, arg);
    case 'd':
        o->direct = true;
        return -1;
    case 's':
        o->sync = true;
        return -1;
    case 'r':
        o->read_only = true;
        return -1;
    case 'm':
        return mask(o, arg);
    case 'o':
        return number("-o", arg, 0, SECTORS_MOST, &o->offset);
    case 'l':
        return number("-l", arg, 1, SECTORS_MOST, &o->length);
    case OPTION_COMMIT:
        return commit_interval(o, arg);
    case OPTION_FORCE:
        o->force = true;
        return -1;
    case OPTION_LINK:
        if (strcmp(arg, "packet") != 0 && strcmp(arg, "pcap") != 0)
            return wrong("--link", arg, "there are packet and pcap");
        o->backend = arg;
        return -1;
    case OPTION_FAULT:
        if (store_fault_check(arg))
            return wrong("--fault", arg, "see aoe-target(8)");
        o->fault = arg;
        return -1;
    case OPTION_USER:
        return user(o, arg);
    case OPTION_SECCOMP:
        return seccomp(o);
    case OPTION_VERBOSE:
        log_verbose(true);
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

static int add_interface(struct options *o, const char *name)
{
    if (strlen(name) >= LINK_NAME_MAX)
        return wrong("NETIF", name, "too long for an interface");
    for (unsigned i = 0; i < o->interface_count; i++)
        if (strcmp(o->interfaces[i], name) == 0)
            return wrong("NETIF", name, "named twice");
    if (o->interface_count == OPTIONS_INTERFACES_MAX)
        return wrong("NETIF", name, "too many interfaces");
    o->interfaces[o->interface_count] = strdup(name);
    if (!o->interfaces[o->interface_count])
        return wrong("NETIF", name, strerror(ENOMEM));
    o->interface_count++;
    return -1;
}

static int interfaces(struct options *o, char *text)
{
    char *save = NULL;
    int status = -1;

    for (char *name = strtok_r(text, ",", &save); name && status < 0;
         name = strtok_r(NULL, ",", &save))
        status = add_interface(o, name);
    if (status < 0 && o->interface_count == 0)
        return wrong("NETIF", text, "no interface");
    return status;
}

static int positional(struct options *o, char **argv)
{
    uint64_t shelf = 0, slot = 0;
    int status = number("SHELF", argv[0], 0, AOE_SHELF_ALL - 1, &shelf);

    if (status < 0)
        status = number("SLOT", argv[1], 0, AOE_SLOT_ALL - 1, &slot);
    if (status < 0)
        status = interfaces(o, argv[2]);
    if (status >= 0)
        return status;
    if (shelf == SHELF_IGNORED)
        log_error("shelf %d: the aoe driver of Linux ignores this shelf",
                  SHELF_IGNORED);
    o->addr = (struct aoe_addr){(uint16_t)shelf, (uint8_t)slot};
    o->path = argv[3];
    return -1;
}

/* `word` is the one getopt stopped at; a letter may be one of several in it. */
static int misused(int option, const char *word)
{
    const char *why = option == ':' ? "wants an argument" : "no such option";

    if (optopt > 0 && optopt < OPTION_COMMIT)
        log_error("-%c: %s (see --help)", optopt, why);
    else
        log_error("%s: %s (see --help)", word, why);
    return EXIT_USAGE;
}

int options_parse(struct options *o, int argc, char **argv)
{
    int option, status = -1;

    *o = (struct options){.buffer_count = EXPORT_BUFFERS,
                          .commit_ns = COMMIT_SECONDS * NS_PER_S};
    while (status < 0 && (option = getopt_long(argc, argv, short_options,
                                               long_options, NULL)) != -1)
        status = option == ':' || option == '?'
                     ? misused(option, argv[optind - 1])
                     : one_option(o, option, optarg);
    if (status >= 0)
        return status;
    if (argc - optind > 4) {
        log_error("%s: one argument too many (see --help)", argv[optind + 4]);
        return EXIT_USAGE;
    }
    if (argc - optind < 4) {
        log_error("too few arguments: SHELF SLOT NETIF FILE (see --help)");
        return EXIT_USAGE;
    }
    return positional(o, argv + optind);
}

void options_free(struct options *o)
{
    for (unsigned i = 0; i < o->interface_count; i++)
        free(o->interfaces[i]);
}
