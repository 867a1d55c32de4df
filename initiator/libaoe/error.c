/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an AoE error (AoEr11 section 2.4) is to a program.
 */
#include "initiator/libaoe/error.h"

#include <errno.h>

#include "wire/aoe.h"

int error_status(uint8_t error)
{
    switch (error) {
    case AOE_ERR_COMMAND:
        return -EOPNOTSUPP;
    case AOE_ERR_ARGUMENT:
        return -EINVAL;
    case AOE_ERR_UNAVAILABLE:
        return -ENODEV;
    case AOE_ERR_RESERVED:
        return -EBUSY;
    default:
        return -EPROTO;
    }
}
