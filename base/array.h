/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Arrays that grow.
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

/* realloc(3) for `count` members of `size` bytes; NULL also where that is more
 * than memory can have.  reallocarray(3), which macOS lacks. */
static inline void *array_resize(void *array, size_t count, size_t size)
{
    size_t bytes;

    return __builtin_mul_overflow(count, size, &bytes) ? NULL
                                                       : realloc(array, bytes);
}

#endif
