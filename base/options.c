/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Strict numbers for command lines and configuration files.
 */
#include "base/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"

/* "010" is eight to vblade and in C, and ten to most people. */
static bool leading_zero(const char *text)
{
    return text[0] == '0' && isdigit((unsigned char)text[1]);
}

const char *option_why(const char *text, const char *otherwise)
{
    return leading_zero(text)
               ? "a number with a leading zero may be meant as octal; write it "
                 "without, or in hexadecimal after 0x"
               : otherwise;
}

/* strtoull skips blanks and accepts signs; neither is allowed here. */
static int number(const char *text, const char **end, uint64_t *out)
{
    char *stop;
    int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;

    if (!isdigit((unsigned char)text[0]))
        return -EINVAL;
    if (leading_zero(text))
        return -EDOM;
    if (base == 16 && !isxdigit((unsigned char)text[2]))
        return -EINVAL;
    errno = 0;
    *out = strtoull(text, &stop, base);
    if (errno)
        return -ERANGE;
    *end = stop;
    return 0;
}

int option_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *end;
    uint64_t v;
    int err = number(text, &end, &v);

    if (err)
        return err;
    if (*end)
        return -EINVAL;
    if (v < min || v > max)
        return -ERANGE;
    *out = v;
    return 0;
}

int option_seconds(const char *text, uint64_t *out_ns)
{
    const char *end;
    uint64_t whole, scale = NS_PER_S;
    int err = number(text, &end, &whole);

    if (err)
        return err;
    if (whole > UINT64_MAX / NS_PER_S / 2)
        return -ERANGE;
    *out_ns = whole * NS_PER_S;
    if (*end == '.')
        for (end++; isdigit((unsigned char)*end); end++) {
            scale /= 10;
            *out_ns += (uint64_t)(*end - '0') * scale;
        }
    return *end ? -EINVAL : 0;
}

int option_bytes(const char *text, uint64_t *out)
{
    const char *end;
    uint64_t v;
    unsigned shift = 0;
    int err = number(text, &end, &v);

    if (err)
        return err;
    switch (toupper((unsigned char)*end)) {
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    case 'T':
        shift = 40;
        break;
    }
    if (*end && (!shift || end[1]))
        return -EINVAL;
    if (v > UINT64_MAX >> shift)
        return -ERANGE;
    *out = v << shift;
    return 0;
}
