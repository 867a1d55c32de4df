/* SPDX-License-Identifier: BSD-2-Clause
 *
 * POSIX locks, which every kernel has, and which tell who holds them.  The byte
 * is a hash over 62 bits of network name space, interface and address: two
 * disks that share one are less likely than any fault of the machine.
 */
#include "target/serve/address_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fnv.h"
#include "base/log.h"

/* Run-time state, until the next boot; old systems lack /run. */
static const char *const places[] = {"/run/aoe-target.lock",
                                     "/var/run/aoe-target.lock"};

enum { INDEX_KEY = 16 };

#define OFFSET_MAX ((UINT64_C(1) << 62) - 1)

/* If others may write to the directory, one of them may have made it. */
static bool ours(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           st.st_uid == geteuid() && st.st_nlink == 1 &&
           (st.st_mode & 0077) == 0;
}

static int open_one(const char *path)
{
    int fd = fd_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);

    if (fd < 0) {
        log_debug("%s: %s; other targets of this machine are not known", path,
                  strerror(errno));
    } else if (!ours(fd)) {
        log_error("%s: others may open it, too; it is not used, and another "
                  "target of this machine may not be known",
                  path);
        close(fd);
        fd = -1;
    }
    return fd;
}

void address_lock_open(struct address_lock *l)
{
    struct stat st;

    *l = (struct address_lock){.fd = -1};
    for (size_t i = 0; i < sizeof places / sizeof places[0] && l->fd < 0; i++)
        l->fd = open_one(places[i]);
    /* Without /proc, assume a single one. */
    if (stat("/proc/self/ns/net", &st) == 0)
        l->netspace = st.st_ino;
}

void address_lock_close(struct address_lock *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

static off_t place_of(const struct address_lock *l, const char *ifname,
                      struct aoe_addr addr)
{
    uint64_t h = fnv64(FNV64_START, &l->netspace, sizeof l->netspace);

    h = fnv64(h, ifname, strlen(ifname) + 1);
    h = fnv64(h, &addr.shelf, sizeof addr.shelf);
    h = fnv64(h, &addr.slot, sizeof addr.slot);
    return (off_t)(h & OFFSET_MAX);
}

static struct flock byte_of(const struct address_lock *l, short type,
                            const char *ifname, struct aoe_addr addr)
{
    return (struct flock){.l_type = type,
                          .l_whence = SEEK_SET,
                          .l_start = place_of(l, ifname, addr),
                          .l_len = 1};
}

/* A second key: an interface can be renamed under a target that serves on it,
 * or created again with another index. */
static void by_index(char out[INDEX_KEY], const char *ifname)
{
    snprintf(out, INDEX_KEY, "#%u", if_nametoindex(ifname));
}

static int take(const struct address_lock *l, const char *key,
                struct aoe_addr addr, pid_t *holder)
{
    struct flock lock = byte_of(l, F_WRLCK, key, addr);

    *holder = 0;
    if (l->fd < 0 || fcntl(l->fd, F_SETLK, &lock) == 0 ||
        (errno != EACCES && errno != EAGAIN))
        return 0;
    if (fcntl(l->fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK &&
        lock.l_pid > 0)
        *holder = lock.l_pid;
    return -EBUSY;
}

static void release(const struct address_lock *l, const char *key,
                    struct aoe_addr addr)
{
    struct flock lock = byte_of(l, F_UNLCK, key, addr);

    if (l->fd >= 0)
        fcntl(l->fd, F_SETLK, &lock);
}

int address_lock_take(const struct address_lock *l, const char *ifname,
                      struct aoe_addr addr, pid_t *holder)
{
    char index[INDEX_KEY];
    int err = take(l, ifname, addr, holder);

    by_index(index, ifname);
    if (err || strcmp(index, "#0") == 0)
        return err;
    err = take(l, index, addr, holder);
    if (err)
        release(l, ifname, addr);
    return err;
}

void address_lock_release(const struct address_lock *l, const char *ifname,
                          struct aoe_addr addr)
{
    char index[INDEX_KEY];

    by_index(index, ifname);
    release(l, ifname, addr);
    release(l, index, addr);
}
