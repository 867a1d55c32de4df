/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration file that was asked for.  A key is printed if it differs
 * from its default.
 */
#include <string.h>

#include "target/import/import_parts.h"

enum { COMMENT_WIDTH = 78 };

/* ---- comments ----------------------------------------------------------- */

/* A configuration may hold any byte in a name, but a comment is for people. */
static char visible(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
}

/* How much of `text` fits into a line of `width`: up to a blank, if there is
 * one. */
static size_t line_length(const char *text, size_t width)
{
    size_t len = strlen(text);

    if (len <= width)
        return len;
    for (len = width; len > 0 && text[len] != ' '; len--)
        ;
    return len ? len : width;
}

static void print_comment(FILE *out, const char *first, const char *text)
{
    const char *begin = first;

    do {
        size_t len = line_length(text, COMMENT_WIDTH - strlen(begin));

        fputs(begin, out);
        for (size_t i = 0; i < len; i++)
            fputc(visible(text[i]), out);
        fputc('\n', out);
        text += len;
        text += strspn(text, " ");
        begin = "#     ";
    } while (*text);
}

/* ---- exports ------------------------------------------------------------ */

static void print_numbers(const struct export_config *e,
                          const struct export_config *usual, FILE *out)
{
    if (e->offset)
        fprintf(out, "offset = %llu\n", (unsigned long long)e->offset);
    if (e->length)
        fprintf(out, "length = %llu\n", (unsigned long long)e->length);
    if (e->buffer_count != usual->buffer_count)
        fprintf(out, "buffer-count = %u\n", e->buffer_count);
    if (e->max_sectors)
        fprintf(out, "max-sectors = %u\n", e->max_sectors);
}

static void print_export(const struct export_config *e, FILE *out)
{
    struct export_config usual;
    char text[32]; /* AOE_ADDR_TEXT, AOE_MAC_TEXT */

    export_config_init(&usual);
    fprintf(out, "[%s]\nfile = %s\n", aoe_addr_format(text, e->addr), e->path);
    for (unsigned i = 0; i < e->interface_count; i++)
        fprintf(out, "interfaces = %s\n", e->interfaces[i]);
    if (e->read_only)
        fputs("read-only = yes\n", out);
    if (e->direct)
        fputs("direct = yes\n", out);
    if (e->sync)
        fputs("sync = yes\n", out);
    print_numbers(e, &usual, out);
    for (unsigned i = 0; i < e->allow.count; i++)
        fprintf(out, "allow = %s\n", aoe_mac_format(text, &e->allow.macs[i]));
}

void import_print(const struct import *im, FILE *out)
{
    fputs("# Made by aoe-target import.  How the old target was started, and "
          "where its\n# output went, is not in here: see doc/nas.md.\n",
          out);
    list_each(it, &im->entries) {
        const struct import_entry *e =
            list_entry(it, const struct import_entry, link);

        fputc('\n', out);
        if (e->note) {
            print_comment(out, "# not translated: ", e->note);
            continue;
        }
        print_comment(out, "# ", e->places);
        print_export(e->export, out);
    }
}
