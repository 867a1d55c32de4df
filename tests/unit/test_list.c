/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The intrusive list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/list.h"

struct thing {
    int number;
    struct list link;
};

/* Its numbers in order, as one decimal number. */
static int order(struct list *head)
{
    int digits = 0;

    list_each(it, head)
        digits = digits * 10 + list_entry(it, struct thing, link)->number;
    return digits;
}

static void both_ends(void **state)
{
    struct thing a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    struct list head;

    (void)state;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_first(&head));
    assert_false(list_linked(&a.link));
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    list_prepend(&head, &a.link);
    assert_int_equal(order(&head), 123);
    assert_true(list_linked(&a.link));
    assert_ptr_equal(list_first(&head), &a.link);
    assert_int_equal(list_entry(head.prev, struct thing, link)->number, 3);
}

static void removing(void **state)
{
    struct thing a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    struct list head;

    (void)state;
    list_init(&head);
    list_append(&head, &a.link);
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    list_remove(&b.link);
    assert_false(list_linked(&b.link));
    list_remove(&b.link); /* does nothing */
    assert_int_equal(order(&head), 13);
    list_insert_before(&c.link, &b.link);
    assert_int_equal(order(&head), 123);
    /* During iteration. */
    list_each(it, &head)
        list_remove(it);
    assert_true(list_empty(&head));
}

static void splicing(void **state)
{
    struct thing a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    struct list to, from;

    (void)state;
    list_init(&to);
    list_init(&from);
    list_splice(&to, &from);
    assert_true(list_empty(&to));
    list_append(&to, &a.link);
    list_append(&from, &b.link);
    list_append(&from, &c.link);
    list_splice(&to, &from);
    assert_true(list_empty(&from));
    assert_int_equal(order(&to), 123);
    list_splice(&from, &to);
    assert_int_equal(order(&from), 123);
    assert_int_equal(list_entry(from.prev, struct thing, link)->number, 3);
}

/* The first ones leave, one or several. */
static void taking(void **state)
{
    struct thing a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    struct list head, other;

    (void)state;
    list_init(&head);
    list_init(&other);
    assert_null(list_pop(&head));
    list_append(&head, &a.link);
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    assert_ptr_equal(list_pop(&head), &a.link);
    assert_false(list_linked(&a.link));
    assert_int_equal(order(&head), 23);
    list_append(&other, &a.link);
    list_move_first(&other, &head, &b.link);
    assert_int_equal(order(&head), 3);
    assert_int_equal(order(&other), 21);
    list_move_first(&other, &head, &c.link);
    assert_true(list_empty(&head));
    assert_int_equal(order(&other), 321);
    list_remove(&b.link);
    assert_int_equal(order(&other), 31);
    list_cut(&other, &c.link);
    assert_int_equal(order(&other), 1);
    list_cut(&other, &a.link);
    assert_true(list_empty(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends),
        cmocka_unit_test(removing),
        cmocka_unit_test(splicing),
        cmocka_unit_test(taking),
    };

    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
