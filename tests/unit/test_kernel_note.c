/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a server of /dev/nbdN leaves for the next one, in the file it locks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/aoe-nbd/kernel/device.h"

static void the_next_server_knows_the_epoch(void **state)
{
    char path[] = "/tmp/aoe-note-XXXXXX";
    int lock = mkstemp(path);

    (void)state;
    assert_true(lock >= 0);
    unlink(path);
    assert_int_equal(kernel_server_noted(lock), 0); /* of an older version */
    kernel_server_note(lock, UINT64_C(0xfedcba987654));
    assert_int_equal(kernel_server_noted(lock), UINT64_C(0xfedcba987654));
    kernel_server_note(lock, 7);
    assert_int_equal(kernel_server_noted(lock), 7);
    kernel_server_note(lock, 0); /* the target does not say */
    assert_int_equal(kernel_server_noted(lock), 0);
    close(lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_server_knows_the_epoch),
    };

    return cmocka_run_group_tests_name("kernel_note", tests, NULL, NULL);
}
