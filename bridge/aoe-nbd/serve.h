/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-nbd serve.  Gets its own name as argv[0] and returns the exit status.
 */
#ifndef BRIDGE_AOE_NBD_SERVE_H
#define BRIDGE_AOE_NBD_SERVE_H

int nbd_serve_command(int argc, char **argv);

#endif
