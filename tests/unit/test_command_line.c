/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line that all commands share: every way to write an option, which
 * arguments are left, and wrong usage in one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/options.h"
#include "initiator/client/command_line.h"

struct fixture {
    struct client_options shared;
    struct {
        bool json;
        char size[16];
    } own;
    char words[256];
    char *argv[32];
    int argc;
    char said[256]; /* the latest line of log_error */
    unsigned lines;
};

static const char *set_size(void *to, const char *value)
{
    struct fixture *f = list_entry(to, struct fixture, own);

    if (strcmp(value, "huge") == 0)
        return "too large";
    snprintf(f->own.size, sizeof f->own.size, "%s", value);
    return NULL;
}

static const struct option_row own[] = {
    {"json", 'j', NULL, "print JSON", NULL, 0, 0},
    {"size", 's', "BYTES", "of it", set_size, 0, 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "prog",
    .command = "show",
    .usage = "Usage: prog show",
    .shared = OPTIONS_NETWORK | OPTION_WINDOW,
    .own = own,
};

static void heard(void *arg, const char *text)
{
    struct fixture *f = arg;

    snprintf(f->said, sizeof f->said, "%s", text);
    f->lines++;
}

static int parse(struct fixture *f, const char *words)
{
    char *rest = f->words, *word;
    int status;

    memset(f, 0, sizeof *f);
    client_options_init(&f->shared);
    log_verbosity = 0;
    snprintf(f->words, sizeof f->words, "show %s", words);
    while ((word = strsep(&rest, " ")))
        if (*word)
            f->argv[f->argc++] = word;
    log_hear(heard, f);
    status = command_line_parse(&line, &f->shared, &f->own, &f->argc, f->argv);
    log_hear(NULL, NULL);
    return status;
}

static void wrong(const char *words, const char *said)
{
    struct fixture f;

    assert_int_equal(parse(&f, words), EXIT_USAGE);
    assert_string_equal(f.said, said);
    assert_int_equal(f.lines, 1);
    client_options_free(&f.shared);
}

static void no_arguments(void **state)
{
    struct fixture f;

    (void)state;
    assert_int_equal(parse(&f, ""), -1);
    assert_int_equal(f.argc, 0);
    assert_null(f.argv[0]);
    assert_int_equal(f.shared.wait, 10 * NS_PER_S);
    assert_int_equal(f.shared.disk.timeout, AOE_TIMEOUT_DEFAULT);
    assert_int_equal(f.shared.interfaces.count, 0);
}

static void a_wait(const char *words, uint64_t ns)
{
    struct fixture f;

    assert_int_equal(parse(&f, words), -1);
    assert_int_equal(f.shared.wait, ns);
    assert_int_equal(f.argc, 0);
}

static void every_way_to_write_a_value(void **state)
{
    (void)state;
    a_wait("-w3", 3 * NS_PER_S);
    a_wait("-w 3", 3 * NS_PER_S);
    a_wait("--wait=3", 3 * NS_PER_S);
    a_wait("--wait 3", 3 * NS_PER_S);
    a_wait("--wa 3", 3 * NS_PER_S);
    a_wait("-jvw3", 3 * NS_PER_S);
    a_wait("-w 1 -w 0.5", NS_PER_S / 2); /* the last one counts */
}

static void letters_combine(void **state)
{
    struct fixture f;

    (void)state;
    assert_int_equal(parse(&f, "-vjv -s --verbose"), -1);
    assert_int_equal(log_verbosity, 2);
    assert_true(f.own.json);
    assert_string_equal(f.own.size, "--verbose"); /* a value, whatever it is */
    log_verbosity = 0;
}

static void operands_may_be_anywhere(void **state)
{
    struct fixture f;

    (void)state;
    assert_int_equal(parse(&f, "e1.2 -w 3 - -j file -i eth0,eth1 -- -v --"),
                     -1);
    assert_int_equal(f.argc, 5);
    assert_string_equal(f.argv[0], "e1.2");
    assert_string_equal(f.argv[1], "-");
    assert_string_equal(f.argv[2], "file");
    assert_string_equal(f.argv[3], "-v");
    assert_string_equal(f.argv[4], "--");
    assert_null(f.argv[5]);
    assert_int_equal(log_verbosity, 0);
    assert_int_equal(f.shared.interfaces.count, 2);
    client_options_free(&f.shared);
}

static void wrong_usage_is_one_line(void **state)
{
    (void)state;
    wrong("-x", "show: -x: no such option; see prog show --help");
    wrong("-jx", "show: -x: no such option; see prog show --help");
    wrong("--replay=3", /* in the table, but not this command's */
          "show: --replay=3: no such option; see prog show --help");
    wrong("--waits 3", "show: --waits: no such option; see prog show --help");
    wrong("--=3", "show: --=3: no such option; see prog show --help");
    wrong("--w 3", "show: --w: ambiguous option; see prog show --help");
    wrong("-w", "show: -w: needs a value; see prog show --help");
    wrong("--wait", "show: --wait: needs a value; see prog show --help");
    wrong("--json=yes",
          "show: --json=yes: takes no value; see prog show --help");
    wrong("-wsoon", "show: --wait soon: not a number of seconds; see prog show "
                    "--help");
    wrong("--window 4097", "show: --window 4097: not a number from 1 to 4096; "
                           "see prog show --help");
    wrong("--size=huge", "show: --size huge: too large; see prog show --help");
    wrong("-s huge --frobnicate",
          "show: --size huge: too large; see prog show --help");
    wrong("--wait=",
          "show: --wait \"\": not a number of seconds; see prog show "
          "--help");
    wrong("-i a,,b", "interfaces: \"\" is not an interface name");
}

/* In mount options and nbdkit's parameters. */
static void by_name(void **state)
{
    struct client_options o;
    const char *why;

    (void)state;
    client_options_init(&o);
    assert_true(
        client_option_set(&o, OPTIONS_SERVER, "timeout=0,x", 7, "7", &why));
    assert_null(why);
    assert_int_equal(o.disk.timeout, 7 * NS_PER_S);
    assert_true(client_option_set(&o, OPTIONS_SERVER, "replay", 6, "3", &why));
    assert_int_equal(o.disk.replay, 3 << 20);
    assert_true(
        client_option_set(&o, OPTIONS_SERVER, "link", 4, "pigeon", &why));
    assert_non_null(why);
    assert_null(o.interfaces.link);
    assert_false(client_option_set(&o, OPTIONS_DISK, "replay", 6, "3", &why));
    assert_false(client_option_set(&o, OPTIONS_SERVER, "wai", 3, "3", &why));
    assert_false(client_option_set(&o, OPTIONS_SERVER, "waits", 5, "3", &why));
    /* They are words of their own there: ro, not read-only=. */
    assert_false(
        client_option_set(&o, OPTIONS_SERVER, "read-only", 9, "", &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_arguments),
        cmocka_unit_test(every_way_to_write_a_value),
        cmocka_unit_test(letters_combine),
        cmocka_unit_test(operands_may_be_anywhere),
        cmocka_unit_test(wrong_usage_is_one_line),
        cmocka_unit_test(by_name),
    };

    return cmocka_run_group_tests_name("command_line", tests, NULL, NULL);
}
