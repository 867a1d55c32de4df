/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Meta contexts (NBD protocol, "Metadata querying").  There is one,
 * base:allocation, and since AoE cannot ask a disk which of its sectors are in
 * use, all of them are: allocated, content unknown.  That is always true and
 * lets tools that ask for a map show one.
 */
#include "bridge/nbd/internal.h"

#include <string.h>

#include "base/bytes.h"

static const char allocation[] = "base:allocation";

/* The data of the option, read from front to back. */
struct option_reader {
    const uint8_t *next;
    uint32_t left;
    bool bad; /* something was promised that is not there */
};

static uint32_t read_be32(struct option_reader *r)
{
    uint32_t v;

    if (r->left < 4) {
        r->bad = true;
        return 0;
    }
    v = get_be32(r->next);
    r->next += 4;
    r->left -= 4;
    return v;
}

static const uint8_t *read_string(struct option_reader *r, uint32_t *length)
{
    const uint8_t *p;

    *length = read_be32(r);
    p = r->next;
    if (*length > r->left) {
        r->bad = true;
        *length = 0;
    }
    r->next += *length;
    r->left -= *length;
    return p;
}

/* Whether a query selects base:allocation.  A list may also be asked for a
 * whole namespace; other namespaces are nobody's error. */
static bool selects(const struct nbd_conn *conn, const uint8_t *query,
                    uint32_t length)
{
    if (conn->option == NBD_OPT_LIST_META_CONTEXT && length == 5)
        return memcmp(query, "base:", 5) == 0;
    return length == sizeof allocation - 1 &&
           memcmp(query, allocation, length) == 0;
}

static void reply_allocation(struct nbd_conn *conn, uint32_t id)
{
    uint8_t data[4 + sizeof allocation - 1];

    put_be32(data, id);
    memcpy(data + 4, allocation, sizeof allocation - 1);
    nbd_option_reply(conn, NBD_REP_META_CONTEXT, data, sizeof data);
}

/* What the option asks. */
struct query {
    const uint8_t *name; /* of the export */
    uint32_t name_length;
    bool selected; /* base:allocation is meant */
};

/* False: the lengths do not add up. */
static bool parse(const struct nbd_conn *conn, const uint8_t *data,
                  struct query *q)
{
    struct option_reader r = {data, conn->option_length, false};
    uint32_t count;

    q->name = read_string(&r, &q->name_length);
    count = read_be32(&r);
    /* A list without queries is one of everything. */
    q->selected = conn->option == NBD_OPT_LIST_META_CONTEXT && count == 0;
    for (uint32_t i = 0; i < count && !r.bad; i++) {
        uint32_t length;
        const uint8_t *name = read_string(&r, &length);

        q->selected |= !r.bad && selects(conn, name, length);
    }
    return !r.bad && r.left == 0;
}

void nbd_answer_meta_context(struct nbd_conn *conn, const uint8_t *data)
{
    bool set = conn->option == NBD_OPT_SET_META_CONTEXT;
    const struct nbd_export *export;
    struct query q;

    /* A selection is replaced even by one that fails. */
    if (set)
        conn->allocation = NULL;
    if (!parse(conn, data, &q)) {
        nbd_option_error(conn, NBD_REP_ERR_INVALID,
                         "its lengths do not add up");
        return;
    }
    if (!conn->structured) {
        nbd_option_error(conn, NBD_REP_ERR_INVALID,
                         "STRUCTURED_REPLY must come first");
        return;
    }
    export = nbd_export_find(conn->server, q.name, q.name_length);
    if (!export) {
        nbd_option_error(conn, NBD_REP_ERR_UNKNOWN, "no such export");
        return;
    }
    if (q.selected) {
        if (set)
            conn->allocation = export;
        reply_allocation(conn, set ? NBD_ALLOCATION_ID : 0);
    }
    nbd_option_reply(conn, NBD_REP_ACK, NULL, 0);
}
