/* SPDX-License-Identifier: BSD-2-Clause
 *
 * badclient URI: an NBD client that does what clients must not do (libnbd with
 * strict mode off).  It expects the errors of the NBD protocol, "Error values",
 * and a connection that still works after each.  Prints a line for each
 * failure, and exits with status 1.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

enum { MIB = 1 << 20, BUFFER = 40 * MIB };

static struct nbd_handle *nbd;
static char *buffer;
static int failures;

static void must(int ret, const char *what)
{
    if (ret == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, nbd_get_error());
    exit(2);
}

/* `ret` and libnbd's errno are those of a request that has to fail with
 * `expected`, or to succeed if that is 0. */
static void expect(const char *what, int ret, int expected)
{
    int got = ret == 0 ? 0 : nbd_get_errno();

    if (got != expected) {
        printf("%s: %s, not %s\n", what, strerror(got), strerror(expected));
        failures++;
    }
    if (nbd_pread(nbd, buffer, 512, 0, 0)) {
        printf("%s: and the next read: %s\n", what, nbd_get_error());
        exit(1);
    }
}

static void past_the_end(uint64_t size)
{
    expect("read at the end", nbd_pread(nbd, buffer, 512, size, 0), EINVAL);
    expect("read across it", nbd_pread(nbd, buffer, 1024, size - 512, 0),
           EINVAL);
    expect("read far beyond", nbd_pread(nbd, buffer, 512, UINT64_MAX - 511, 0),
           EINVAL);
    expect("write at the end", nbd_pwrite(nbd, buffer, 512, size, 0), ENOSPC);
    expect("write across it", nbd_pwrite(nbd, buffer, MIB, size - 512, 0),
           ENOSPC);
    expect("zeroes across it", nbd_zero(nbd, 1024, size - 512, 0), ENOSPC);
    expect("cache across it", nbd_cache(nbd, 1024, size - 512, 0), EINVAL);
    if (nbd_can_trim(nbd) == 1)
        expect("trim across it", nbd_trim(nbd, 1024, size - 512, 0), EINVAL);
    else
        expect("trim that was not offered", nbd_trim(nbd, 1024, 0, 0), EINVAL);
}

static void lengths(void)
{
    const uint32_t most = 32 * MIB;

    expect("read of nothing", nbd_pread(nbd, buffer, 0, 0, 0), 0);
    expect("write of nothing", nbd_pwrite(nbd, buffer, 0, 0, 0), 0);
    expect("the longest read", nbd_pread(nbd, buffer, most, 0, 0), 0);
    expect("a longer one", nbd_pread(nbd, buffer, most + 512, 0, 0), EINVAL);
    expect("a longer one in one chunk",
           nbd_pread(nbd, buffer, most + 512, 0, LIBNBD_CMD_FLAG_DF),
           EOVERFLOW);
    expect("64 KiB in one chunk",
           nbd_pread(nbd, buffer, 65536, 0, LIBNBD_CMD_FLAG_DF), 0);
    expect("the longest write", nbd_pwrite(nbd, buffer, most, 0, 0), 0);
    expect("a longer one", nbd_pwrite(nbd, buffer, most + 512, 0, 0), EINVAL);
    expect("a read of odd bytes", nbd_pread(nbd, buffer, 1001, 333, 0), 0);
    expect("a write of odd bytes", nbd_pwrite(nbd, buffer, 1001, 333, 0), 0);
}

static void flags(void)
{
    bool fast = nbd_can_fast_zero(nbd) == 1;

    expect("a read with a flag of nobody's",
           nbd_pread(nbd, buffer, 512, 0, 1 << 9), EINVAL);
    expect("a write with the flag of reads",
           nbd_pwrite(nbd, buffer, 512, 0, LIBNBD_CMD_FLAG_DF), EINVAL);
    expect("a flush with a flag", nbd_flush(nbd, LIBNBD_CMD_FLAG_NO_HOLE),
           EINVAL);
    expect("fast zeroes", nbd_zero(nbd, 4096, 0, LIBNBD_CMD_FLAG_FAST_ZERO),
           fast ? 0 : ENOTSUP);
    expect("fast zeroes without a hole",
           nbd_zero(nbd, 4096, 0,
                    LIBNBD_CMD_FLAG_FAST_ZERO | LIBNBD_CMD_FLAG_NO_HOLE),
           ENOTSUP);
    expect("zeroes with FUA", nbd_zero(nbd, 4096, 0, LIBNBD_CMD_FLAG_FUA), 0);
    expect("cache", nbd_cache(nbd, 4096, 0, 0), 0);
}

int main(int argc, char **argv)
{
    int64_t size;

    if (argc != 2) {
        fputs("usage: badclient URI\n", stderr);
        return 2;
    }
    nbd = nbd_create();
    buffer = calloc(1, BUFFER);
    if (!nbd || !buffer)
        return 2;
    must(nbd_set_strict_mode(nbd, 0), "strict mode");
    must(nbd_connect_uri(nbd, argv[1]), argv[1]);
    size = nbd_get_size(nbd);
    if (size < BUFFER) {
        fprintf(stderr, "%s: too small for this test\n", argv[1]);
        return 2;
    }
    past_the_end((uint64_t)size);
    lengths();
    flags();
    nbd_shutdown(nbd, 0);
    nbd_close(nbd);
    free(buffer);
    return failures ? 1 : 0;
}
