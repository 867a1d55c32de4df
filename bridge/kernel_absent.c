/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The commands around /dev/nbdN, in a build without libnl or not for Linux.
 */
#include "base/log.h"
#include "base/options.h"
#include "bridge/nbd_commands.h"

static int absent(const char *command)
{
    log_error("%s: this build of aoe-nbd has no block devices: they need Linux "
              "and libnl 3 (libnl-genl-3-dev)",
              command);
    return EXIT_FAILED;
}

int kernel_connect_command(int argc, char **argv)
{
    (void)argc;
    return absent(argv[0]);
}

int kernel_disconnect_command(int argc, char **argv)
{
    (void)argc;
    return absent(argv[0]);
}

int kernel_list_command(int argc, char **argv)
{
    (void)argc;
    return absent(argv[0]);
}
