/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A main for the fuzz targets where there is no libFuzzer: runs one on every
 * file of the folders or files that are named.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of the exact size, so that a sanitizer sees each byte beyond it. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *data;
    size_t size;

    if (!file || fstat(fileno(file), &st)) {
        perror(path);
        return -1;
    }
    size = (size_t)st.st_size;
    data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    /* Should it end here, this is the one. */
    fprintf(stderr, "# %s\n", path);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    printf("ok - %s\n", path);
    fflush(stdout);
    return 0;
}

static int replay_folder(const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort), status = 0;

    if (count < 0) {
        perror(path);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        char file[4096];

        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            status |= replay(file);
        free(names[i]);
    }
    free(names);
    return status;
}

int main(int argc, char **argv)
{
    int status = argc < 2;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        int folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);

        status |= folder ? replay_folder(argv[i]) : replay(argv[i]);
    }
    return status ? 1 : 0;
}
