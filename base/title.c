/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Linux shows the memory in which it put the arguments (proc(5), cmdline), and
 * what follows, the environment, if the last byte of the arguments is not zero:
 * that is how setproctitle(3) works on every kernel.
 */
#include "base/title.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

#ifdef __linux__

static char *place;                  /* NULL: there is none */
static size_t place_size, args_size; /* bytes; of all, of the arguments */
static char *original;               /* what was there; args_size bytes */
static char *copies;                 /* what argv and environ point to now */

/* The end of the strings that follow each other from `end` on. */
static char *contiguous(char *const *strings, char *end)
{
    for (; *strings && *strings == end; strings++)
        end += strlen(end) + 1;
    return end;
}

/* Makes what points into the place point into the copy. */
static void redirect(char **strings)
{
    for (; *strings; strings++)
        if (*strings >= place && *strings < place + place_size)
            *strings = copies + (*strings - place);
}

void title_init(int argc, char **argv)
{
    char *end = argc > 0 ? contiguous(argv, argv[0]) : NULL;

    if (!end || place)
        return;
    place_size = (size_t)(contiguous(environ, end) - argv[0]);
    copies = malloc(place_size);
    original = malloc((size_t)(end - argv[0]));
    if (!copies || !original)
        return;
    place = argv[0];
    args_size = (size_t)(end - place);
    memcpy(copies, place, place_size);
    memcpy(original, place, args_size);
    redirect(argv);
    redirect(environ);
}

void title_set(const char *remark)
{
    size_t room, used;

    if (!place)
        return;
    memset(place, 0, place_size);
    memcpy(place, original, args_size);
    room = place_size - args_size + 1;
    if (!remark || room < 8)
        return;
    for (size_t i = 0; i < args_size; i++)
        if (!place[i])
            place[i] = ' ';
    used = (size_t)snprintf(place + args_size, room - 1, "[%s]", remark);
    if (used >= room - 1)
        place[args_size + room - 3] = ']';
}

#else

void title_init(int argc, char **argv)
{
    (void)argc;
    (void)argv;
}

void title_set(const char *remark)
{
    (void)remark;
}

#endif
