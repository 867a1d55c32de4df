/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The subcommands of aoe.  Each gets its own name as argv[0] and returns the
 * exit status.
 */
#ifndef INITIATOR_AOE_COMMANDS_H
#define INITIATOR_AOE_COMMANDS_H

int bench_main(int argc, char **argv);
int config_main(int argc, char **argv);
int copy_main(int argc, char **argv);
int discover_main(int argc, char **argv);
int mask_main(int argc, char **argv);
int ping_main(int argc, char **argv);
int reserve_main(int argc, char **argv);
int stat_main(int argc, char **argv);

#endif
