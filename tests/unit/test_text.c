/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Blanks at the ends of text, and only there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/text.h"

static void trims_to(const char *from, const char *to)
{
    char text[32];

    snprintf(text, sizeof text, "%s", from);
    assert_string_equal(text_trim(text), to);
}

static void blanks_at_the_ends_go(void **state)
{
    (void)state;
    trims_to("a b", "a b");
    trims_to("  a b", "a b");
    trims_to("a b\t \r\n", "a b");
    trims_to("\v\f\xff \n", "\xff");
    trims_to("", "");
    trims_to(" \t ", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(blanks_at_the_ends_go)};

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
