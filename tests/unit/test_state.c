/* SPDX-License-Identifier: BSD-2-Clause
 *
 * State files: what is written comes back, and nothing else is accepted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "target/serve/state.h"
#include "target/serve/state_store.h"
#include "tests/unit/stores.h"

static const struct aoe_mac one = {{2, 0, 0, 0, 0, 1}};
static const struct aoe_mac two = {{2, 0, 0, 0, 0, 2}};

static struct export sample(void)
{
    struct export e = {.addr = {1, 2}};

    export_set_config(&e, (const uint8_t *)"na\ns\0 1", 7);
    mac_list_add(&e.mask, &one, EXPORT_LIST_MAX);
    mac_list_add(&e.mask, &two, EXPORT_LIST_MAX);
    mac_list_add(&e.reserve, &two, EXPORT_LIST_MAX);
    return e;
}

static void expect_sample(const struct export *e)
{
    struct export want = sample();

    assert_int_equal(e->config_len, 7);
    assert_memory_equal(e->config, want.config, 7);
    assert_true(mac_list_equal(&e->mask, &want.mask));
    assert_true(mac_list_equal(&e->reserve, &want.reserve));
}

/* ---- the text -------------------------------------------------------------
 */

static char text[STATE_MAX];

static void state_is_restored(void **state)
{
    struct mac_list allow = {.count = 1, .macs = {one}};
    struct export e = sample(), got = {.addr = {1, 2}};
    size_t len = state_encode(text, &e, &allow);

    (void)state;
    assert_int_equal(state_decode(&got, &allow, text, len), 0);
    expect_sample(&got);
}

static void the_largest_state(void **state)
{
    static struct export e;
    struct export got = {.addr = {65534, 254}};
    struct mac_list allow;
    size_t len;

    (void)state;
    e.addr = got.addr;
    e.config_len = AOE_CONFIG_STRING_MAX;
    memset(e.config, 0xff, sizeof e.config);
    for (unsigned i = 0; i < EXPORT_LIST_MAX; i++)
        e.mask.macs[i].b[5] = (uint8_t)i;
    e.mask.count = EXPORT_LIST_MAX;
    e.reserve = allow = e.mask;
    len = state_encode(text, &e, &allow);
    assert_in_range(len, 1, STATE_MAX);
    assert_int_equal(state_decode(&got, &allow, text, len), 0);
    assert_int_equal(got.reserve.count, EXPORT_LIST_MAX);
    assert_memory_equal(got.config, e.config, sizeof e.config);
}

/* The owner's latest setting takes precedence. */
static void mask_of_another_allow_list(void **state)
{
    struct mac_list before = {.count = 1, .macs = {one}};
    struct mac_list now = {.count = 1, .macs = {two}};
    struct export e = sample(), got = {.addr = {1, 2}};
    size_t len = state_encode(text, &e, &before);

    (void)state;
    got.mask = now;
    assert_int_equal(state_decode(&got, &now, text, len), 0);
    assert_true(mac_list_equal(&got.mask, &now));
    assert_int_equal(got.reserve.count, 1);
}

static void expect_disbelief(char *bad, size_t len)
{
    static const struct mac_list none;
    struct export got = {.addr = {1, 2}};

    assert_int_equal(state_decode(&got, &none, bad, len), -EBADMSG);
    assert_int_equal(got.config_len, 0);
    assert_int_equal(got.mask.count + got.reserve.count, 0);
}

static void damage_is_noticed(void **state)
{
    static const struct mac_list none;
    struct export e = sample();
    size_t len = state_encode(text, &e, &none);

    (void)state;
    for (size_t cut = 0; cut < len; cut++)
        expect_disbelief(text, cut);
    for (size_t i = 0; i < len; i++)
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(text[i] ^ 1 << bit);
            expect_disbelief(text, len);
            text[i] = (char)(text[i] ^ 1 << bit);
        }
    text[len] = '\n';
    expect_disbelief(text, len + 1);
}

static void another_disks_file(void **state)
{
    static const struct mac_list none;
    struct export e = sample();

    (void)state;
    e.addr.slot = 3;
    expect_disbelief(text, state_encode(text, &e, &none));
}

/* ---- the file -------------------------------------------------------------
 */

static char directory[] = "/tmp/aoekit-state-XXXXXX";
static char file[64], damaged[64];

static int setup(void **state)
{
    (void)state;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/e1.2.state", directory);
    snprintf(damaged, sizeof damaged, "%s/e1.2.state.damaged", directory);
    memset(&place, 0, sizeof place);
    assert_int_equal(loop_open(&place.loop), 0);
    assert_int_equal(workers_open(&place.workers, place.loop, 2), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    workers_close(place.workers);
    loop_close(place.loop);
    unlink(file);
    unlink(damaged);
    rmdir(directory);
    return 0;
}

static int results[2];
static unsigned told;

static void tell(struct state_save *w, int result)
{
    (void)w;
    results[told++] = result;
    if (--place.waiting == 0)
        loop_stop(place.loop, 0);
}

static void saves(struct state_store *s, struct export *e)
{
    struct state_save wait[2] = {{.done = tell}, {.done = tell}};

    told = 0;
    place.waiting = 2;
    assert_true(state_store_behind(s, e));
    state_store_save(s, e, &wait[0]);
    export_set_config(e, (const uint8_t *)"newer", 5);
    state_store_save(s, e, &wait[1]);
    assert_int_equal(loop_run(place.loop), 0);
    assert_int_equal(told, 2);
}

static void the_file_is_restored(void **state)
{
    struct export e = {.addr = {1, 2}}, got = e;
    struct state_store *s;
    struct stat st;

    (void)state;
    assert_int_equal(state_store_open(&s, directory, &e, place.workers), 0);
    assert_false(state_store_behind(s, &e));
    e = sample();
    saves(s, &e);
    assert_int_equal(results[0] | results[1], 0);
    assert_false(state_store_behind(s, &e));
    state_store_close(s);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(state_store_open(&s, directory, &got, place.workers), 0);
    assert_false(state_store_behind(s, &got));
    state_store_close(s);
    assert_int_equal(got.config_len, 5);
    assert_int_equal(got.reserve.count, 1);
}

static void damaged_file_is_set_aside(void **state)
{
    struct export e = {.addr = {1, 2}};
    struct state_store *s;
    struct stat st;
    FILE *f = fopen(file, "w");

    (void)state;
    assert_non_null(f);
    fputs("aoe-target state 1\nexport e1.2\nconfig 6e\ncheck 00000000\n", f);
    fclose(f);
    assert_int_equal(state_store_open(&s, directory, &e, place.workers), 0);
    assert_int_equal(e.config_len, 0);
    state_store_close(s);
    assert_int_equal(stat(file, &st), -1);
    assert_int_equal(stat(damaged, &st), 0);
}

static void what_is_not_saved_is_not_answered(void **state)
{
    struct export e = {.addr = {1, 2}};
    struct state_store *s;

    (void)state;
    assert_int_equal(state_store_open(&s, directory, &e, place.workers), 0);
    assert_int_equal(rmdir(directory), 0);
    e = sample();
    saves(s, &e);
    assert_int_equal(results[0], -ENOENT);
    assert_int_equal(results[1], -ENOENT);
    assert_true(state_store_behind(s, &e));
    state_store_close(s);
    assert_int_equal(state_store_open(&s, directory, &e, place.workers),
                     -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_is_restored),
        cmocka_unit_test(the_largest_state),
        cmocka_unit_test(mask_of_another_allow_list),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(another_disks_file),
        cmocka_unit_test_setup_teardown(the_file_is_restored, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_file_is_set_aside, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_not_saved_is_not_answered,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
