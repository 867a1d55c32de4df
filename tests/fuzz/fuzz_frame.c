/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Every parser of wire/ over arbitrary bytes, for libFuzzer (clang
 * -fsanitize=fuzzer,address).  What a parser accepts must read the same once
 * it was built again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/aoe.h"
#include "wire/ata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[65536];

/* Touches every byte that a parsed struct points to. */
static void touch(const uint8_t *bytes, size_t len)
{
    static volatile uint8_t sink;

    for (size_t i = 0; i < len; i++)
        sink ^= bytes[i];
    (void)sink;
}

static void must(int holds)
{
    if (!holds)
        abort();
}

static void config(const uint8_t *frame, size_t len)
{
    struct aoe_config c, d;

    if (aoe_config_parse(frame, len, &c))
        return;
    touch(c.string, c.length);
    memcpy(again, frame, AOE_HEADER);
    must(aoe_config_build(again, &c) <= len);
    must(aoe_config_parse(again, len, &d) == 0);
    must(c.length == d.length && memcmp(c.string, d.string, c.length) == 0);
    must(memcmp(frame, again, AOE_CONFIG_HEADER) == 0);
}

static void mask(const uint8_t *frame, size_t len)
{
    struct aoe_mask m;
    struct aoe_mac mac;
    uint8_t code;

    if (aoe_mask_parse(frame, len, &m) || !m.directives)
        return;
    for (unsigned i = 0; i < m.count; i++) {
        aoe_mask_get(&m, i, &code, &mac);
        touch(mac.b, AOE_MAC);
    }
}

static void reserve(const uint8_t *frame, size_t len)
{
    struct aoe_reserve r;
    size_t built;

    if (aoe_reserve_parse(frame, len, &r))
        return;
    memcpy(again, frame, AOE_HEADER);
    built = aoe_reserve_build(again, &r);
    must(built <= len && memcmp(again, frame, built) == 0);
}

static void ata(const uint8_t *frame, size_t len)
{
    struct aoe_ata a;

    if (aoe_ata_parse(frame, len, &a))
        return;
    touch(a.data, a.data_len);
    memcpy(again, frame, AOE_ATA_HEADER);
    must(aoe_ata_build(again, &a) == AOE_ATA_HEADER);
    /* All but the reserved bytes. */
    must(memcmp(again, frame, AOE_ATA_HEADER - 2) == 0);
}

static void identity(const uint8_t *bytes, size_t len)
{
    struct ata_identity id, twice;
    uint8_t page[512];

    if (len < sizeof(page))
        return;
    ata_identity_decode(bytes, &id);
    must(strlen(id.serial) <= 20 && strlen(id.model) <= 40);
    ata_identity_encode(page, &id);
    ata_identity_decode(page, &twice);
    must(strcmp(id.serial, twice.serial) == 0);
    must(strcmp(id.model, twice.model) == 0);
    must(id.sectors == twice.sectors);
    must(id.physical_sector == twice.physical_sector);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aoe_header h;

    identity(data, size);
    if (size > sizeof(again) || aoe_header_parse(data, size, &h))
        return 0;
    ata(data, size);
    config(data, size);
    mask(data, size);
    reserve(data, size);
    return 0;
}
