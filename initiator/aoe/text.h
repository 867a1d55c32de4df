/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Addresses and bytes from the wire, as a person may read them.
 */
#ifndef INITIATOR_AOE_TEXT_H
#define INITIATOR_AOE_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { COMMAND_MAC_TEXT = 18 };
const char *command_mac(char out[COMMAND_MAC_TEXT], const uint8_t mac[6]);

/* A config string is bytes that anyone on the wire may set: nothing of it may
 * reach a terminal as a control character.  What is not printable becomes
 * \x1b; four characters a byte at most, and one that ends it. */
const char *command_bytes(char *out, size_t room, const uint8_t *bytes,
                          size_t length);

#endif
