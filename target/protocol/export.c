/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Operations on an export's data.
 */
#include "target/protocol/export.h"

#include <stdio.h>
#include <string.h>

const char *const export_counter_names[EXPORT_COUNTERS] = {
    [COUNT_FRAMES] = "frames",
    [COUNT_CONFIG] = "config",
    [COUNT_IDENTIFY] = "identify",
    [COUNT_READ] = "reads",
    [COUNT_WRITE] = "writes",
    [COUNT_FLUSH] = "flushes",
    [COUNT_TRIM] = "trims",
    [COUNT_OTHER] = "other",
    [COUNT_COPIES] = "copies",
    [COUNT_READ_BYTES] = "read_bytes",
    [COUNT_WRITTEN_BYTES] = "written_bytes",
    [COUNT_ABORTED] = "aborted",
    [COUNT_NOT_FOUND] = "not_found",
    [COUNT_UNCORRECTABLE] = "uncorrectable",
    [COUNT_FAULT] = "fault",
    [COUNT_LOSSES] = "losses",
    [COUNT_AOE_ERRORS] = "aoe_errors",
    [COUNT_REFUSED] = "refused",
    [COUNT_DROP_SHORT] = "drop_short",
    [COUNT_DROP_MASKED] = "drop_masked",
    [COUNT_DROP_SILENT] = "drop_silent",
    [COUNT_DROP_BUSY] = "drop_busy",
    [COUNT_DROP_UNSAVED] = "drop_unsaved",
    [COUNT_DROP_SIZE] = "drop_size",
};

uint16_t export_firmware(void)
{
    unsigned major = 0, minor = 0, patch = 0;

    sscanf(AOEKIT_VERSION, "%u.%u.%u", &major, &minor, &patch);
    return (uint16_t)(0xa000 | (major & 15) << 8 | (minor & 15) << 4 |
                      (patch & 15));
}

/* Spreads the bits of a 64-bit number over all of it. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void export_set_serial(struct export *e, uint64_t identity, uint64_t offset)
{
    uint64_t h = mix(identity);

    h = mix(h ^ offset);
    h = mix(h ^ ((uint64_t)e->addr.shelf << 8 | e->addr.slot));
    snprintf(e->serial, sizeof e->serial, "aoe-%016llx", (unsigned long long)h);
}

static unsigned find(const struct mac_list *l, const struct aoe_mac *m)
{
    unsigned i = 0;

    while (i < l->count && !aoe_mac_equal(&l->macs[i], m))
        i++;
    return i;
}

bool mac_list_equal(const struct mac_list *a, const struct mac_list *b)
{
    return a->count == b->count &&
           memcmp(a->macs, b->macs, a->count * sizeof a->macs[0]) == 0;
}

bool mac_list_contains(const struct mac_list *l, const struct aoe_mac *m)
{
    return find(l, m) < l->count;
}

bool mac_list_add(struct mac_list *l, const struct aoe_mac *m, unsigned limit)
{
    if (mac_list_contains(l, m))
        return true;
    if (l->count >= limit || l->count >= EXPORT_LIST_MAX)
        return false;
    l->macs[l->count++] = *m;
    return true;
}

void mac_list_delete(struct mac_list *l, const struct aoe_mac *m)
{
    unsigned i = find(l, m);

    if (i == l->count)
        return;
    l->count--;
    memmove(&l->macs[i], &l->macs[i + 1], (l->count - i) * sizeof l->macs[0]);
}

bool export_admits(const struct export *e, const struct aoe_mac *from)
{
    return e->mask.count == 0 || mac_list_contains(&e->mask, from);
}

bool export_may_change(const struct export *e, const struct aoe_mac *from)
{
    return e->admin == EXPORT_ADMIN_ALL ||
           (e->admin == EXPORT_ADMIN_LISTED &&
            mac_list_contains(&e->admins, from));
}

bool export_reserved(const struct export *e, const struct aoe_mac *from)
{
    return e->reserve.count > 0 && !mac_list_contains(&e->reserve, from);
}

void export_set_config(struct export *e, const uint8_t *string, uint16_t len)
{
    if (len == e->config_len && memcmp(e->config, string, len) == 0)
        return;
    e->config_len = len;
    memcpy(e->config, string, len);
    e->changes++;
}

void export_set_reserve(struct export *e, const struct mac_list *list)
{
    if (mac_list_equal(&e->reserve, list))
        return;
    e->reserve = *list;
    e->changes++;
}

void export_clear_mask(struct export *e)
{
    e->changes += e->mask.count > 0;
    e->mask.count = 0;
}

void export_clear_reserve(struct export *e)
{
    e->changes += e->reserve.count > 0;
    e->reserve.count = 0;
}
