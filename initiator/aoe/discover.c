/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe discover: the disks on the network, as a table for people or as JSON for
 * programs.
 */
#include "initiator/aoe/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/options.h"
#include "initiator/aoe/disk.h"

/* One found disk, kept until all are known, so that the list can be sorted. */
struct row {
    struct aoe_found f;
    char interface[64];
    uint8_t config[1024];
};

struct rows {
    struct row *rows;
    size_t count, capacity;
    bool failed; /* no memory for one of them */
};

/* ---- collecting -----------------------------------------------------------
 */

/* The serial number alone is not enough: vblade's names only the host. */
static bool other_disk(const struct aoe_found *a, const struct aoe_found *b)
{
    return a->identified && b->identified &&
           (a->size != b->size || strcmp(a->serial, b->serial) != 0 ||
            strcmp(a->model, b->model) != 0);
}

static struct row *row_for(struct rows *rs, const struct aoe_found *f)
{
    for (size_t i = 0; i < rs->count; i++) {
        struct row *r = &rs->rows[i];

        if (r->f.shelf == f->shelf && r->f.slot == f->slot &&
            memcmp(r->f.mac, f->mac, sizeof f->mac) == 0 &&
            strcmp(r->interface, f->interface) == 0 && !other_disk(&r->f, f))
            return r;
    }
    if (rs->count == rs->capacity) {
        size_t capacity = rs->capacity ? rs->capacity * 2 : 16;
        struct row *grown = array_resize(rs->rows, capacity, sizeof *grown);

        if (!grown)
            return NULL;
        rs->rows = grown;
        rs->capacity = capacity;
    }
    return &rs->rows[rs->count++];
}

static void found(void *arg, const struct aoe_found *f)
{
    struct rows *rs = arg;
    struct row *r = row_for(rs, f);

    if (!r) {
        rs->failed = true;
        return;
    }
    r->f = *f;
    snprintf(r->interface, sizeof r->interface, "%s", f->interface);
    memcpy(r->config, f->config, f->config_length);
}

static int by_address(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->f.shelf != y->f.shelf)
        return x->f.shelf < y->f.shelf ? -1 : 1;
    if (x->f.slot != y->f.slot)
        return x->f.slot < y->f.slot ? -1 : 1;
    if (strcmp(x->interface, y->interface) != 0)
        return strcmp(x->interface, y->interface);
    if (memcmp(x->f.mac, y->f.mac, sizeof x->f.mac) != 0)
        return memcmp(x->f.mac, y->f.mac, sizeof x->f.mac);
    return x->f.size < y->f.size ? -1 : x->f.size > y->f.size;
}

/* ---- showing --------------------------------------------------------------
 */

enum { COLUMNS = 10, CELL = 4 * 1024 + 8 };

static const struct column {
    const char *title;
    bool right;
} columns[COLUMNS] = {
    {"DISK", false},   {"SIZE", true},    {"BYTES", true},   {"MAC", false},
    {"NETIF", false},  {"PAYLOAD", true}, {"BUFFERS", true}, {"MODEL", false},
    {"SERIAL", false}, {"CONFIG", false},
};

static void cell_text(char *out, size_t capacity, const struct row *r,
                      int column)
{
    const struct aoe_found *f = &r->f;

    out[0] = 0;
    switch (column) {
    case 0:
        snprintf(out, capacity, "%s", f->name);
        break;
    case 1:
        if (f->identified)
            format_bytes(out, capacity, f->size);
        break;
    case 2:
        if (f->identified)
            snprintf(out, capacity, "%" PRIu64, f->size);
        break;
    case 3:
        format_mac(out, f->mac);
        break;
    case 4:
        snprintf(out, capacity, "%s", r->interface);
        break;
    case 5:
        snprintf(out, capacity, "%u", f->payload);
        break;
    case 6:
        snprintf(out, capacity, "%u", f->buffer_count);
        break;
    case 7:
        snprintf(out, capacity, "%s",
                 f->identified ? f->model
                 : f->reserved ? "(reserved)"
                               : "(does not identify itself)");
        break;
    case 8:
        snprintf(out, capacity, "%s", f->serial);
        break;
    case 9:
        format_escaped(out, capacity, r->config, f->config_length);
        break;
    }
}

static void show_cell(int column, const char *text, int width)
{
    if (column == COLUMNS - 1)
        puts(text);
    else
        printf("%*s  ", columns[column].right ? width : -width, text);
}

static void show_table(const struct rows *rs)
{
    static char cell[CELL];
    int width[COLUMNS];

    for (int c = 0; c < COLUMNS; c++) {
        width[c] = (int)strlen(columns[c].title);
        for (size_t i = 0; i < rs->count; i++) {
            cell_text(cell, sizeof cell, &rs->rows[i], c);
            if ((int)strlen(cell) > width[c])
                width[c] = (int)strlen(cell);
        }
    }
    for (int c = 0; c < COLUMNS; c++)
        show_cell(c, columns[c].title, width[c]);
    for (size_t i = 0; i < rs->count; i++)
        for (int c = 0; c < COLUMNS; c++) {
            cell_text(cell, sizeof cell, &rs->rows[i], c);
            show_cell(c, cell, width[c]);
        }
}

/* ASCII as it is, everything else escaped: any bytes make valid JSON. */
static void json_string(const char *name, const uint8_t *s, size_t length)
{
    printf(", \"%s\": \"", name);
    for (size_t i = 0; i < length; i++)
        if (s[i] == '"' || s[i] == '\\')
            printf("\\%c", s[i]);
        else if (s[i] >= 0x20 && s[i] < 0x7f)
            putchar(s[i]);
        else
            printf("\\u%04x", s[i]);
    putchar('"');
}

static void json_row(const struct row *r)
{
    char mac[FORMAT_MAC];

    printf("  {\"disk\": \"%s\", \"shelf\": %u, \"slot\": %u, "
           "\"mac\": \"%s\"",
           r->f.name, r->f.shelf, r->f.slot, format_mac(mac, r->f.mac));
    json_string("interface", (const uint8_t *)r->interface,
                strlen(r->interface));
    printf(", \"mtu\": %u, \"payload\": %u, \"buffer_count\": %u, "
           "\"sector_count\": %u, \"firmware\": %u",
           r->f.mtu, r->f.payload, r->f.buffer_count, r->f.sector_count,
           r->f.firmware);
    json_string("config", r->config, r->f.config_length);
    printf(", \"reserved\": %s", r->f.reserved ? "true" : "false");
    if (r->f.identified) {
        printf(", \"size\": %" PRIu64, r->f.size);
        json_string("model", (const uint8_t *)r->f.model, strlen(r->f.model));
        json_string("serial", (const uint8_t *)r->f.serial,
                    strlen(r->f.serial));
        json_string("version", (const uint8_t *)r->f.version,
                    strlen(r->f.version));
    }
    putchar('}');
}

static void show_json(const struct rows *rs)
{
    puts("[");
    for (size_t i = 0; i < rs->count; i++) {
        json_row(&rs->rows[i]);
        puts(i + 1 < rs->count ? "," : "");
    }
    puts("]");
}

/* ---- the command ----------------------------------------------------------
 */

static void say_nothing_found(const struct command_disk *c)
{
    char asked[INTERFACES_TEXT], disk[16] = "any disk";

    if (c->shelf != 0xffff)
        snprintf(disk, sizeof disk, "e%u.%u", c->shelf, c->slot);
    log_error("discover: asked for %s on %s for %g s: no answer", disk,
              interfaces_text(asked, &c->options.interfaces),
              (double)c->options.wait / (double)NS_PER_S);
}

static void disk_text(char *out, size_t capacity, const struct row *r)
{
    char mac[FORMAT_MAC];

    snprintf(out, capacity, "serial \"%s\", %" PRIu64 " bytes at %s on %s",
             r->f.serial, r->f.size, format_mac(mac, r->f.mac), r->interface);
}

/* Reports two disks at one address, which are neighbours in the sorted rows.
 * True: there are some. */
static bool say_conflicts(const struct rows *rs)
{
    bool any = false;

    for (size_t i = 1; i < rs->count; i++) {
        const struct row *a = &rs->rows[i - 1], *b = &rs->rows[i];
        char one[200], two[200];

        if (a->f.shelf != b->f.shelf || a->f.slot != b->f.slot ||
            !other_disk(&a->f, &b->f))
            continue;
        disk_text(one, sizeof one, a);
        disk_text(two, sizeof two, b);
        log_error("discover: two disks answer as %s: %s; and %s; give one of "
                  "them another address",
                  a->f.name, one, two);
        any = true;
    }
    return any;
}

static int discover(struct command_disk *c, bool json)
{
    struct rows rs = {0};
    struct aoe_discovery *search;
    uint64_t end;
    bool conflict;
    int err = interfaces_open(&c->options.interfaces, &c->aoe);

    if (err)
        return err;
    err = aoe_discover_start(c->aoe, c->shelf, c->slot, found, &rs, &search);
    end = clock_ns() + c->options.wait;
    while (!err && clock_ns() < end)
        err = aoe_wait(c->aoe, (int64_t)(end - clock_ns()));
    if (!err)
        aoe_discover_stop(search);
    if (err || rs.failed) {
        log_error("discover: %s", strerror(err ? -err : ENOMEM));
        free(rs.rows);
        return EXIT_FAILED;
    }
    if (rs.count)
        qsort(rs.rows, rs.count, sizeof *rs.rows, by_address);
    if (json)
        show_json(&rs);
    else if (rs.count)
        show_table(&rs);
    if (!rs.count)
        say_nothing_found(c);
    conflict = say_conflicts(&rs);
    free(rs.rows);
    return rs.count && !conflict ? EXIT_DONE : EXIT_FAILED;
}

static const struct option_row own[] = {
    {"json", 'j', NULL, "print JSON instead of a table", NULL, 0, 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe",
    .command = "discover",
    .usage = "Usage: aoe discover [-i NETIF]... [OPTION]... [DISK]\n"
             "List the AoE disks that answer on the named interfaces.",
    .notes =
        "DISK (e1.2) limits the search to one disk.  Exit status: 0 when a\n"
        "disk was found, 1 when none was or two share an address, 2 for\n"
        "wrong usage.",
    .shared = OPTIONS_NETWORK,
    .own = own,
};

/* Returns -1 to go on, else the exit status. */
static int arguments(struct command_disk *c, int argc, char **argv)
{
    if (argc > 1)
        return command_wrong(c, "name one disk at most", NULL, NULL);
    if (argc == 1)
        return command_disk_name(c, argv[0]);
    c->shelf = 0xffff; /* all of them */
    c->slot = 0xff;
    return -1;
}

int discover_main(int argc, char **argv)
{
    struct command_disk c;
    bool json = false;
    int status;

    command_disk_init(&c, &line);
    c.options.wait = NS_PER_S;
    status = command_disk_options(&c, &json, &argc, argv);
    if (status < 0)
        status = arguments(&c, argc, argv);
    if (status < 0)
        status = discover(&c, json);
    command_disk_close(&c);
    return status;
}
