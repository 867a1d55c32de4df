/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-nbd: AoE disks for NBD clients, of which the kernel is one.  A table of
 * subcommands.
 */
#include <signal.h>
#include <stddef.h>

#include "base/log.h"
#include "base/output.h"
#include "bridge/aoe-nbd/kernel/commands.h"
#include "bridge/aoe-nbd/serve.h"
#include "initiator/client/program.h"

static const struct program_command commands[] = {
    {"serve", nbd_serve_command, "serve a disk to NBD clients"},
    {"connect", kernel_connect_command, "make a disk a block device"},
    {"disconnect", kernel_disconnect_command, "disconnect the block device"},
    {"list", kernel_list_command, "list disks that are block devices"},
    {NULL, NULL, NULL},
};

static const struct program program = {
    .name = "aoe-nbd",
    .about = "AoE disks for NBD clients and as block devices of Linux.",
    .examples =
        "  aoe-nbd serve e1.2 -i eth0 --unix /run/e1.2.sock\n"
        "  aoe-nbd serve e1.2 -i eth0 --run 'nbdcopy --progress \"$uri\" img'\n"
        "  aoe-nbd connect e1.2 -i eth0",
    .commands = commands,
};

int main(int argc, char **argv)
{
    log_program(program.name);
    /* A server survives the end of whoever reads its output. */
    signal(SIGPIPE, SIG_IGN);
    return output_end(program_run(&program, argc, argv));
}
