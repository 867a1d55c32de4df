/* SPDX-License-Identifier: BSD-2-Clause
 *
 * vblade somewhere in a command: behind nice(1) or start-stop-daemon(8), in
 * the argument of `sh -c`, in the middle of a script.
 */
#include <stdio.h>
#include <string.h>

#include "target/import/import_parts.h"

enum { SHELLS_DEEP = 3 }; /* sh -c "sh -c '...'" */

static bool one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static bool is_vblade(const char *word)
{
    static const char *const names[] = {"vblade", "vbladed", NULL};

    return one_of(words_program(word), names);
}

/* -1: it is not there. */
static int find_vblade(const struct words *w)
{
    for (unsigned i = 0; i < w->count; i++)
        if (is_vblade(w->word[i]))
            return (int)i;
    return -1;
}

/* Words that may stand before a command and change nothing about it. */
static bool without_effect(const char *word)
{
    static const char *const list[] = {
        "exec", "nohup", "setsid", "then", "else", "do", "{", "command", NULL};

    return one_of(words_program(word), list);
}

/* Programs that look at vblade, end it or speak of it, but never start it. */
static bool starts_nothing(const char *word)
{
    static const char *const list[] = {
        "[",     "test",  "killall", "pkill",  "pidof",  "pgrep", "kill",
        "echo",  "which", "type",    "printf", "logger", "grep",  "rm",
        "touch", "mkdir", "chmod",   "cp",     "ln",     NULL};

    return one_of(words_program(word), list);
}

/* Programs that start another. */
static bool starts_others(const char *word)
{
    static const char *const list[] = {"nice",
                                       "ionice",
                                       "chrt",
                                       "taskset",
                                       "env",
                                       "daemon",
                                       "busybox",
                                       "chpst",
                                       "softlimit",
                                       "sudo",
                                       "start-stop-daemon",
                                       "if",
                                       "!",
                                       "while",
                                       "until",
                                       "time",
                                       NULL};

    return one_of(words_program(word), list);
}

static void append(char *out, size_t size, const char *word)
{
    size_t used = strlen(out);

    snprintf(out + used, size - used, "%s%s", used ? " " : "", word);
}

/* The words before vblade.  False: they do not start it. */
static bool prefix(struct import *im, const struct words *w, unsigned vblade,
                   const char *whole)
{
    char text[IMPORT_WHY] = "";
    unsigned i = 0;

    while (i < vblade && without_effect(w->word[i]))
        i++;
    if (i == vblade)
        return true;
    if (!starts_others(w->word[i])) {
        import_notef(im, whole, "whether \"%.60s\" starts it is not known",
                     w->word[i]);
        return false;
    }
    for (; i < vblade; i++)
        append(text, sizeof text, w->word[i]);
    import_note(im, text, "start aoe-target this way, if it still matters");
    return true;
}

static void take(struct import *im, const struct words *w, unsigned vblade)
{
    char whole[IMPORT_LINE_MAX] = "";
    unsigned first = vblade + 1;

    for (unsigned i = 0; i < w->count; i++)
        append(whole, sizeof whole, w->word[i]);
    if (starts_nothing(w->word[0]))
        return;
    if (w->odd)
        import_note(im, whole, w->odd);
    else if (prefix(im, w, vblade, whole))
        import_vblade(im, (const char *const *)w->word + first,
                      w->count - first, whole);
}

/* The string that a shell would run; NULL: there is none. */
static const char *for_a_shell(const struct words *w)
{
    static const char *const shells[] = {"sh", "ash", "bash", "dash", NULL};

    for (unsigned i = 0; i + 2 < w->count; i++)
        if (one_of(words_program(w->word[i]), shells) &&
            strcmp(w->word[i + 1], "-c") == 0)
            return w->word[i + 2];
    return NULL;
}

static void commands(struct import *im, const char *line, unsigned depth)
{
    struct words w;

    while (words_next(&w, &line)) {
        const char *inner = for_a_shell(&w);
        int at = find_vblade(&w);

        if (inner && depth < SHELLS_DEEP)
            commands(im, inner, depth + 1);
        else if (at >= 0)
            take(im, &w, (unsigned)at);
    }
}

void import_command(struct import *im, const char *line)
{
    commands(im, line, 0);
}

int import_words(struct import *im, char **words, int count)
{
    char whole[IMPORT_LINE_MAX] = "";
    struct words w = {.count = 0};
    int at;

    im->name = "the command line";
    im->line = 0;
    for (int i = 0; i < count && w.count < IMPORT_WORDS_MAX; i++) {
        w.word[w.count++] = words[i];
        append(whole, sizeof whole, words[i]);
    }
    if (count > IMPORT_WORDS_MAX)
        w.odd = "it has too many words";
    at = find_vblade(&w);
    if (count == 1) /* one word that is a whole line */
        import_command(im, words[0]);
    else if (at >= 0)
        take(im, &w, (unsigned)at);
    else
        import_note(im, whole, "there is no vblade in it");
    return im->err;
}
