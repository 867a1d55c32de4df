/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Text that others wrote: files, attributes, answers of devices.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

/* Cuts off the blanks at its end and returns where it begins behind those at
 * its start, in the same memory. */
char *text_trim(char *text);

#endif
