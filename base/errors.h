/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Error numbers that not every system has.  libaoe(3) names them.
 */
#ifndef BASE_ERRORS_H
#define BASE_ERRORS_H

#include <errno.h>

#ifndef ENOTUNIQ
#define ENOTUNIQ EADDRINUSE /* BSD, macOS */
#endif
#ifndef ENODATA
#define ENODATA ENOMSG /* FreeBSD, OpenBSD */
#endif

#endif
