/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration file of aoe-target: what it says, and that each mistake is
 * reported with its line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "target/config/config.h"

/* "LINE text\n" of every mistake. */
static char told[4096];

static void tell(void *arg, unsigned line, const char *text)
{
    size_t used = strlen(told);

    (void)arg;
    snprintf(told + used, sizeof told - used, "%u %s\n", line, text);
}

/* Reads this as a file; returns the number of mistakes. */
static unsigned reads_bytes(struct config *c, const char *text, size_t len)
{
    char path[] = "/tmp/t-config-XXXXXX";
    int fd = mkstemp(path);
    unsigned mistakes;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    told[0] = '\0';
    mistakes = config_read(c, path, tell, NULL);
    unlink(path);
    return mistakes;
}

static unsigned reads(struct config *c, const char *text)
{
    return reads_bytes(c, text, strlen(text));
}

static void every_key(void **state)
{
    struct config c;
    const struct export_config *e;

    (void)state;
    assert_int_equal(reads(&c, "[defaults]\n"
                               "interfaces = eth0, eth1\n"
                               "commit = 0.5\n"
                               "allow = 02:00:00:00:00:01\n"
                               "\n"
                               "; a comment\n"
                               "[e1.2]\n"
                               "file = /srv/a disk.img\n"
                               "read-only = yes\n"
                               "    direct = yes\n"
                               "sync = yes\n"
                               "offset = 0x10\n"
                               "length = 32\n"
                               "buffer-count = 5\n"
                               "max-sectors = 2\n"
                               "allow = 02:00:00:00:00:02,\n"
                               "  020000000003\n"
                               "remote-admin = 02:00:00:00:00:04\n"
                               "[media]\n"
                               "shelf = 3\n"
                               "slot = 4\n"
                               "file = /srv/b\n"
                               "interfaces = eth2\n"
                               "commit = 0\n"
                               "fault = flush-error,delay=1\n"
                               "remote-admin = no\n"),
                     0);
    assert_int_equal(c.count, 2);
    e = &c.exports[0];
    assert_int_equal(e->addr.shelf, 1);
    assert_int_equal(e->addr.slot, 2);
    assert_string_equal(e->path, "/srv/a disk.img");
    assert_int_equal(e->interface_count, 2);
    assert_string_equal(e->interfaces[1], "eth1");
    assert_true(e->read_only && e->direct && e->sync);
    assert_int_equal(e->commit_ns, NS_PER_S / 2);
    assert_int_equal(e->offset, 16);
    assert_int_equal(e->length, 32);
    assert_int_equal(e->buffer_count, 5);
    assert_int_equal(e->max_sectors, 2);
    assert_int_equal(e->allow.count, 2);
    assert_int_equal(e->allow.macs[1].b[5], 3);
    assert_int_equal(e->admin, EXPORT_ADMIN_LISTED);
    assert_int_equal(e->admins.macs[0].b[5], 4);
    assert_int_equal(e->line, 7);
    e = &c.exports[1];
    assert_int_equal(e->addr.shelf, 3);
    assert_int_equal(e->addr.slot, 4);
    assert_int_equal(e->interface_count, 1);
    assert_string_equal(e->interfaces[0], "eth2");
    assert_false(e->read_only || e->direct || e->sync);
    assert_int_equal(e->commit_ns, 0);
    assert_int_equal(e->buffer_count, EXPORT_BUFFERS);
    assert_int_equal(e->allow.count, 1);
    assert_int_equal(e->admin, EXPORT_ADMIN_NONE);
    assert_string_equal(e->fault, "flush-error,delay=1");
    assert_null(c.exports[0].fault);
    config_free(&c);
}

static void mistakes_have_their_line(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"", "0 exports nothing"},
        {"file = x\n", "1 before the first [SECTION]"},
        {"[e1.2]\nfile = x\n", "1 no interfaces"},
        {"[e1.2]\ninterfaces = a\n", "1 no file"},
        {"[a]\nfile = x\ninterfaces = a\nslot = 3\n", "1 no shelf and slot"},
        {"[e1.2]\nfile = x\nfile = y\ninterfaces = a\n", "3 file: given twice"},
        {"[e1.2]\nfile = x\n y\ninterfaces = a\n", "3 file: given twice"},
        {"[e1.2]\nfile = x\ninterfaces = a\nshelf = 3\n", "4 shelf: the"},
        {"[e1.2]\nfrob = x\n", "2 frob: \"frob\": no such key"},
        {"[e1.2]\n\n\nsync = 1\n", "4 sync: \"1\": must be yes or no"},
        {"[e1.2]\noffset = 12q\n", "2 offset: \"12q\": not a number"},
        {"[e1.2]\nmax-sectors = 256\n", "2 max-sectors: \"256\": must be from"},
        {"[e1.2]\nbuffer-count = 0\n", "2 buffer-count: \"0\": must be from"},
        {"[e1.2]\nallow = ff:ff:ff:ff:ff:ff\n", "2 allow: \"ff:ff"},
        {"[e1.2]\nallow = a,\n  zz\n", "3 allow: \"zz\": not a MAC"},
        {"[e1.2]\ninterfaces = a, a\n", "2 interfaces: \"a\": named twice"},
        {"[e1.2]\nremote-admin = maybe\n", "2 remote-admin: \"maybe\""},
        {"[e1.2]\nfault = maybe\n", "2 fault: \"maybe\": see --fault"},
        {"[defaults]\nslot = 1\n", "2 slot: two disks"},
        {"[e1.2]\n[defaults]\n", "2 [defaults] must be the first"},
        {"[e1.2\n", "1 a section's name without ]"},
        {"[e1.2]\njust words\n", "2 neither KEY = VALUE"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c;

        assert_true(reads(&c, cases[i].text) > 0);
        assert_int_equal(c.count, 0);
        assert_null(c.exports);
        if (!strstr(told, cases[i].told))
            fail_msg("of \"%s\" it says \"%s\", not \"%s\"", cases[i].text,
                     told, cases[i].told);
    }
}

static void every_mistake_is_reported(void **state)
{
    struct config c;
    char text[6000];

    (void)state;
    assert_int_equal(reads(&c, "[e1.2]\nfile = x\ninterfaces = a\n"
                               "sync = 1\ndirect = 1\nwords\n"),
                     3);
    assert_string_equal(told, "4 sync: \"1\": must be yes or no\n"
                              "5 direct: \"1\": must be yes or no\n"
                              "6 neither KEY = VALUE nor [SECTION]\n");
    snprintf(text, sizeof text,
             "[e1.2]\nfile = %05000d\ninterfaces = a\nsync = 1\n", 0);
    reads(&c, text);
    assert_non_null(strstr(told, "2 the line is too long"));
    assert_non_null(strstr(told, "4 sync"));
}

static void bytes_that_no_text_has_are_refused(void **state)
{
    static const char inside[] =
        "[e1.2]\nfile = x\0y\ninterfaces = a\nsync = 1";
    static const char last[] = "[e1.2]\nfile = x\ninterfaces = a\nsync = yes\0";
    struct config c;

    (void)state;
    reads_bytes(&c, inside, sizeof inside - 1);
    assert_non_null(strstr(told, "2 a byte 0"));
    assert_non_null(strstr(told, "4 sync"));
    assert_int_equal(reads_bytes(&c, last, sizeof last - 1), 1);
    assert_non_null(strstr(told, "4 a byte 0"));
}

static void a_value_that_a_line_can_hold(void **state)
{
    static const char *const cannot[] = {"",   " x",  "x ",    "x\ny", "x ;y",
                                         ";y", "\tx", "x\x7f", "\x01"};
    char path[300];

    (void)state;
    snprintf(path, sizeof path, "/%0298d", 0);
    assert_true(config_file_holds(path));
    assert_true(config_file_holds("/srv/a disk;1 #2 = \xc3\xa4"));
    for (size_t i = 0; i < sizeof cannot / sizeof *cannot; i++)
        assert_false(config_file_holds(cannot[i]));
}

/* ---- several together -----------------------------------------------------
 */

static struct export_config plain(uint16_t shelf, uint8_t slot,
                                  const char *interfaces, unsigned line)
{
    struct export_config c;
    char why[CONFIG_MISTAKE];

    export_config_init(&c);
    c.addr = (struct aoe_addr){shelf, slot};
    c.line = line;
    assert_true(export_config_set(&c, "interfaces", interfaces, why));
    return c;
}

static void globs_stand_for_interfaces(void **state)
{
    char names[][LINK_NAME_MAX] = {"eth0", "eth1", "wlan0"};
    struct export_config one = plain(1, 2, "eth?,e*1,br0", 1);
    struct config c = {.exports = &one, .count = 1};

    (void)state;
    told[0] = '\0';
    assert_int_equal(config_resolve(&c, names, 3, false, tell, NULL), 0);
    assert_int_equal(one.interface_count, 3);
    assert_string_equal(one.interfaces[0], "eth0");
    assert_string_equal(one.interfaces[1], "eth1");
    assert_string_equal(one.interfaces[2], "br0");
    one = plain(1, 2, "usb*", 9);
    assert_int_equal(config_resolve(&c, names, 3, false, tell, NULL), 1);
    assert_string_equal(told, "9 \"usb*\": no such interface\n");
    /* One that is waited for stays. */
    one = plain(1, 2, "usb*", 9);
    assert_int_equal(config_resolve(&c, names, 3, true, tell, NULL), 0);
    assert_string_equal(one.interfaces[0], "usb*");
    assert_int_equal(c.unmatched.count, 1);
    assert_false(config_matches(&c.unmatched, names, 3));
    strcpy(names[1], "usb1");
    assert_true(config_matches(&c.unmatched, names, 3));
}

static void one_address_has_one_disk_on_an_interface(void **state)
{
    char names[][LINK_NAME_MAX] = {"eth0", "eth1"};
    struct export_config two[2] = {plain(1, 2, "eth0", 3),
                                   plain(1, 2, "eth1", 8)};
    struct config c = {.exports = two, .count = 2};

    (void)state;
    told[0] = '\0';
    assert_int_equal(config_resolve(&c, names, 2, false, tell, NULL), 0);
    two[1] = plain(1, 2, "eth*", 8);
    assert_int_equal(config_resolve(&c, names, 2, false, tell, NULL), 1);
    assert_memory_equal(told, "8 e1.2 is already defined in line 3", 35);
}

static void equal_means_nothing_to_do(void **state)
{
    struct export_config a = plain(1, 2, "eth0", 3), b = plain(1, 2, "eth0", 9);
    char why[CONFIG_MISTAKE];

    (void)state;
    assert_true(export_config_equal(&a, &b));
    assert_true(export_config_set(&b, "allow", "02:00:00:00:00:01", why));
    assert_false(export_config_equal(&a, &b));
    b = plain(1, 2, "eth0,eth1", 3);
    assert_false(export_config_equal(&a, &b));
    b = plain(1, 2, "eth0", 3);
    b.commit_ns++;
    assert_false(export_config_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key),
        cmocka_unit_test(mistakes_have_their_line),
        cmocka_unit_test(every_mistake_is_reported),
        cmocka_unit_test(bytes_that_no_text_has_are_refused),
        cmocka_unit_test(a_value_that_a_line_can_hold),
        cmocka_unit_test(globs_stand_for_interfaces),
        cmocka_unit_test(one_address_has_one_disk_on_an_interface),
        cmocka_unit_test(equal_means_nothing_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
