/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Real links over a veth pair in a network namespace of the calling process.
 * Linux only, and only where namespaces may be created.
 */
#ifndef TESTS_LIB_VETH_H
#define TESTS_LIB_VETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/link.h"

/* A cmocka group set-up: moves this process into a namespace of its own, which
 * ends with it. */
int veth_namespace(void **state);
/* Skips the calling test, with the reason, if that was not possible. */
void veth_or_skip(void);

/* Runs a shell command and returns whether it succeeded. */
bool veth_shell(const char *command);
/* Fails the test if it does not. */
void veth_must(const char *command);

/* Runs `child` in a process of its own and returns its exit status. */
int veth_child(int (*child)(void *arg), void *arg);

/* A link on w0, which receives requests, and one on w1, the other end of the
 * cable, which receives responses. */
struct veth {
    struct link *a, *b;
};

/* Creates the cable w0-w1, both ends up. */
void veth_make(void);
/* The same, with links of this backend on it. */
void veth_open(struct veth *n, const char *backend);
void veth_close(struct veth *n);
/* A link on one interface; NULL is the default backend. */
struct link *veth_link(const char *ifname, const char *backend, bool responses);
/* Polls until the link is up, or down: interfaces change asynchronously.
 * Returns all changes that link_refresh reported. */
int veth_settle(struct link *l, bool up);

/* Builds a frame in two pieces, identified by its tag and length. */
void veth_frame(struct link_out *out, uint8_t *frame, const struct aoe_mac *dst,
                const struct aoe_mac *src, bool response, uint32_t tag,
                size_t len);
/* Sends one and returns what link_send returned. */
int veth_send(struct link *from, const struct aoe_mac *dst, bool response,
              uint32_t tag, size_t len);
/* Waits for a poll event; false if none came in time. */
bool veth_wait(struct link *l, short events);
/* Frame `tag` of `len` bytes arrives, and nothing before it. */
void veth_expect(struct link *l, uint32_t tag, size_t len);
/* A frame of this length gets through in both directions. */
void veth_works(struct veth *n, uint32_t tag, size_t len);

#endif
