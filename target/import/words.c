/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Shell commands taken apart (POSIX.1, Shell Command Language, 2.2 and 2.3), as
 * far as start scripts write them: quotes, backslashes, redirections, and what
 * stands between two commands.  What only a shell can know is noticed and not
 * guessed.
 */
#include <ctype.h>
#include <string.h>

#include "target/import/import_parts.h"

static const char blanks[] = " \t\r";

struct splitter {
    struct words *w;
    const char *at;
    size_t used; /* bytes of w->text */
};

static void put(struct splitter *s, char c)
{
    if (s->used + 1 < sizeof s->w->text)
        s->w->text[s->used++] = c;
    else
        s->w->odd = "it is too long";
}

static void end_quotation(struct splitter *s)
{
    if (*s->at)
        s->at++;
    else
        s->w->odd = "a quotation has no end";
}

static void single_quoted(struct splitter *s)
{
    for (s->at++; *s->at && *s->at != '\''; s->at++)
        put(s, *s->at);
    end_quotation(s);
}

static void double_quoted(struct splitter *s)
{
    for (s->at++; *s->at && *s->at != '"'; s->at++) {
        if (*s->at == '$' || *s->at == '`')
            s->w->odd = "a shell replaces a part of it";
        if (*s->at == '\\' && s->at[1] && strchr("\"\\$`", s->at[1]))
            s->at++;
        put(s, *s->at);
    }
    end_quotation(s);
}

static void plain(struct splitter *s)
{
    if (*s->at == '\\' && s->at[1])
        s->at++;
    else if (strchr("$`*?[", *s->at))
        s->w->odd = "a shell replaces a part of it";
    put(s, *s->at++);
}

/* A word ends with its 0 byte; the caller decides whether it counts. */
static char *one_word(struct splitter *s)
{
    char *word = s->w->text + s->used;

    if (*s->at == '~')
        s->w->odd = "a shell replaces a part of it";
    while (*s->at && !strchr(" \t\r\n;&|()<>", *s->at))
        if (*s->at == '\'')
            single_quoted(s);
        else if (*s->at == '"')
            double_quoted(s);
        else
            plain(s);
    /* put() leaves room for this. */
    s->w->text[s->used] = '\0';
    if (s->used + 1 < sizeof s->w->text)
        s->used++;
    return word;
}

static bool digits(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

/* `>file`, `2>&1`: where output goes is no part of a configuration. */
static void redirection(struct splitter *s)
{
    s->at += strspn(s->at, "<>&|");
    s->at += strspn(s->at, blanks);
    if (*s->at)
        one_word(s);
}

static void take_word(struct splitter *s)
{
    char *word = one_word(s);

    if (strchr("<>", *s->at) && *s->at && digits(word))
        return; /* the descriptor that is redirected */
    if (s->w->count == IMPORT_WORDS_MAX)
        s->w->odd = "it has too many words";
    else
        s->w->word[s->w->count++] = word;
}

/* False at the end of the command. */
static bool part(struct splitter *s)
{
    s->at += strspn(s->at, blanks);
    if (*s->at == '#')
        s->at += strcspn(s->at, "\n");
    if (!*s->at || strchr("\n;&|()", *s->at))
        return false;
    if (*s->at == '<' || *s->at == '>')
        redirection(s);
    else
        take_word(s);
    return true;
}

bool words_next(struct words *w, const char **at)
{
    struct splitter s = {.w = w, .at = *at};

    w->count = 0;
    w->odd = NULL;
    while (s.at += strspn(s.at, " \t\r\n;&|()"), *s.at && w->count == 0)
        while (part(&s))
            ;
    *at = s.at;
    return w->count > 0;
}

const char *words_program(const char *word)
{
    const char *slash = strrchr(word, '/');

    return slash ? slash + 1 : word;
}
