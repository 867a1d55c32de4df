/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The states of a disk, and what leads from one to another.
 */
#ifndef INITIATOR_LIBAOE_DISK_STATE_H
#define INITIATOR_LIBAOE_DISK_STATE_H

#include "initiator/libaoe/disk.h"

/* What can happen to a disk.  "Another": serial number, model or size differ.
 */
enum disk_news {
    DISK_FIRST,         /* somebody identified himself, and nobody had before */
    DISK_SAME,          /* our disk identified itself */
    DISK_OTHER_BESIDE,  /* another did, while a good path leads to ours */
    DISK_OTHER_INSTEAD, /* another did where ours had been, and none does */
    DISK_OTHER_APART,   /* another did where ours never was, and none does */
    DISK_SILENCE,       /* requests wait, and none was answered for too long */
    DISK_UNOPPOSED,     /* since it was identified nobody has objected */
    DISK_NEWS
};

/* Changes the state, ends requests and tells the user, as doc/states.md says.
 */
void disk_happens(struct aoe_disk *d, enum disk_news news);

#endif
