/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/processor.h"

#include <stddef.h>
#include <string.h>
#include <sys/utsname.h>

/* By how the name begins; the first that fits. */
static const struct {
    const char *machine;
    struct processor_ways ways;
} known[] = {
    /* Their caches are indexed by virtual address, and the kernel flushes each
     * frame out of them for us to see it in shared memory: 4,400 instructions
     * of an ARM926 at an MTU of 1500. */
    {"armv4", {.ring_longest = 0, .one_by_one = true}},
    {"armv5", {.ring_longest = 0, .one_by_one = true}},
    /* A frame is copied once more out of shared memory, a word at a time: with
     * 1 KiB of data that costs what the system call would, with 8 KiB 9,000
     * instructions more. */
    {"armv", {.ring_longest = 2048, .one_by_one = true}},
    /* The kernel's copy into shared memory is made by the processor that the
     * frame arrives at, and ours is fast. */
    {"", {.ring_longest = UINT32_MAX, .one_by_one = false}},
};

struct processor_ways processor_ways_of(const char *machine)
{
    size_t i = 0;

    while (strncmp(machine, known[i].machine, strlen(known[i].machine)) != 0)
        i++;
    return known[i].ways;
}

struct processor_ways processor_ways(void)
{
    struct utsname u;

    return processor_ways_of(uname(&u) == 0 ? u.machine : "");
}
