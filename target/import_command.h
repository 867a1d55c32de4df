/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command aoe-target import.
 */
#ifndef TARGET_IMPORT_COMMAND_H
#define TARGET_IMPORT_COMMAND_H

/* Exit status if something was not translated. */
enum { EXIT_PARTLY = 3 };

/* argv[0] is "import".  Returns the exit status, with all messages printed. */
int import_main(int argc, char **argv);

#endif
