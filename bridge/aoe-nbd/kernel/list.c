/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-nbd list: which disks are block devices here.
 */
#include <stdio.h>

#include "base/options.h"
#include "bridge/aoe-nbd/kernel/device.h"
#include "bridge/aoe-nbd/kernel/commands.h"
#include "initiator/client/command_line.h"

static const struct command_line command_line = {
    .program = "aoe-nbd",
    .command = "list",
    .usage = "Usage: aoe-nbd list\n"
             "List the AoE disks that are block devices of this machine.",
    .notes =
        "A line for each: device, disk, process id of its server (`-': it is\n"
        "gone, see aoe-nbd connect --resume), bytes, rw or ro,\n"
        "and serving or no-server (unknown, unless run as root).",
    .shared = OPTION_VERBOSE,
};

static void print_device(void *arg, const struct kernel_device *d)
{
    pid_t server = kernel_server(d->index);
    char device[32], pid[16] = "-";

    (void)arg;
    snprintf(device, sizeof device, "/dev/nbd%d", d->index);
    if (server > 0)
        snprintf(pid, sizeof pid, "%ld", (long)server);
    printf("%-12s %-10s %-8s %15llu %s %s\n", device, d->disk, pid,
           (unsigned long long)d->size, d->read_only ? "ro" : "rw",
           server == 0                      ? "no-server"
           : server == KERNEL_SERVER_HIDDEN ? "unknown"
                                            : "serving");
}

int kernel_list_command(int argc, char **argv)
{
    int status = command_line_parse(&command_line, NULL, NULL, &argc, argv);

    if (status >= 0)
        return status;
    if (argc > 0)
        return command_line_wrong(&command_line, argv[0], NULL,
                                  "takes no argument");
    kernel_device_each(print_device, NULL);
    return EXIT_DONE;
}
