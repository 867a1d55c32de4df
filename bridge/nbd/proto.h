/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The numbers of the NBD protocol, named as its specification names them
 * (NetworkBlockDevice/nbd, doc/proto.md).  Everything travels big-endian.
 */
#ifndef BRIDGE_NBD_PROTO_H
#define BRIDGE_NBD_PROTO_H

#include <stdint.h>

/* ---- handshake ----------------------------------------------------------- */

#define NBD_MAGIC        UINT64_C(0x4e42444d41474943) /* "NBDMAGIC" */
#define NBD_OPTION_MAGIC UINT64_C(0x49484156454f5054) /* "IHAVEOPT" */
#define NBD_REP_MAGIC    UINT64_C(0x0003e889045565a9)

enum {
    NBD_GREETING_SIZE = 18,       /* two magics, handshake flags */
    NBD_CLIENT_FLAGS_SIZE = 4,    /* the client's reply to it */
    NBD_OPTION_SIZE = 16,         /* magic, option, length of its data */
    NBD_OPTION_REPLY_SIZE = 20,   /* magic, option, reply type, length */
    NBD_EXPORT_NAME_ZEROES = 124, /* end the reply to EXPORT_NAME */
    NBD_STRING_MAX = 4096,        /* longest name or query */
};

/* Handshake flags, and the client flags that answer them bit by bit. */
enum {
    NBD_FLAG_FIXED_NEWSTYLE = 1 << 0,
    NBD_FLAG_NO_ZEROES = 1 << 1,
};

enum {
    NBD_OPT_EXPORT_NAME = 1,
    NBD_OPT_ABORT = 2,
    NBD_OPT_LIST = 3,
    NBD_OPT_STARTTLS = 5,
    NBD_OPT_INFO = 6,
    NBD_OPT_GO = 7,
    NBD_OPT_STRUCTURED_REPLY = 8,
    NBD_OPT_LIST_META_CONTEXT = 9,
    NBD_OPT_SET_META_CONTEXT = 10,
};

#define NBD_REP_ACK          UINT32_C(1)
#define NBD_REP_SERVER       UINT32_C(2)
#define NBD_REP_INFO         UINT32_C(3)
#define NBD_REP_META_CONTEXT UINT32_C(4)
#define NBD_REP_ERR_UNSUP    UINT32_C(0x80000001)
#define NBD_REP_ERR_INVALID  UINT32_C(0x80000003)
#define NBD_REP_ERR_UNKNOWN  UINT32_C(0x80000006)
#define NBD_REP_ERR_SHUTDOWN UINT32_C(0x80000007)
#define NBD_REP_ERR_TOO_BIG  UINT32_C(0x80000009)

/* Items of INFO and GO. */
enum {
    NBD_INFO_EXPORT = 0,
    NBD_INFO_NAME = 1,
    NBD_INFO_DESCRIPTION = 2,
    NBD_INFO_BLOCK_SIZE = 3,
};

/* Transmission flags: what an export can do. */
enum {
    NBD_FLAG_HAS_FLAGS = 1 << 0,
    NBD_FLAG_READ_ONLY = 1 << 1,
    NBD_FLAG_SEND_FLUSH = 1 << 2,
    NBD_FLAG_SEND_FUA = 1 << 3,
    NBD_FLAG_ROTATIONAL = 1 << 4,
    NBD_FLAG_SEND_TRIM = 1 << 5,
    NBD_FLAG_SEND_WRITE_ZEROES = 1 << 6,
    NBD_FLAG_SEND_DF = 1 << 7,
    NBD_FLAG_CAN_MULTI_CONN = 1 << 8,
    NBD_FLAG_SEND_CACHE = 1 << 10,
    NBD_FLAG_SEND_FAST_ZERO = 1 << 11,
};

/* ---- transmission -------------------------------------------------------- */

#define NBD_REQUEST_MAGIC          UINT32_C(0x25609513)
#define NBD_SIMPLE_REPLY_MAGIC     UINT32_C(0x67446698)
#define NBD_STRUCTURED_REPLY_MAGIC UINT32_C(0x668e33ef)

enum {
    NBD_REQUEST_SIZE = 28,      /* magic, flags, type, cookie, offset, length */
    NBD_SIMPLE_REPLY_SIZE = 16, /* magic, error, cookie */
    NBD_CHUNK_SIZE = 20,        /* magic, flags, type, cookie, length */
};

enum nbd_command {
    NBD_CMD_READ = 0,
    NBD_CMD_WRITE = 1,
    NBD_CMD_DISC = 2,
    NBD_CMD_FLUSH = 3,
    NBD_CMD_TRIM = 4,
    NBD_CMD_CACHE = 5,
    NBD_CMD_WRITE_ZEROES = 6,
    NBD_CMD_BLOCK_STATUS = 7,
};

enum {
    NBD_CMD_FLAG_FUA = 1 << 0,       /* durable before the reply */
    NBD_CMD_FLAG_NO_HOLE = 1 << 1,   /* WRITE_ZEROES: keep it allocated */
    NBD_CMD_FLAG_DF = 1 << 2,        /* READ: one chunk */
    NBD_CMD_FLAG_REQ_ONE = 1 << 3,   /* BLOCK_STATUS: one extent */
    NBD_CMD_FLAG_FAST_ZERO = 1 << 4, /* WRITE_ZEROES: fail if it is slow */
};

/* Structured replies. */
enum {
    NBD_REPLY_FLAG_DONE = 1 << 0, /* the last chunk of this reply */
};
enum {
    NBD_REPLY_TYPE_NONE = 0,
    NBD_REPLY_TYPE_OFFSET_DATA = 1,
    NBD_REPLY_TYPE_BLOCK_STATUS = 5,
    NBD_REPLY_TYPE_ERROR = (1 << 15) + 1,
    NBD_REPLY_TYPE_ERROR_OFFSET = (1 << 15) + 2,
};

/* The only errors that may travel; their values are fixed, whatever errno is
 * here. */
enum nbd_error {
    NBD_OK = 0,
    NBD_EPERM = 1,
    NBD_EIO = 5,
    NBD_ENOMEM = 12,
    NBD_EINVAL = 22,
    NBD_ENOSPC = 28,
    NBD_EOVERFLOW = 75,
    NBD_ENOTSUP = 95,
    NBD_ESHUTDOWN = 108,
};

#endif
