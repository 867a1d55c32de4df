/* SPDX-License-Identifier: BSD-2-Clause
 *
 * AoE errors (AoEr11 section 2.4) as a program knows them.
 */
#ifndef INITIATOR_LIBAOE_ERROR_H
#define INITIATOR_LIBAOE_ERROR_H

#include <stdint.h>

/* The -errno of an AoE error. */
int error_status(uint8_t error);

#endif
