/* SPDX-License-Identifier: BSD-2-Clause
 *
 * vblade-persist: /var/lib/vblade-persist/vblades/e1.2 is a service of runit
 * whose environment, a file for each variable as chpst(8) reads them, is in
 * env/, whose mask list is the names of the files in macs/, and which a file
 * named `down` keeps from being started.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/import/import_parts.h"

enum { SHELF, SLOT, NETIF, SOURCE, VARIABLES, NAME_BYTES = 1024 };

static const char *const variables[VARIABLES] = {"SHELF", "SLOT", "NETIF",
                                                 "SOURCE"};

/* chpst(8), -e: the first line, without blanks at its end. */
static bool variable(struct import *im, const char *dir, const char *name,
                     char *out)
{
    char path[NAME_BYTES], *text;
    size_t len;
    int err;

    if (snprintf(path, sizeof path, "%s/env/%s", dir, name) >= (int)sizeof path)
        err = -ENAMETOOLONG;
    else
        err = import_read(path, &text, &len);
    if (err) {
        import_notef(im, "this disk", "env/%s: %s", name, strerror(-err));
        return false;
    }
    len = strcspn(text, "\n");
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        len--;
    text[len] = '\0';
    snprintf(out, IMPORT_LINE_MAX, "%s", text);
    free(text);
    if (len < IMPORT_LINE_MAX)
        return true;
    import_notef(im, "this disk", "env/%s: it is too long", name);
    return false;
}

static int like_an_address(const struct dirent *entry)
{
    return strspn(entry->d_name, "0123456789abcdefABCDEF") > 0;
}

/* The names in macs/, separated by commas.  vblade-persist passes over those
 * that do not begin like an address. */
static int masks(const char *dir, char *out, size_t size)
{
    char path[NAME_BYTES];
    struct dirent **list;
    size_t used = 0;
    int count;

    out[0] = '\0';
    if (snprintf(path, sizeof path, "%s/macs", dir) >= (int)sizeof path)
        return -ENAMETOOLONG;
    count = scandir(path, &list, like_an_address, alphasort);
    if (count < 0)
        return errno == ENOENT ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        if (used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s",
                                     used ? "," : "", list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return used < size ? 0 : -EFBIG;
}

static bool kept_down(const char *dir)
{
    char path[NAME_BYTES];

    return snprintf(path, sizeof path, "%s/down", dir) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

void import_persist(struct import *im)
{
    char value[VARIABLES][IMPORT_LINE_MAX], macs[8 * IMPORT_LINE_MAX];
    const char *argv[2 + VARIABLES];
    unsigned argc = 0;
    int err;

    for (unsigned i = 0; i < VARIABLES; i++)
        if (!variable(im, im->name, variables[i], value[i]))
            return;
    err = masks(im->name, macs, sizeof macs);
    if (err) {
        import_notef(im, "this disk", "macs: %s", strerror(-err));
        return;
    }
    if (kept_down(im->name)) {
        import_note(im, "this disk",
                    "it is not started at boot (a file `down`); after "
                    "vblade-persist auto, import it again");
        return;
    }
    if (macs[0]) {
        argv[argc++] = "-m";
        argv[argc++] = macs;
    }
    for (unsigned i = 0; i < VARIABLES; i++)
        argv[argc++] = value[i];
    import_vblade(im, argv, argc, "this disk");
}
