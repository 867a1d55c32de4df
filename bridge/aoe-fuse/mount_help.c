/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-fuse mount --help.
 */
#include <stdio.h>

#include "bridge/aoe-fuse/commands.h"

void fuse_mount_help(void)
{
    printf("usage: aoe-fuse mount DISK... DIR [-i NETIF]... [option]...\n"
           "\n"
           "Makes each DISK (e1.2) a file in DIR: DIR/e1.2, with DIR/e1.2.info "
           "and\n"
           "DIR/e1.2.stats beside it.  Returns when they are usable.\n"
           "\n"
           "  -i NETIF          network interface, may be repeated "
           "(or AOE_INTERFACES)\n"
           "  -o OPTION[,...]   ro           refuse to write\n"
           "                    cache        use the kernel's page cache\n"
           "                    uid=, gid=, mode=   of the files (0600)\n"
           "                    allow_other  other users too, by mode\n"
           "                    interface=, timeout=, window=, replay=, "
           "wait=,\n"
           "                    link=        as below\n"
           "                    ...          what libfuse knows\n"
           "  -f                stay in the foreground\n"
           "  --timeout SECONDS how long the disk may be silent before EIO; "
           "0 is for ever\n"
           "                    (60)\n"
           "  --window FRAMES   at most so many in flight on a path\n"
           "  --replay MIB      keep up to so much of what was written to a "
           "disk and\n"
           "                    not flushed, and write it again after a "
           "restart of the\n"
           "                    target (0)\n"
           "  --wait SECONDS    how long to look for the disks (10)\n"
           "  --link KIND       packet, queue or pcap\n"
           "  --verbose         say more\n"
           "\n"
           "A disk becomes a file system through a loop device:\n"
           "  losetup --direct-io=on --find --show DIR/e1.2\n");
}
