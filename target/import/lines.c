/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Files in which a line is an export: inittab(5), /etc/vblade.conf of Fedora's
 * and openSUSE's packages, and scripts.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "target/import/import_parts.h"

/* ---- lines -------------------------------------------------------------- */

/* Copies one line without its end and returns what follows it. */
static const char *copy_line(char *out, size_t *used, const char *text,
                             bool *fits)
{
    size_t len = strcspn(text, "\n");

    *fits = *used + len < IMPORT_LINE_MAX;
    if (*fits) {
        memcpy(out + *used, text, len);
        *used += len;
        out[*used] = '\0';
    }
    return text[len] ? text + len + 1 : text + len;
}

void import_lines(struct import *im, const char *text,
                  void (*each)(void *arg, char *line), void *arg)
{
    char line[IMPORT_LINE_MAX];
    unsigned number = 0;

    while (*text) {
        size_t used = 0;
        bool fits, more;
        char *trimmed;

        im->line = number + 1;
        do {
            text = copy_line(line, &used, text, &fits);
            number++;
            more = fits && used > 0 && line[used - 1] == '\\' && *text;
            if (more)
                line[--used] = '\0';
        } while (more);
        if (!fits && !im->looking)
            import_note(im, "this line", "it is too long to be read");
        if (!fits)
            continue;
        trimmed = text_trim(line);
        if (*trimmed && *trimmed != '#')
            each(arg, trimmed);
    }
    im->line = 0;
}

/* ---- /etc/vblade.conf --------------------------------------------------- */

/* "NETIF SHELF SLOT FILE [MAC[,MAC...]]" */
void import_table(struct import *im, const char *line)
{
    const char *argv[6], *at = line;
    struct words w;
    unsigned argc = 0;

    if (!words_next(&w, &at) || w.odd) {
        import_note(im, line, "not a line of /etc/vblade.conf");
        return;
    }
    if (w.count < 4 || w.count > 5) {
        import_note(im, line,
                    "not NETIF SHELF SLOT FILE [MAC,...] as in "
                    "/etc/vblade.conf");
        return;
    }
    if (w.count == 5) {
        argv[argc++] = "-m";
        argv[argc++] = w.word[4];
    }
    argv[argc++] = w.word[1];
    argv[argc++] = w.word[2];
    argv[argc++] = w.word[0];
    argv[argc++] = w.word[3];
    import_vblade(im, argv, argc, line);
}

/* ---- inittab ------------------------------------------------------------ */

/* The three colons of "ID:RUNLEVELS:ACTION:PROCESS"; NULL: it is no such
 * line. */
static const char *fields(const char *line, size_t *action_len,
                          const char **action)
{
    const char *a = strchr(line, ':'), *b = a ? strchr(a + 1, ':') : NULL;
    const char *c = b ? strchr(b + 1, ':') : NULL;

    if (!c || strcspn(line, " \t\"'") < (size_t)(c - line))
        return NULL;
    *action = b + 1;
    *action_len = (size_t)(c - b - 1);
    return c + 1;
}

bool import_is_inittab(const char *line)
{
    static const char *const actions[] = {
        "respawn",     "askfirst",     "wait",       "once",      "boot",
        "bootwait",    "off",          "ondemand",   "sysinit",   "initdefault",
        "restart",     "shutdown",     "ctrlaltdel", "powerwait", "powerfail",
        "powerokwait", "powerfailnow", "kbrequest"};
    const char *action;
    size_t len;

    if (!fields(line, &len, &action))
        return false;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strlen(actions[i]) == len && strncmp(actions[i], action, len) == 0)
            return true;
    return false;
}

void import_inittab(struct import *im, char *line)
{
    const char *action, *process;
    size_t len;

    process = fields(line, &len, &action);
    if (!process || (len == 3 && strncmp(action, "off", len) == 0))
        return; /* init passes over it, too */
    /* Not accounted (System V), a login shell (BusyBox). */
    import_command(im, process + strspn(process, "+@- \t"));
}
