/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sizes, MAC addresses and bytes from the wire as text for people.
 */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* "1.5 GB" style, powers of 1000, as disk makers count. */
void format_bytes(char *out, size_t capacity, uint64_t bytes);

/* "02:00:00:00:00:01".  Returns `out`. */
enum { FORMAT_MAC = 18 };
const char *format_mac(char out[FORMAT_MAC], const uint8_t mac[6]);

/* Bytes that anyone on the wire may have chosen, such as a config string: none
 * may reach a terminal as a control character.  Unprintable bytes and
 * backslashes are written as \x1b and the like.  Truncates to what fits: at
 * most four characters a byte, and a terminating zero.  Returns `out`. */
const char *format_escaped(char *out, size_t capacity, const uint8_t *bytes,
                           size_t length);

#endif
