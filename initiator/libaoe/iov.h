/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The scattered memory of a request.  A place in it is an element of the vector
 * and a number of bytes to skip there.
 */
#ifndef INITIATOR_LIBAOE_IOV_H
#define INITIATOR_LIBAOE_IOV_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* As many zeroes as a frame can carry. */
extern const struct iovec iov_zeroes;

/* Moves *iov, *skip forward by `bytes`. */
void iov_advance(const struct iovec **iov, size_t *skip, uint64_t bytes);

/* Copies `length` bytes into the memory that begins at iov, skip. */
void iov_fill(const struct iovec *iov, size_t skip, const uint8_t *from,
              size_t length);

/* The other way. */
void iov_gather(const struct iovec *iov, size_t skip, uint8_t *to,
                size_t length);

/* Writes the pieces of `length` bytes at iov, skip into `out`; returns their
 * number.  The caller knows that they are at most `max`. */
int iov_slice(const struct iovec *iov, size_t skip, size_t length,
              struct iovec *out, int max);

/* How many bytes, up to `want`, lie in the first `max` pieces. */
size_t iov_reach(const struct iovec *iov, size_t skip, size_t want, int max);

#endif
