/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-target ctl: asks a running target through its control socket.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "target/serve/control.h"

/* Not on every system. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum { OPTION_CONTROL = 256, OPTION_PROMETHEUS, OPTION_HELP };

static const struct option long_options[] = {
    {"control", required_argument, NULL, OPTION_CONTROL},
    {"prometheus", no_argument, NULL, OPTION_PROMETHEUS},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static void help(void)
{
    fputs("usage: aoe-target ctl [--control PATH] COMMAND\n"
          "\n"
          "Queries or controls a target that was started with --control.\n"
          "\n"
          "  stats [--prometheus]  counters of disks and interfaces\n"
          "  exports               address, bytes, interfaces, file\n"
          "  reload                reload the configuration file, and wait\n"
          "                        until all of it has taken effect\n"
          "  clear-mask DISK       empty the mask list of a disk (e1.2)\n"
          "  clear-reservation DISK\n"
          "                        release its reservation\n"
          "\n"
          "  --control PATH        its socket (" CONTROL_PATH ")\n"
          "  --help\n",
          stdout);
}

static int call(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd, err;

    if (strlen(path) >= sizeof at.sun_path)
        return -ENAMETOOLONG;
    strcpy(at.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    err = -errno;
    close(fd);
    return err;
}

/* The first line is the outcome; the rest is output, or more about the
 * error. */
static int take_answer(FILE *in, const char *path)
{
    char line[1024];
    size_t n;

    if (!fgets(line, sizeof line, in)) {
        log_error("%s: the target closed the connection without a response",
                  path);
        return EXIT_FAILED;
    }
    if (strncmp(line, "error ", 6) == 0) {
        memmove(line, line + 6, strlen(line + 6) + 1);
        do {
            line[strcspn(line, "\n")] = '\0';
            log_error("%s", line);
        } while (fgets(line, sizeof line, in));
        return EXIT_FAILED;
    }
    while ((n = fread(line, 1, sizeof line, in)) > 0)
        fwrite(line, 1, n, stdout);
    if (ferror(in)) {
        log_error("%s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int ask(const char *path, const char *line)
{
    int fd = call(path), status = EXIT_FAILED;
    FILE *in;

    if (fd < 0) {
        log_error("%s: asking the target: %s%s", path, strerror(-fd),
                  fd == -ENOENT || fd == -ECONNREFUSED
                      ? "; was it started with --control?"
                      : "");
        return EXIT_FAILED;
    }
    in = fdopen(fd, "r");
    if (!in || send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
        log_error("%s: asking the target: %s", path, strerror(errno));
    else
        status = take_answer(in, path);
    if (in)
        fclose(in);
    else
        close(fd);
    return status;
}

static int wrong(const char *word, const char *why)
{
    log_error("ctl: %s: %s (see aoe-target ctl --help)", word, why);
    return EXIT_USAGE;
}

static int run(const char *path, bool prometheus, int argc, char **argv)
{
    static const struct {
        const char *name;
        int arguments;
    } commands[] = {{"stats", 0},
                    {"exports", 0},
                    {"reload", 0},
                    {"clear-mask", 1},
                    {"clear-reservation", 1}};
    char line[128];
    size_t i = 0;

    if (argc == 0)
        return wrong("COMMAND", "is missing");
    while (i < sizeof commands / sizeof commands[0] &&
           strcmp(commands[i].name, argv[0]) != 0)
        i++;
    if (i == sizeof commands / sizeof commands[0])
        return wrong(argv[0], "no such command");
    if (argc - 1 < commands[i].arguments)
        return wrong(argv[0], "needs a disk");
    if (argc - 1 > commands[i].arguments)
        return wrong(argv[commands[i].arguments + 1], "unexpected argument");
    if (prometheus && i != 0)
        return wrong("--prometheus", "only for stats");
    if (snprintf(line, sizeof line, "%s%s%s\n", argv[0],
                 argc > 1 || prometheus ? " " : "",
                 prometheus ? "prometheus"
                 : argc > 1 ? argv[1]
                            : "") >= (int)sizeof line ||
        strchr(line, '\n')[1])
        return wrong(argv[1], "not a disk");
    return ask(path, line);
}

int ctl_main(int argc, char **argv)
{
    const char *path = CONTROL_PATH;
    bool prometheus = false;
    int option;

    while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
        switch (option) {
        case OPTION_CONTROL:
            path = optarg;
            break;
        case OPTION_PROMETHEUS:
            prometheus = true;
            break;
        case OPTION_HELP:
            help();
            return EXIT_DONE;
        default:
            return wrong(argv[optind - 1], option == ':' ? "needs an argument"
                                                         : "no such option");
        }
    return run(path, prometheus, argc - optind, argv + optind);
}
