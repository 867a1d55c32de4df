/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a user may say about how a disk is used, read alike wherever it is said:
 * on a command line, in fstab, among nbdkit's parameters.  Each returns NULL,
 * or what is wrong with the text, for a message that ends with it.
 */
#ifndef INITIATOR_CLIENT_DISK_OPTIONS_H
#define INITIATOR_CLIENT_DISK_OPTIONS_H

#include "initiator/libaoe/aoe.h"

/* A time-out or how long to look for the disk: seconds, into nanoseconds. */
const char *disk_seconds(const char *text, uint64_t *ns);

/* Frames in flight on a path: o->window. */
const char *disk_window(const char *text, struct aoe_disk_options *o);

/* MiB that are kept of what no flush has covered: o->replay. */
const char *disk_replay(const char *text, struct aoe_disk_options *o);

#endif
