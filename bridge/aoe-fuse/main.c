/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-fuse: AoE disks as files in a directory.  A table of subcommands.
 */
#include <stddef.h>

#include "base/log.h"
#include "base/output.h"
#include "bridge/aoe-fuse/commands.h"
#include "initiator/client/program.h"

static const struct program_command commands[] = {
    {"mount", fuse_mount_command, "make disks files in a directory"},
    {"umount", fuse_umount_command,
     "flush the disks and unmount the directory"},
    {NULL, NULL, NULL},
};

static const struct program program = {
    .name = "aoe-fuse",
    .about = "AoE disks as files in a directory.",
    .examples = "  aoe-fuse mount e1.2 /mnt/aoe -i eth0     the disk is "
                "/mnt/aoe/e1.2\n"
                "  aoe-fuse umount /mnt/aoe",
    .commands = commands,
};

int main(int argc, char **argv)
{
    log_program(program.name);
    return output_end(fuse_helper_called(argc, argv)
                          ? fuse_helper_command(argc, argv)
                          : program_run(&program, argc, argv));
}
