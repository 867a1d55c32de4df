/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A short run of the fuzz target: whole conversations, then many damaged ones,
 * always the same.  Its own checks and the sanitizers find the defects.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fuzz/fuzz_nbd.c"
#include "tests/lib/nbd_peer.h"

enum { LONGEST = 4096, DAMAGED = 20000 };

static uint32_t random32(void)
{
    static uint64_t x = 0x9e3779b97f4a7c15;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 16);
}

static size_t put_random_requests(uint8_t *out, unsigned count)
{
    size_t used = 0;

    while (count-- > 0) {
        uint16_t command = (uint16_t)(random32() % 9);
        uint32_t length = random32() % 600;

        if (command == NBD_CMD_DISC && random32() % 8)
            command = NBD_CMD_READ;
        nbd_put_request(out + used, (uint16_t)(random32() % 4 ? 0 : 1), command,
                        random32(), random32() % DISK, length);
        used += NBD_REQUEST_SIZE;
        if (command == NBD_CMD_WRITE) {
            memset(out + used, 'w', length);
            used += length;
        }
    }
    return used;
}

/* A valid conversation. */
static size_t make(uint8_t *out)
{
    static const char meta[] = "\0\0\0\0\0\0\0\1\0\0\0\17base:allocation";
    static const char go[] = "\0\0\0\4e1.2\0\1\0\3";
    size_t used = 2;

    out[0] = (uint8_t)random32();
    out[1] = (uint8_t)random32();
    memcpy(out + used, "\0\0\0\3", 4);
    used += 4;
    if (random32() % 2) {
        used += nbd_put_option(out + used, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
        used += nbd_put_option(out + used, NBD_OPT_SET_META_CONTEXT, meta,
                               sizeof meta - 1);
    }
    if (random32() % 4 == 0)
        used += nbd_put_option(out + used, random32() % 12, NULL, 0);
    if (random32() % 4)
        used += nbd_put_option(out + used, NBD_OPT_GO, go, sizeof go - 1);
    else
        used += nbd_put_option(out + used, NBD_OPT_EXPORT_NAME, "", 0);
    return used + put_random_requests(out + used, random32() % 6);
}

static size_t damage(uint8_t *bytes, size_t size)
{
    static const uint8_t evil[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};

    for (unsigned n = random32() % 4; n > 0; n--)
        bytes[random32() % size] =
            random32() % 2 ? evil[random32() % 6] : (uint8_t)random32();
    return random32() % 4 ? size : 2 + random32() % (size - 1);
}

static void conversations(void **state)
{
    uint8_t bytes[LONGEST];

    (void)state;
    for (int i = 0; i < DAMAGED; i++) {
        size_t size = make(bytes);

        LLVMFuzzerTestOneInput(bytes, i % 4 ? damage(bytes, size) : size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(conversations)};

    return cmocka_run_group_tests_name("NBD fuzzing", tests, NULL, NULL);
}
