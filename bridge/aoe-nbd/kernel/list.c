/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-nbd list: which disks are block devices here.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-nbd/kernel/device.h"
#include "bridge/aoe-nbd/kernel/commands.h"

static void help(void)
{
    puts("Usage: aoe-nbd list\n"
         "List the AoE disks that are block devices of this machine.\n\n"
         "  -h, --help  show this\n\n"
         "A line for each: device, disk, process id of its server (`-': it is\n"
         "gone, see aoe-nbd connect --resume), bytes, rw or ro,\n"
         "and serving or no-server, or unknown to all but root.");
}

static void line(void *arg, const struct kernel_device *d)
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
    if (argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
        help();
        return EXIT_DONE;
    }
    if (argc > 1) {
        log_error("list: %s: takes no argument; see aoe-nbd list --help",
                  argv[1]);
        return EXIT_USAGE;
    }
    kernel_device_each(line, NULL);
    return EXIT_DONE;
}
