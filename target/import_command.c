/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-target import: prints the configuration file that does what vblade or
 * ggaoed did.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/log.h"
#include "base/options.h"
#include "target/import/import.h"
#include "target/import_command.h"

enum { OPTION_HELP = 256 };

static const struct option long_options[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

/* Where installations keep them. */
static const char *const usual[] = {
    "/etc/inittab",       "/etc/rc.local",           "/etc/vblade.conf",
    "/etc/vblade.conf.d", "/var/lib/vblade-persist", "/etc/ggaoed.conf"};

enum { USUAL = sizeof usual / sizeof usual[0] };

static void help(void)
{
    fputs(
        "usage: aoe-target import [FILE...]\n"
        "       aoe-target import -- COMMAND...\n"
        "\n"
        "Prints, for aoe-target --config, what does the same as COMMAND, a\n"
        "command line of vblade, or as the files: an inittab, a script with\n"
        "vblade in it, /etc/vblade.conf, files or the directory of\n"
        "/etc/vblade.conf.d, a directory of vblade-persist, ggaoed.conf; - is\n"
        "standard input.  Without FILE it looks where these usually are.\n"
        "\n"
        "A disk that would be served in another way is left out, and a "
        "comment\n"
        "says why.\n"
        "\n"
        "Exit status: 0 all translated, 1 nothing was printed, 2 wrong usage,\n"
        "3 something was not translated.\n"
        "\n"
        "  --help\n",
        stdout);
}

static int read_files(struct import *im, char **paths, int count)
{
    int err = 0;

    for (int i = 0; i < count && !err; i++) {
        err = import_path(im, paths[i]);
        if (err == -ENODATA)
            log_error("%s: nothing in it starts vblade or ggaoed", paths[i]);
    }
    return err;
}

static int read_usual(struct import *im)
{
    int err = 0;

    for (int i = 0; i < USUAL && (!err || err == -ENODATA); i++)
        if (access(usual[i], F_OK) == 0)
            err = import_path(im, usual[i]);
    if (err && err != -ENODATA)
        return err;
    if (import_exports(im) || import_untranslated(im))
        return 0;
    log_error("import: neither /etc nor /var/lib/vblade-persist starts vblade "
              "or ggaoed; name the FILE that does (see aoe-target import "
              "--help)");
    return -ENODATA;
}

static int read_all(struct import *im, bool command, int argc, char **argv)
{
    if (command)
        return import_words(im, argv, argc);
    return argc ? read_files(im, argv, argc) : read_usual(im);
}

static int run(bool command, int argc, char **argv)
{
    struct import *im;
    int err = import_open(&im), status = EXIT_FAILED;

    if (!err)
        err = read_all(im, command, argc, argv);
    if (err == -ENOMEM)
        log_error("import: %s", strerror(ENOMEM));
    if (!err) {
        import_print(im, stdout);
        status = import_untranslated(im) ? EXIT_PARTLY : EXIT_DONE;
    }
    import_close(im);
    return status;
}

static int wrong(const char *word, const char *why)
{
    log_error("import: %s: %s (see aoe-target import --help)", word, why);
    return EXIT_USAGE;
}

int import_main(int argc, char **argv)
{
    bool command;
    int option;

    while ((option = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
        if (option != OPTION_HELP)
            return wrong(argv[optind - 1], "no such option");
        help();
        return EXIT_DONE;
    }
    command = strcmp(argv[optind - 1], "--") == 0;
    if (command && optind == argc)
        return wrong("--", "a command line must follow");
    return run(command, argc - optind, argv + optind);
}
