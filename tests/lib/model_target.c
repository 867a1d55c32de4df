/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A scripted AoE target in memory, and its world.
 */
#include "tests/lib/model_target.h"

#include <stdlib.h>
#include <string.h>

#define FOREVER UINT64_MAX

static void answer(struct model *m, uint8_t *frame, size_t len)
{
    struct link_out out = {.iov[0] = {frame, aoe_pad(frame, len)}, .iovcnt = 1};

    link_send(m->link, &out, 1);
}

/* Turns a request's header into its response's. */
static void turn(struct model *m, uint8_t *frame, uint8_t flags, uint8_t error)
{
    struct aoe_header h;

    aoe_header_parse(frame, AOE_HEADER, &h);
    h.dst = h.src;
    h.src = m->link->mac;
    h.version = AOE_VERSION;
    h.flags = AOE_FLAG_RESPONSE | flags;
    h.error = error;
    h.addr = m->addr;
    aoe_header_build(frame, &h);
}

static void config(struct model *m, uint8_t *frame)
{
    struct aoe_config c = {.buffer_count = m->buffer_count,
                           .firmware = 1,
                           .sector_count = m->sector_count,
                           .version = 1};

    m->queries++;
    turn(m, frame, 0, 0);
    answer(m, frame, aoe_config_build(frame, &c));
}

void model_announce(struct model *m)
{
    uint8_t frame[AOE_FRAME_MIN];
    struct aoe_config c = {.buffer_count = m->buffer_count,
                           .firmware = 1,
                           .sector_count = m->sector_count,
                           .version = 1};
    struct aoe_header h = {.dst = aoe_mac_broadcast,
                           .src = m->link->mac,
                           .version = AOE_VERSION,
                           .flags = AOE_FLAG_RESPONSE,
                           .addr = m->addr,
                           .command = AOE_CMD_CONFIG};

    aoe_header_build(frame, &h);
    answer(m, frame, aoe_config_build(frame, &c));
}

/* ---- ATA ------------------------------------------------------------------
 */

static size_t failed(uint8_t *frame, struct aoe_ata *a, uint8_t error)
{
    a->command = ATA_STATUS_DRDY | ATA_STATUS_ERR;
    a->feature = error;
    return aoe_ata_build(frame, a);
}

static bool extended(uint8_t opcode)
{
    return opcode == ATA_READ_SECTORS_EXT || opcode == ATA_WRITE_SECTORS_EXT;
}

/* A device fault, with the epoch if the request asked for it. */
static size_t fault(struct model *m, uint8_t *frame, struct aoe_ata *a)
{
    if (m->identity.vendor.present && a->feature == ATA_FEATURE_FLUSH_EPOCH)
        a->lba = m->identity.vendor.epoch;
    a->command = ATA_STATUS_DRDY | ATA_STATUS_ERR | ATA_STATUS_DF;
    a->feature = ATA_ERROR_ABRT;
    return aoe_ata_build(frame, a);
}

static size_t transfer(struct model *m, uint8_t *frame, struct aoe_ata *a,
                       bool write)
{
    uint64_t lba = extended(a->command) ? a->lba : a->lba & ATA_LBA28_MAX;
    size_t bytes = (size_t)a->count * AOE_SECTOR;

    if (m->gone)
        return fault(m, frame, a);
    if (lba + a->count > m->identity.sectors)
        return failed(frame, a, ATA_ERROR_IDNF);
    if (m->most && a->count > m->most)
        return failed(frame, a, ATA_ERROR_ABRT);
    if (m->bad_lba >= lba && m->bad_lba < lba + a->count) {
        a->lba = m->bad_lba;
        return failed(frame, a, ATA_ERROR_UNC);
    }
    if (write)
        memcpy(m->disk + lba * AOE_SECTOR, a->data, bytes);
    a->command = ATA_STATUS_DRDY;
    a->feature = a->count = 0;
    aoe_ata_build(frame, a);
    if (write)
        return AOE_ATA_HEADER;
    memcpy(frame + AOE_ATA_HEADER, m->disk + lba * AOE_SECTOR, bytes);
    return AOE_ATA_HEADER + bytes - m->short_reads;
}

static size_t simple(uint8_t *frame, struct aoe_ata *a, bool refuse)
{
    if (refuse)
        return failed(frame, a, ATA_ERROR_ABRT);
    a->command = ATA_STATUS_DRDY;
    return aoe_ata_build(frame, a);
}

void model_speak(struct model *m)
{
    m->identity.vendor =
        (struct ata_vendor){.present = true, .boot = 1, .epoch = 1};
}

static size_t size(const struct model *m)
{
    return (size_t)m->identity.sectors * AOE_SECTOR;
}

void model_lose(struct model *m)
{
    memcpy(m->disk, m->medium, size(m));
    m->identity.vendor.epoch++;
}

static size_t flush(struct model *m, uint8_t *frame, struct aoe_ata *a,
                    bool refuse)
{
    bool other = m->identity.vendor.present &&
                 a->feature == ATA_FEATURE_FLUSH_EPOCH &&
                 a->lba != m->identity.vendor.epoch;

    m->flushes++;
    if (refuse)
        return simple(frame, a, true);
    if (m->bad_flushes > 0) {
        m->bad_flushes--;
        model_lose(m);
        return fault(m, frame, a);
    }
    memcpy(m->medium, m->disk, size(m));
    return other ? fault(m, frame, a) : simple(frame, a, false);
}

static size_t trim(struct model *m, uint8_t *frame, struct aoe_ata *a)
{
    for (int i = 0; i < AOE_SECTOR; i += ATA_TRIM_RANGE) {
        uint64_t lba;
        uint16_t count;

        ata_trim_get(a->data + i, &lba, &count);
        memset(m->disk + lba * AOE_SECTOR, 0xdd, (size_t)count * AOE_SECTOR);
    }
    return simple(frame, a, false);
}

static size_t execute(struct model *m, uint8_t *frame, struct aoe_ata *a)
{
    switch (a->command) {
    case ATA_READ_SECTORS:
    case ATA_READ_SECTORS_EXT:
        m->reads++;
        return transfer(m, frame, a, false);
    case ATA_WRITE_SECTORS:
    case ATA_WRITE_SECTORS_EXT:
        m->writes++;
        return transfer(m, frame, a, true);
    case ATA_DATA_SET_MANAGEMENT:
        m->trims++;
        return trim(m, frame, a);
    case ATA_FLUSH_CACHE_EXT:
        return flush(m, frame, a, m->no_flush_ext);
    case ATA_FLUSH_CACHE:
        return flush(m, frame, a, m->no_flush);
    default:
        return simple(frame, a, true);
    }
}

static void ata(struct model *m, uint8_t *frame, size_t len)
{
    struct aoe_ata a;
    size_t out;

    if (aoe_ata_parse(frame, len, &a))
        return;
    /* Truncated on the wire: a real interface would drop it for its
     * checksum. */
    if (a.aflags & AOE_AFLAG_WRITE && a.data_len < (size_t)a.count * AOE_SECTOR)
        return;
    if (m->stuck && a.lba == m->stuck)
        return;
    if (m->mute) {
        m->mute--;
        execute(m, frame, &a);
        return;
    }
    if (m->aoe_error) {
        turn(m, frame, AOE_FLAG_ERROR, m->aoe_error);
        answer(m, frame, AOE_ATA_HEADER);
        return;
    }
    out = execute(m, frame, &a);
    turn(m, frame, 0, 0);
    answer(m, frame, out);
}

static void identify(struct model *m, uint8_t *frame)
{
    struct aoe_ata a = {.command = ATA_STATUS_DRDY};
    struct ata_identity other = m->identity;

    m->identifies++;
    turn(m, frame, 0, 0);
    aoe_ata_build(frame, &a);
    ata_identity_encode(frame + AOE_ATA_HEADER, &m->identity);
    answer(m, frame, AOE_ATA_HEADER + 512);
    if (!m->other_serial)
        return;
    memset(other.serial, 0, sizeof other.serial);
    strncpy(other.serial, m->other_serial, sizeof other.serial - 1);
    ata_identity_encode(frame + AOE_ATA_HEADER, &other);
    answer(m, frame, AOE_ATA_HEADER + 512);
}

static void keep(struct model *m, const uint8_t *frame, size_t len)
{
    if (m->held == MODEL_HELD)
        return;
    memcpy(m->kept[m->held].frame, frame, len);
    m->kept[m->held++].len = (uint32_t)len;
}

void model_release(struct model *m)
{
    for (unsigned i = 0; i < m->held; i++) {
        uint8_t frame[sizeof m->kept[i].frame]; /* turned into the answer */

        memcpy(frame, m->kept[i].frame, m->kept[i].len);
        ata(m, frame, m->kept[i].len);
    }
    m->held = 0;
}

static void request(struct model *m, const uint8_t *data, size_t len)
{
    uint8_t frame[9100];
    struct aoe_header h;

    memcpy(frame, data, len);
    if (m->silent || aoe_header_parse(frame, len, &h) ||
        !aoe_addr_matches(h.addr, m->addr))
        return;
    m->last_tag = h.tag;
    if (h.command == AOE_CMD_CONFIG)
        config(m, frame);
    else if (h.command == AOE_CMD_ATA && frame[27] == ATA_IDENTIFY)
        identify(m, frame);
    else if (h.command == AOE_CMD_ATA && m->hold)
        keep(m, frame, len);
    else if (h.command == AOE_CMD_ATA)
        ata(m, frame, len);
}

static void model_run(struct model *m)
{
    struct link_frame *f;

    while (link_recv(m->link, &f, 1) == 1) {
        request(m, f->data, f->len);
        link_release(m->link, f);
    }
}

/* ---- the world ------------------------------------------------------------
 */

static uint64_t world_clock(void *arg)
{
    return ((struct world *)arg)->now;
}

void world_open(struct world *w, uint64_t seed, unsigned mtu)
{
    struct link_options o = {.filter = {.responses = true,
                                        .tag_mask = FLIGHT_TAG_MASK,
                                        .tag_value = UINT32_C(0xab000000)},
                             .rx_frames = 256};
    struct aoe_mac mac = {{2, 0, 0, 0, 0, 1}};

    memset(w, 0, sizeof *w);
    w->now = NS_PER_S;
    w->wire = wire_new(seed);
    if (!w->wire || wire_open(&w->client, w->wire, "client0", &mac, mtu, &o) ||
        aoe_open_links(&w->aoe, &w->client, 1, world_clock, w,
                       UINT32_C(0xab000000), (uint32_t)seed))
        abort();
    wire_advance(w->wire, w->now);
}

void world_close(struct world *w)
{
    aoe_close(w->aoe);
    for (unsigned i = 0; i < w->model_count; i++) {
        link_close(w->models[i]->link);
        free(w->models[i]->disk);
        free(w->models[i]->medium);
        free(w->models[i]);
    }
    wire_free(w->wire);
}

struct model *world_add(struct world *w, uint64_t sectors, unsigned mtu,
                        const char *serial)
{
    struct model *m = calloc(1, sizeof *m);
    struct link_options o = {.rx_frames = 256};
    struct aoe_mac mac = {{2, 0, 0, 0, 0, (uint8_t)(10 + w->model_count)}};

    if (!m || wire_open(&m->link, w->wire, "nas0", &mac, mtu, &o))
        abort();
    m->addr = (struct aoe_addr){1, 2};
    m->buffer_count = 16;
    m->sector_count = (uint8_t)aoe_sectors_for_mtu(mtu);
    m->bad_lba = UINT64_MAX;
    m->disk = calloc((size_t)sectors, AOE_SECTOR);
    m->medium = calloc((size_t)sectors, AOE_SECTOR);
    m->identity.sectors = sectors;
    m->identity.lba48 = m->identity.flush = m->identity.flush_ext = true;
    m->identity.trim = true;
    m->identity.trim_blocks = 1;
    m->identity.logical_sector = m->identity.physical_sector = AOE_SECTOR;
    strncpy(m->identity.serial, serial, sizeof m->identity.serial - 1);
    strncpy(m->identity.model, "model", sizeof m->identity.model - 1);
    w->models[w->model_count++] = m;
    return m;
}

void world_act(struct world *w)
{
    wire_advance(w->wire, w->now);
    for (unsigned i = 0; i < w->model_count; i++)
        model_run(w->models[i]);
    wire_advance(w->wire, w->now);
}

void world_run(struct world *w, uint64_t ns, const bool *done)
{
    uint64_t end = w->now + ns;

    for (;;) {
        int64_t due;
        uint64_t next;

        world_act(w);
        aoe_service(w->aoe);
        if (done && *done)
            return;
        due = aoe_timeout(w->aoe);
        next = due < 0 ? FOREVER : w->now + (uint64_t)due;
        if (wire_next(w->wire) < next)
            next = wire_next(w->wire);
        if (next > end) {
            if (w->now < end)
                w->now = end;
            return;
        }
        if (next > w->now)
            w->now = next;
        else
            w->now++; /* a nanosecond per turn: everything takes some time */
    }
}
