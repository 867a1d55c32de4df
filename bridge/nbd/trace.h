/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The log of what NBD clients do.
 */
#ifndef BRIDGE_NBD_TRACE_H
#define BRIDGE_NBD_TRACE_H

#include "bridge/nbd/server.h"

/* Logs phases with -v; options, requests, replies and waiting with -vv. */
extern const struct nbd_observer nbd_trace;

#endif
