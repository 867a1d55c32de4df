/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe: the initiator's command line.  One file a subcommand.
 */
#include <stddef.h>

#include "base/log.h"
#include "base/output.h"
#include "initiator/aoe/commands.h"
#include "initiator/client/program.h"

static const struct program_command commands[] = {
    {"discover", discover_main, "list the disks that answer on the network"},
    {"stat", stat_main, "show a disk, its paths and their state"},
    {"ping", ping_main, "measure how long a target takes to answer"},
    {"config", config_main, "show or set the config string of a disk"},
    {"mask", mask_main, "show or change which clients are answered"},
    {"reserve", reserve_main, "show or change who a disk is reserved for"},
    {"copy", copy_main, "copy a disk to a file, or back"},
    {"bench", bench_main, "measure how fast a disk is"},
    {NULL, NULL, NULL},
};

static const struct program program = {
    .name = "aoe",
    .about = "ATA over Ethernet disks, from userspace.",
    .commands = commands,
};

int main(int argc, char **argv)
{
    log_program(program.name);
    return output_end(program_run(&program, argc, argv));
}
