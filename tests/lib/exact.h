/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A copy that ends where its memory ends, so that AddressSanitizer catches a
 * parser that reads one byte too far.
 */
#ifndef TESTS_LIB_EXACT_H
#define TESTS_LIB_EXACT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* To be freed. */
static inline uint8_t *exact_copy(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len);

    if (!copy && len)
        abort();
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

#endif
