/* SPDX-License-Identifier: BSD-2-Clause
 *
 * D-Bus messages, byte by byte, as in the specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "initiator/client/dbus_message.h"

static bool little_endian(void)
{
    const uint16_t one = 1;

    return *(const unsigned char *)&one;
}

static void a_call(void **state)
{
    static const char expected[] =
        "l\1\0\1"
        "\11\0\0\0" /* length of the body */
        "\1\0\0\0"  /* serial number */
        "\67\0\0\0" /* length of the fields, without what aligns the body */
        "\1\1o\0\2\0\0\0/o\0\0\0\0\0\0"
        "\2\1s\0\3\0\0\0i.f\0\0\0\0\0"
        "\3\1s\0\1\0\0\0M\0\0\0\0\0\0\0"
        "\10\1g\0\1s\0"
        "\0" /* aligns the body */
        "\4\0\0\0text\0";
    struct dbus_call call = {
        .path = "/o", .interface = "i.f", .member = "M", .signature = "s"};
    struct dbus_message m = {.used = 0};

    (void)state;
    if (!little_endian())
        skip();
    dbus_put_string(&call.body, "text");
    dbus_put_call(&m, &call);
    assert_false(m.full);
    assert_int_equal(m.used, sizeof expected - 1);
    for (size_t i = 0; i < m.used; i++)
        if (m.data[i] != (unsigned char)expected[i])
            fail_msg("byte %zu is %#x", i, m.data[i]);
}

/* The length of an array of structs excludes the padding before the first. */
static void arrays(void **state)
{
    static const char expected[] = "\7\0\0\0\4\0\0\0\1\0\0\0\0\0\0\0";
    struct dbus_message m = {.used = 0};
    struct dbus_array array;

    (void)state;
    if (!little_endian())
        skip();
    dbus_put_u32(&m, 7);
    array = dbus_begin_array(&m, 8);
    dbus_put_u32(&m, 1);
    dbus_end_array(&m, array);
    array = dbus_begin_array(&m, 4);
    dbus_end_array(&m, array);
    assert_int_equal(m.used, sizeof expected - 1);
    assert_memory_equal(m.data, expected, m.used);
}

static void what_does_not_fit(void **state)
{
    struct dbus_call call = {
        .path = "/o", .interface = "i.f", .member = "M", .signature = "s"};
    struct dbus_message m = {.used = 0};
    char text[2044];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    dbus_put_string(&call.body, text);
    assert_false(call.body.full);
    assert_int_equal(call.body.used, sizeof call.body.data);
    dbus_put_call(&m, &call);
    assert_true(m.full);
    assert_true(m.used <= sizeof m.data);
    dbus_put_u32(&call.body, 1);
    assert_true(call.body.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call),
        cmocka_unit_test(arrays),
        cmocka_unit_test(what_does_not_fit),
    };

    return cmocka_run_group_tests_name("dbus_message", tests, NULL, NULL);
}
