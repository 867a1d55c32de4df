/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing D-Bus messages (the D-Bus Specification, "Type System" and "Message
 * Protocol"): no more than a method call needs.
 */
#ifndef INITIATOR_CLIENT_DBUS_MESSAGE_H
#define INITIATOR_CLIENT_DBUS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DBUS_CALL = 1, DBUS_RETURN = 2, DBUS_ERROR = 3, DBUS_SIGNAL = 4 };

/* Everything is aligned relative to the beginning of the message; a body begins
 * at a multiple of 8, so that it can be built separately.  Zero-initialised. */
struct dbus_message {
    unsigned char data[2048];
    size_t used;
    bool full; /* something did not fit; nothing more is written */
};

void dbus_put(struct dbus_message *m, const void *bytes, size_t count);
/* Pads with zeroes to the next multiple of `to`, which is at most 8. */
void dbus_align(struct dbus_message *m, size_t to);
void dbus_put_u32(struct dbus_message *m, uint32_t n);
void dbus_put_string(struct dbus_message *m, const char *text);
void dbus_put_signature(struct dbus_message *m, const char *text);

/* An array of elements that are aligned to `to`: its length does not include
 * the padding before the first. */
struct dbus_array {
    size_t length_at, begun; /* offsets */
};
struct dbus_array dbus_begin_array(struct dbus_message *m, size_t to);
void dbus_end_array(struct dbus_message *m, struct dbus_array array);

/* A method of an object, and its arguments. */
struct dbus_call {
    const char *path, *interface, *member, *signature;
    struct dbus_message body;
};

/* The whole message, the first of its connection. */
void dbus_put_call(struct dbus_message *m, const struct dbus_call *call);

#endif
