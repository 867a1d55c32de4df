/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-target import over arbitrary files, for libFuzzer.  What it prints must
 * be a configuration that aoe-target accepts, with as many exports as it says.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/config/config.h"
#include "target/import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void complain(void *arg, unsigned line, const char *text)
{
    (void)arg;
    fprintf(stderr, "%u: %s\n", line, text);
}

/* A pattern may match anything, and is not resolved here. */
static int patterns(const struct config *c)
{
    for (unsigned i = 0; i < c->count; i++)
        for (unsigned j = 0; j < c->exports[i].interface_count; j++)
            if (strpbrk(c->exports[i].interfaces[j], "*?["))
                return 1;
    return 0;
}

static void must(int holds)
{
    if (!holds)
        abort();
}

static void read_again(const char *path, unsigned exports)
{
    struct config c;

    must(config_read(&c, path, complain, NULL) == 0);
    must(c.count == exports);
    must(patterns(&c) ||
         config_resolve(&c, NULL, 0, false, complain, NULL) == 0);
    config_free(&c);
}

static FILE *new_file(char path[40])
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    FILE *file = fdopen(fd, "w");

    must(file != NULL);
    snprintf(path, 40, "/proc/self/fd/%d", fd);
    return file;
}

/* Whether this build reads configuration files at all. */
static int reads(void)
{
    static int known; /* 1: it does, -1: it does not */
    struct config c;
    char path[40];
    FILE *file;

    if (known)
        return known > 0;
    file = new_file(path);
    fputs("[e1.2]\nfile = a\ninterfaces = b\n", file);
    must(fflush(file) == 0);
    known = config_read(&c, path, complain, NULL) == 0 ? 1 : -1;
    config_free(&c);
    fclose(file);
    return known > 0;
}

static void print_and_read(const struct import *im)
{
    char path[40];
    FILE *out = new_file(path);

    import_print(im, out);
    must(fflush(out) == 0);
    if (import_exports(im) && reads())
        read_again(path, import_exports(im));
    fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import *im;

    must(import_open(&im) == 0);
    import_text(im, "FILE", (const char *)data, size);
    print_and_read(im);
    import_close(im);
    return 0;
}
