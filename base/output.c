/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether standard output accepted what was printed.
 */
#include "base/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"

static int output_error; /* -errno of the first failure, or 0 */

/* stdio remembers that an earlier printf failed, but not why. */
static void note(int failed)
{
    int err = errno;

    if (output_error || !failed)
        return;
    output_error = err ? -err : -EIO;
    log_error("standard output: %s",
              err ? strerror(err) : "not all of it could be written");
}

int output_flush(void)
{
    errno = 0;
    note(fflush(stdout) || ferror(stdout));
    return output_error;
}

int output_end(int status)
{
    output_flush();
    errno = 0;
    note(fclose(stdout)); /* NFS reports a full disk only here */
    if (log_behind())
        log_catch_up();
    return output_error && status == EXIT_DONE ? EXIT_FAILED : status;
}
