/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-target import: each format it reads, what it leaves out, and that hostile
 * input neither breaks it nor gets into the configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/errors.h"
#include "target/import/import.h"

static char *printed; /* by the last import, without its first comment */
static int err;
static unsigned untranslated;

static void keep(const struct import *im)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    import_print(im, out);
    fclose(out);
    free(printed);
    printed = strdup(strstr(text, "doc/nas.md.\n") + strlen("doc/nas.md.\n"));
    free(text);
}

static void import_bytes(const char *text, size_t len)
{
    struct import *im;

    assert_int_equal(import_open(&im), 0);
    err = import_text(im, "FILE", text, len);
    untranslated = import_untranslated(im);
    keep(im);
    import_close(im);
}

/* This text becomes exactly this configuration. */
static void becomes(const char *text, const char *config)
{
    import_bytes(text, strlen(text));
    assert_string_equal(printed, config);
    assert_int_equal(err, 0);
}

/* Whether a comment says this, in however many lines. */
static bool says(const char *why)
{
    static const char fold[] = "\n#     ";
    char *text = strdup(printed);
    bool found;

    for (char *at; (at = strstr(text, fold));) {
        *at = ' ';
        memmove(at + 1, at + strlen(fold), strlen(at + strlen(fold)) + 1);
    }
    found = strstr(text, why) != NULL;
    free(text);
    return found;
}

/* Nothing of it is exported, and the comment says why. */
static void left_out(const char *text, const char *why)
{
    import_bytes(text, strlen(text));
    if (strstr(printed, "\n[") || !says(why))
        fail_msg("\"%s\" became:%s", text, printed);
    assert_true(untranslated > 0);
}

/* The file of one line of vblade, at line 1. */
#define DISK(config) "\n# FILE:1\n" config

static void command_lines(void **state)
{
    (void)state;
    becomes("vblade 1 2 eth0 /dev/md4\n",
            DISK("[e1.2]\nfile = /dev/md4\ninterfaces = eth0\n"));
    becomes("/usr/sbin/vbladed -rsd -b5 -m 00:11:22:33:44:55,665544332211 "
            "-m 00aa00bb00cc 010 2 eth0 '/srv/a disk' >/dev/null 2>&1 &",
            DISK("[e10.2]\nfile = /srv/a disk\ninterfaces = eth0\n"
                 "read-only = yes\ndirect = yes\nsync = yes\n"
                 "buffer-count = 5\nallow = 00:11:22:33:44:55\n"
                 "allow = 66:55:44:33:22:11\nallow = 00:aa:00:bb:00:cc\n"));
    /* Options behind the arguments, as Debian's unit has them. */
    becomes("vblade 1 2 eth0 x -o 0x10 -l 020",
            DISK("[e1.2]\nfile = x\ninterfaces = eth0\n"
                 "offset = 16\nlength = 16\n"));
    /* This is a file for vblade. */
    becomes("vblade 1 2 eth0 nbd://x",
            DISK("[e1.2]\nfile = ./nbd://x\ninterfaces = eth0\n"));
    becomes("sleep 5; [ -e /x ] && exec vblade 1 2 eth0 a | logger -t vb",
            DISK("[e1.2]\nfile = a\ninterfaces = eth0\n"));
    becomes("sh -c \"exec vblade 1 2 eth0 'a b'\"",
            DISK("[e1.2]\nfile = a b\ninterfaces = eth0\n"));
    becomes("[ -x /sbin/vblade ] || exit\nkillall vblade\nvblade 1 2 eth0 a",
            "\n# FILE:3\n[e1.2]\nfile = a\ninterfaces = eth0\n");
    becomes("vblade 1 2 \\\n eth0 a",
            DISK("[e1.2]\nfile = a\ninterfaces = eth0\n"));
}

static void octal_offset(void **state)
{
    (void)state;
    becomes("vblade -o 010 1 2 eth0 a",
            DISK("[e1.2]\nfile = a\ninterfaces = eth0\noffset = 8\n"));
}

/* vblade serves these as something else than they look like; none may be served
 * to more clients, or elsewhere on the disk, than before. */
static void refused_lines(void **state)
{
    (void)state;
    left_out("vblade 70000 2 eth0 a", "must be from 0 to 65534");
    left_out("vblade 0x1 2 eth0 a", "vblade takes it for 0");
    left_out("vblade 1 2x eth0 a", "vblade takes it for 2");
    left_out("vblade 1 255 eth0 a", "must be from 0 to 254");
    left_out("vblade -1 2 eth0 a", "no such option");
    left_out("vblade -o 8q 1 2 eth0 a", "vblade takes it for 8");
    left_out("vblade -o 09 1 2 eth0 a", "vblade takes it for 0");
    left_out("vblade -o 99999999999999999999 1 2 eth0 a", "too large");
    left_out("vblade -l 0 1 2 eth0 a", "must be from 1");
    left_out("vblade -m 0011223344 1 2 eth0 a", "not a MAC address");
    left_out("vblade -m '' 1 2 eth0 a", "no MAC address");
    left_out("vblade -x 1 2 eth0 a", "vblade has no such option");
    left_out("vblade 1 2 eth0", "vblade needs shelf, slot");
    left_out("vblade 1 2 eth0 a b", "one too many");
    left_out("vblade 1 2 eth0 a -o", "needs an argument");
    left_out("vblade 1 2 'eth*' a", "not a name");
    left_out("vblade 1 2 eth0,eth1 a", "not a name");
    left_out("vblade 1 2 eth0 $DISK", "a shell replaces a part");
    left_out("vblade 1 2 eth0 \"`disk`\"", "a shell replaces a part");
    left_out("vblade 1 2 eth0 /dev/sd?", "a shell replaces a part");
    left_out("vblade 1 2 eth0 'a", "a quotation has no end");
    left_out("mystart vblade 1 2 eth0 a", "whether \"mystart\" starts it");
}

static void prefixes(void **state)
{
    (void)state;
    import_bytes("nice -n -5 vblade 1 2 eth0 a", 28);
    assert_int_equal(untranslated, 1);
    assert_true(says("nice -n -5: start aoe-target this way"));
    assert_non_null(strstr(printed, "[e1.2]\nfile = a\n"));
}

static void inittab(void **state)
{
    (void)state;
    becomes("# 1:2345:respawn:vblade 9 9 eth0 /no\n"
            "::sysinit:/etc/init.d/rcS\n"
            "tty1::askfirst:-/bin/sh\n"
            "::off:vblade 9 8 eth0 /no\n"
            "::respawn:/usr/sbin/vblade 1 2 eth0 /dev/md4\n"
            "ao:2345:respawn:+/usr/sbin/vblade -r 1 3 eth0 /dev/md5\n",
            "\n# FILE:5\n[e1.2]\nfile = /dev/md4\ninterfaces = eth0\n"
            "\n# FILE:6\n[e1.3]\nfile = /dev/md5\ninterfaces = eth0\n"
            "read-only = yes\n");
    import_bytes("::sysinit:/etc/init.d/rcS\n", 26);
    assert_int_equal(err, -ENODATA);
}

static void table(void **state)
{
    (void)state;
    becomes("# network_device shelf slot file/disk/partition mac[,mac[,mac]]\n"
            "eth0 0 1 /root/disk1\n"
            "eth1\t0\t2\t/dev/sdb 00:11:22:33:44:55,00:11:22:33:44:56\n",
            "\n# FILE:2\n[e0.1]\nfile = /root/disk1\ninterfaces = eth0\n"
            "\n# FILE:3\n[e0.2]\nfile = /dev/sdb\ninterfaces = eth1\n"
            "allow = 00:11:22:33:44:55\nallow = 00:11:22:33:44:56\n");
    left_out("eth0 0 1\n", "not NETIF SHELF SLOT FILE");
    left_out("eth0 0 1 /a 00:11:22:33:44:5x\n", "not a MAC address");
}

static void fragment(void **state)
{
    (void)state;
    becomes("# of vblade-persistence(5)\nshelf=14\nslot=2\nnetif=ens3\n"
            "filename='/dev/mapper/the export'\n"
            "options='-r -m 10:22:33:44:55:66,22:33:44:55:66:77 -o 8'\n",
            "\n# FILE:6\n[e14.2]\nfile = /dev/mapper/the export\n"
            "interfaces = ens3\nread-only = yes\noffset = 8\n"
            "allow = 10:22:33:44:55:66\nallow = 22:33:44:55:66:77\n");
    left_out("shelf=1\nslot=2\nnetif=eth0\n", "filename is missing");
    left_out("shelf=1\nslot=2\nnetif=eth0\nfilename=$D/x\n", "a shell");
    left_out("shelf=1\nslot=2\nnetif=eth0\nfilename=a\nreboot\n",
             "not a setting");
    /* The last one counts. */
    becomes("shelf=1\nshelf=2\nslot=2 netif=eth0\nfilename=a\n",
            "\n# FILE:4\n[e2.2]\nfile = a\ninterfaces = eth0\n");
}

static void two_for_one(void **state)
{
    (void)state;
    becomes("vblade 1 2 eth0 a\nvblade 1 2 eth1 a\nvblade 1 2 eth1 a\n",
            "\n# FILE:1, FILE:2, FILE:3\n[e1.2]\nfile = a\n"
            "interfaces = eth0\ninterfaces = eth1\n");
    becomes("vblade -r 1 2 eth0 a\nvblade -r 1 3 eth0 a\n",
            "\n# FILE:1\n[e1.2]\nfile = a\ninterfaces = eth0\n"
            "read-only = yes\n"
            "\n# FILE:2\n[e1.3]\nfile = a\ninterfaces = eth0\n"
            "read-only = yes\n");
    becomes("vblade -l 8 1 2 eth0 a\nvblade -o 8 1 3 eth0 a\n",
            "\n# FILE:1\n[e1.2]\nfile = a\ninterfaces = eth0\nlength = 8\n"
            "\n# FILE:2\n[e1.3]\nfile = a\ninterfaces = eth0\noffset = 8\n");
}

static void collisions(void **state)
{
    (void)state;
    import_bytes("vblade 1 2 eth0 a\nvblade 1 2 eth0 b\n", 36);
    assert_true(says("FILE:2: e1.2: this address is taken"));
    import_bytes("vblade 1 2 eth0 a\nvblade 1 3 eth0 a\n", 36);
    assert_true(says("FILE:2: e1.3: the same sectors"));
    /* The third would join the first, on the interface of the second. */
    import_bytes("vblade 1 2 eth0 a\nvblade 1 2 eth1 b\nvblade 1 2 eth1 a\n",
                 54);
    assert_true(says("FILE:3: e1.2: this address is taken"));
    import_bytes("vblade 1 2 eth0 a\nvblade -r 1 2 eth1 a\n", 39);
    assert_true(says("FILE:2: e1.2: the same sectors"));
}

static void ggaoed(void **state)
{
    (void)state;
    becomes("[testdev]\npath = /dev/aoetest\nshelf = 1\nslot = 01\n"
            "accept = bar, 00:30:48:69:41:3A\ndeny = foo\nread-only = true\n"
            "direct-io = false\n"
            "[acls]\nfoo = 00:C0:4F:A1:66:94, 00:1B:21:0A:AA:22\n"
            "bar = foo, 00:0E:0C:3E:3B:0B\n"
            "[defaults]\nqueue-length = 16\ninterfaces = eth0, vif*\n"
            "mtu = 4200\n",
            "\n# FILE:2\n[e1.1]\nfile = /dev/aoetest\ninterfaces = eth0\n"
            "interfaces = vif*\nread-only = yes\nbuffer-count = 16\n"
            "max-sectors = 8\nallow = 00:0e:0c:3e:3b:0b\n"
            "allow = 00:30:48:69:41:3a\n");
    /* Direct I/O on all interfaces is its default. */
    becomes("[d]\nuuid=01234567-89ab-cdef\nshelf=0\nslot=0\n",
            "\n# FILE:2\n[e0.0]\nfile = /dev/disk/by-uuid/01234567-89ab-cdef\n"
            "interfaces = *\ndirect = yes\n");
    becomes("[defaults]\ninterfaces = eth*\n"
            "[d]\npath=a\nshelf=0\nslot=0\ninterfaces = eth1\n",
            "\n# FILE:4\n[e0.0]\nfile = a\ninterfaces = eth1\ndirect = yes\n");
}

#define GGAOED(more) "[d]\npath=a\nshelf=0\nslot=0\n" more

static void ggaoed_refused(void **state)
{
    (void)state;
    left_out(GGAOED("deny = 00:30:48:69:41:3A\n"), "not who may not");
    left_out(GGAOED("accept = somehost\n"), "/etc/ethers");
    left_out(GGAOED("accept = x\n[acls]\nx = x\n"), "/etc/ethers");
    left_out(GGAOED("accept = 00:30:48:69:41:3A\ndeny=00:30:48:69:41:3A\n"),
             "nobody is left");
    left_out(GGAOED("read-only = yes\n"), "neither true nor false");
    left_out(GGAOED("interfaces = br0\n[defaults]\ninterfaces=eth*\n"),
             "not one of those");
    left_out(GGAOED("uuid = 1\n"), "either path or uuid");
    left_out("[d]\npath=a\nshelf=0x1\nslot=0\n", "not a number");
    left_out("[d]\npath=a\nshelf=1\n", "slot: missing");
    left_out("[d]\npath=a\\sb\nshelf=1\nslot=1\n", "escape sequence");
    left_out("[d]\ncolour = green\n", "no such key");
    left_out("shelf = 1\n[d]\n", "neither [GROUP] nor");
    left_out("[eth0]\nmtu = 9000\n", "set the MTU of the interface");
}

/* Bytes of a name must not become another line, or a comment. */
static void hostile_names(void **state)
{
    (void)state;
    left_out("vblade 1 2 eth0 'a\001b'", "cannot hold");
    left_out("vblade 1 2 eth0 'a ;b'", "cannot hold");
    left_out("vblade 1 2 eth0 ' a'", "cannot hold");
    left_out("shelf=1 slot=2 netif=eth0 filename='a\n[e9.9]\nfile=b'", "");
    for (const char *at = printed; at; at = strchr(at + 1, '\n'))
        assert_true(at[1] == '#' || at[1] == '\n' || at[1] == '\0');
    left_out("vblade 1 2 aninterfacewhosenameislongerthananyinterfacesname"
             "couldpossiblybe a",
             "too long for an interface");
}

static void hostile_bytes(void **state)
{
    static const char *const starts[] = {"vblade ",   "[",
                                         "shelf=",    "::respawn:vblade ",
                                         "eth0 1 2 ", "[d]\nshelf=1\naccept=",
                                         "sh -c ",    "'",
                                         "\"\\",      "vblade -m "};
    char *text = malloc(1 << 16);

    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        for (int c = 1; c < 256; c++) {
            size_t len = strlen(starts[i]);

            memcpy(text, starts[i], len);
            memset(text + len, c, 5000);
            import_bytes(text, len + (size_t)c);
            import_bytes(text, len + 5000);
        }
    import_bytes("vblade 1 2\0 eth0 a", 18);
    assert_int_equal(err, -EILSEQ);
    import_bytes("", 0);
    assert_int_equal(err, -ENODATA);
    for (size_t i = 0; i < 1 << 16; i += 2)
        memcpy(text + i, "a\n", 2);
    import_bytes(text, 1 << 16);
    assert_int_equal(untranslated, 1 << 15);
    free(text);
}

static void words(void **state)
{
    char *argv[] = {"vblade", "1", "2", "eth0", "/srv/$a b"}, *one[1];
    char line[] = "nice vblade 1 2 eth0 a";
    struct import *im;

    (void)state;
    assert_int_equal(import_open(&im), 0);
    /* What a shell has seen already is taken as it is. */
    assert_int_equal(import_words(im, argv, 5), 0);
    one[0] = line;
    assert_int_equal(import_words(im, one, 1), 0);
    assert_int_equal(import_exports(im), 1);
    keep(im);
    assert_non_null(strstr(printed, "file = /srv/$a b\n"));
    assert_true(says("e1.2: this address is taken"));
    assert_int_equal(import_untranslated(im), 2);
    import_close(im);
}

static int drop(void **state)
{
    (void)state;
    free(printed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines),  cmocka_unit_test(octal_offset),
        cmocka_unit_test(refused_lines),  cmocka_unit_test(prefixes),
        cmocka_unit_test(inittab),        cmocka_unit_test(table),
        cmocka_unit_test(fragment),       cmocka_unit_test(two_for_one),
        cmocka_unit_test(collisions),     cmocka_unit_test(ggaoed),
        cmocka_unit_test(ggaoed_refused), cmocka_unit_test(hostile_names),
        cmocka_unit_test(hostile_bytes),  cmocka_unit_test(words),
    };

    return cmocka_run_group_tests_name("import", tests, NULL, drop);
}
