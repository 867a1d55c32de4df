/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-nbd disconnect: disconnects a block device cleanly.  Real use is told
 * apart from a probe (udev's) by time: a probe ends soon.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-nbd/kernel/device.h"
#include "bridge/aoe-nbd/kernel/nbd.h"
#include "bridge/aoe-nbd/kernel/use.h"
#include "bridge/aoe-nbd/kernel/commands.h"
#include "initiator/client/command_line.h"

enum { LOOKS = 20, WHO_MAX = 256 };
static const struct timespec between_looks = {0, 100000000};

/* Whether it is still in use after a while. */
static bool in_use(int index, char who[WHO_MAX])
{
    for (int i = 0; i < LOOKS; i++) {
        if (!kernel_use(index, who, WHO_MAX))
            return false;
        /* Only an open file may be a probe. */
        if (strncmp(who, "open ", 5) != 0)
            return true;
        nanosleep(&between_looks, NULL);
    }
    return true;
}

/* Opens the device so that nobody can mount it from now on, or reports why not.
 * O_EXCL covers the mounts of every namespace. */
static int claim(int index, const char *device, char who[WHO_MAX])
{
    int fd;

    if (in_use(index, who)) {
        log_error("disconnect: %s: it is %s; end that first, or use --force",
                  device, who);
        return -1;
    }
    fd = fd_open(device, O_RDWR | O_EXCL, 0);
    if (fd < 0 && (errno == EROFS || errno == EACCES || errno == EPERM))
        fd = fd_open(device, O_RDONLY | O_EXCL, 0);
    if (fd < 0 && errno == EBUSY)
        log_error("disconnect: %s: it is mounted or otherwise in use; end that "
                  "first, or use --force",
                  device);
    else if (fd < 0)
        log_error("disconnect: %s: %s", device, strerror(errno));
    return fd;
}

/* False: it is still in use, or could not be flushed; that has been
 * reported. */
static bool settle(int index, const char *device, int *fd)
{
    char who[WHO_MAX];

    if (kernel_server(index) == 0) {
        log_error("disconnect: %s: its server is gone and what it had not "
                  "written waits for `aoe-nbd connect --resume'; --force "
                  "discards it",
                  device);
        return false;
    }
    *fd = claim(index, device, who);
    if (*fd < 0)
        return false;
    if (fsync(*fd)) {
        log_error("disconnect: %s: flushing: %s; the device stays; --force "
                  "disconnects it anyway",
                  device, strerror(errno));
        return false;
    }
    return true;
}

int kernel_take_away(int index, bool force)
{
    char device[32];
    int fd = -1, err;

    snprintf(device, sizeof device, "/dev/nbd%d", index);
    if (!force && !settle(index, device, &fd)) {
        if (fd >= 0)
            close(fd);
        return EXIT_FAILED;
    }
    err = kernel_nbd_disconnect(index);
    if (fd >= 0)
        close(fd);
    if (err) {
        log_error("disconnect: %s: %s", device, kernel_nbd_error(err));
        return EXIT_FAILED;
    }
    kernel_device_announce(index);
    return EXIT_DONE;
}

/* From now on the last close disconnects the device, and ours is the last if
 * nobody uses it. */
static int take_away_later(const struct kernel_device *d)
{
    struct kernel_nbd k = {.index = d->index, .backend = d->backend};
    struct kernel_device after;
    char device[32];
    int fd, err;

    snprintf(device, sizeof device, "/dev/nbd%d", d->index);
    fd = fd_open(device, O_RDONLY, 0);
    err = fd < 0 ? -errno : kernel_nbd_until_closed(&k);
    if (fd >= 0)
        close(fd);
    if (err) {
        log_error("disconnect: %s: %s", device, kernel_nbd_error(err));
        return EXIT_FAILED;
    }
    if (kernel_device_read(&after, d->index))
        return EXIT_DONE;
    kernel_device_announce(d->index);
    return kernel_server_wait(d->index) ? EXIT_FAILED : EXIT_DONE;
}

/* ---- the command --------------------------------------------------------- */

struct disconnect_options {
    bool force, lazy;
};

static const struct option_row own[] = {
    {"force", 'f', NULL,
     "even if it is mounted or open, cannot be flushed,\n"
     "or its server is gone; what was not written is lost",
     NULL, offsetof(struct disconnect_options, force), 0},
    {"lazy", 'l', NULL, "now, or as soon as nobody uses it any more", NULL,
     offsetof(struct disconnect_options, lazy), 0},
    {NULL, 0, NULL, NULL, NULL, 0, 0},
};

static const struct command_line line = {
    .program = "aoe-nbd",
    .command = "disconnect",
    .usage = "Usage: aoe-nbd disconnect [--force | --lazy] (DISK | /dev/nbdN)\n"
             "Disconnect the block device of an AoE disk, after flushing it.",
    .notes = "Exit status: 0 done, 1 failed, 2 wrong usage.",
    .shared = OPTION_VERBOSE,
    .own = own,
};

static bool find(struct kernel_device *d, const char *name)
{
    int index;
    uint16_t shelf;
    uint8_t slot;

    if (!aoe_name_parse(name, &shelf, &slot))
        return kernel_device_find(d, name);
    index = kernel_device_index(name);
    return index >= 0 && kernel_device_read(d, index);
}

static int disconnect(const char *name, bool force, bool lazy)
{
    struct kernel_device d;
    int status;

    if (!find(&d, name)) {
        log_error("disconnect: %s: it is not connected; see aoe-nbd list",
                  name);
        return EXIT_FAILED;
    }
    if (lazy)
        return take_away_later(&d);
    status = kernel_take_away(d.index, force);
    /* Waits for the server to end: it flushes the disk once more. */
    if (status == EXIT_DONE && kernel_server_wait(d.index))
        status = EXIT_FAILED;
    return status;
}

int kernel_disconnect_command(int argc, char **argv)
{
    struct disconnect_options o = {0};
    int status = command_line_parse(&line, NULL, &o, &argc, argv);

    if (status >= 0)
        return status;
    if (o.force && o.lazy)
        return command_line_wrong(&line, "--force and --lazy", NULL,
                                  "now or later, not both");
    if (argc != 1)
        return command_line_wrong(&line, "name one disk or device", NULL, NULL);
    return disconnect(argv[0], o.force, o.lazy);
}
