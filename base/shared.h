/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A word in memory that the kernel, or another thread, reads and writes, too.
 *
 * ARM processors before ARMv6 have no atomic instructions, and Clang calls a
 * library for each access there, which nobody provides.  They have one core,
 * and a load or store of an aligned word is whole: the compiler must keep the
 * order, and there is nothing else to do.
 */
#ifndef BASE_SHARED_H
#define BASE_SHARED_H

#include <stdint.h>

#if defined __arm__ && __ARM_ARCH < 6

/* What was written before the word is visible after this. */
static inline uint32_t shared_load(const volatile uint32_t *word)
{
    uint32_t value = *word;

    __asm__ volatile("" ::: "memory");
    return value;
}

/* What was read and written before this is done when the word changes. */
static inline void shared_store(volatile uint32_t *word, uint32_t value)
{
    __asm__ volatile("" ::: "memory");
    *word = value;
}

#else

static inline uint32_t shared_load(const volatile uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void shared_store(volatile uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

#endif

#endif
