/* SPDX-License-Identifier: BSD-2-Clause
 *
 * D-Bus messages in our own byte order.
 */
#include "initiator/client/dbus_message.h"

#include <string.h>

enum { FIELD_PATH = 1, FIELD_INTERFACE, FIELD_MEMBER, FIELD_SIGNATURE = 8 };

void dbus_put(struct dbus_message *m, const void *bytes, size_t count)
{
    if (count > sizeof m->data - m->used)
        m->full = true;
    if (m->full)
        return;
    memcpy(m->data + m->used, bytes, count);
    m->used += count;
}

void dbus_align(struct dbus_message *m, size_t to)
{
    static const unsigned char zeroes[8];

    dbus_put(m, zeroes, (to - m->used % to) % to);
}

/* In our own byte order, as the first byte of the message says. */
void dbus_put_u32(struct dbus_message *m, uint32_t n)
{
    dbus_align(m, 4);
    dbus_put(m, &n, sizeof n);
}

void dbus_put_string(struct dbus_message *m, const char *text)
{
    dbus_put_u32(m, (uint32_t)strlen(text));
    dbus_put(m, text, strlen(text) + 1);
}

void dbus_put_signature(struct dbus_message *m, const char *text)
{
    unsigned char length = (unsigned char)strlen(text);

    dbus_put(m, &length, 1);
    dbus_put(m, text, length + 1u);
}

struct dbus_array dbus_begin_array(struct dbus_message *m, size_t to)
{
    struct dbus_array array;

    dbus_align(m, 4);
    array.length_at = m->used;
    dbus_put_u32(m, 0);
    dbus_align(m, to);
    array.begun = m->used;
    return array;
}

void dbus_end_array(struct dbus_message *m, struct dbus_array array)
{
    uint32_t length = (uint32_t)(m->used - array.begun);

    if (!m->full)
        memcpy(m->data + array.length_at, &length, sizeof length);
}

static void put_field(struct dbus_message *m, unsigned char field,
                      const char *type, const char *value)
{
    dbus_align(m, 8);
    dbus_put(m, &field, 1);
    dbus_put_signature(m, type);
    if (*type == 'g')
        dbus_put_signature(m, value);
    else
        dbus_put_string(m, value);
}

void dbus_put_call(struct dbus_message *m, const struct dbus_call *call)
{
    const struct dbus_message *body = &call->body;
    const uint16_t one = 1;
    const unsigned char start[4] = {*(const unsigned char *)&one ? 'l' : 'B',
                                    DBUS_CALL, 0, 1};
    struct dbus_array fields;

    dbus_put(m, start, sizeof start);
    dbus_put_u32(m, (uint32_t)body->used);
    dbus_put_u32(m, 1); /* its serial number */
    fields = dbus_begin_array(m, 8);
    put_field(m, FIELD_PATH, "o", call->path);
    put_field(m, FIELD_INTERFACE, "s", call->interface);
    put_field(m, FIELD_MEMBER, "s", call->member);
    put_field(m, FIELD_SIGNATURE, "g", call->signature);
    dbus_end_array(m, fields);
    dbus_align(m, 8);
    dbus_put(m, body->data, body->used);
    m->full |= body->full;
}
