/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A plugin for qemu-system-arm: counts the instructions that the guest
 * executes, in its programs and in its kernel, into a file that others can read
 * meanwhile.
 *
 *     -plugin file=build/tests/bench/count.so,out=FILE
 *
 * The file begins with struct counts, in this machine's byte order; a
 * translation block may have several entries.  tests/bench/nas_profile.py reads
 * it.
 *
 * Debian has no package of qemu-plugin.h.  What is needed of it is declared
 * here, in version 1 of that interface: qemu 4.2 to 8.2.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t,
                                               struct qemu_plugin_tb *);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           qemu_plugin_vcpu_tb_trans_cb_t);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *,
                                              enum qemu_plugin_op, void *,
                                              uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
                               int argc, char **argv);
EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = 1;

enum { BLOCKS_MAX = 4 << 20 };

static struct counts {
    uint64_t blocks, user, kernel;
    struct {
        uint64_t address, instructions;
    } block[BLOCKS_MAX];
} * counts;

/* A kernel for ARM begins with its modules, 16 MiB below 3 GiB.  The page of
 * helpers that it lends to programs is at the very end. */
static bool in_user_space(uint64_t address)
{
    return address < 0xbf000000 ||
           (address >= 0xffff0f00 && address < 0xffff1000);
}

static void count(struct qemu_plugin_tb *block, uint64_t *into, size_t n)
{
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64,
                                             into, n);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    uint64_t address = qemu_plugin_tb_vaddr(block);
    size_t n = qemu_plugin_tb_n_insns(block);

    (void)id;
    count(block, in_user_space(address) ? &counts->user : &counts->kernel, n);
    if (counts->blocks < BLOCKS_MAX) {
        counts->block[counts->blocks].address = address;
        count(block, &counts->block[counts->blocks].instructions, n);
        counts->blocks++;
    }
}

static int map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || ftruncate(fd, sizeof *counts)) {
        perror(path);
        return -1;
    }
    counts =
        mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return counts == MAP_FAILED ? -1 : 0;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                        char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
        fprintf(stderr, "count: needs out=FILE\n");
        return -1;
    }
    if (map(argv[0] + 4))
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
