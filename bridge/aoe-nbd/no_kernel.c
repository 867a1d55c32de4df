/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Stubs of the commands around /dev/nbdN, for builds without libnl or not for
 * Linux.
 */
#ifndef HAVE_NL

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-nbd/kernel/commands.h"

static const char why[] = "this build of aoe-nbd has no block devices: they "
                          "need Linux and libnl 3 (libnl-genl-3-dev)";

static int absent(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        puts(why);
        return EXIT_DONE;
    }
    log_error("%s: %s", argv[0], why);
    return EXIT_FAILED;
}

int kernel_connect_command(int argc, char **argv)
{
    return absent(argc, argv);
}

int kernel_disconnect_command(int argc, char **argv)
{
    return absent(argc, argv);
}

int kernel_list_command(int argc, char **argv)
{
    return absent(argc, argv);
}

#endif
