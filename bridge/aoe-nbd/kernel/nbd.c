/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Messages to Linux's nbd driver, by generic netlink: each on a socket of its
 * own, and with its reply received before the call returns.
 */
#include "bridge/aoe-nbd/kernel/nbd.h"

#include <errno.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <string.h>

enum { BLOCK_SIZE_BYTES = 512 }; /* the driver's own choice would be 1024 */

struct call {
    struct nl_sock *sock;
    struct nl_msg *msg;
    int family;
    bool answered;
    int err;   /* of the reply */
    int index; /* the device that the reply names; or -1 */
};

/* ---- answers ------------------------------------------------------------- */

static int on_message(struct nl_msg *msg, void *arg)
{
    struct nlattr *attrs[NBD_ATTR_MAX + 1];
    struct call *call = arg;

    if (!genlmsg_parse(nlmsg_hdr(msg), 0, attrs, NBD_ATTR_MAX, NULL) &&
        attrs[NBD_ATTR_INDEX] && nla_len(attrs[NBD_ATTR_INDEX]) == 4)
        call->index = (int)nla_get_u32(attrs[NBD_ATTR_INDEX]);
    return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
    struct call *call = arg;

    (void)msg;
    call->answered = true;
    return NL_STOP;
}

/* libnl's own error numbers do not distinguish all of errno's. */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
    struct call *call = arg;

    (void)from;
    call->answered = true;
    call->err = error->error;
    return NL_STOP;
}

/* ---- calls --------------------------------------------------------------- */

static void call_close(struct call *call)
{
    nlmsg_free(call->msg);
    nl_socket_free(call->sock);
}

/* Prepares a message about a device, or none in particular (-1); 0, or -errno
 * and there is nothing to close. */
static int call_open(struct call *call, uint8_t command, int index)
{
    int err = -ENOMEM;

    *call = (struct call){.index = -1};
    call->sock = nl_socket_alloc();
    if (!call->sock)
        return -ENOMEM;
    if (genl_connect(call->sock)) {
        nl_socket_free(call->sock);
        return -EPROTONOSUPPORT;
    }
    call->family = genl_ctrl_resolve(call->sock, NBD_GENL_FAMILY_NAME);
    if (call->family < 0)
        err = -ENODEV;
    else
        call->msg = nlmsg_alloc();
    if (call->msg &&
        genlmsg_put(call->msg, NL_AUTO_PORT, NL_AUTO_SEQ, call->family, 0, 0,
                    command, NBD_GENL_VERSION) &&
        (index < 0 || !nla_put_u32(call->msg, NBD_ATTR_INDEX, (uint32_t)index)))
        return 0;
    call_close(call);
    return err;
}

/* Sends it, if `built`, waits for the reply, and closes. */
static int call_make(struct call *call, bool built)
{
    int err = built ? 0 : -ENOMEM;

    nl_socket_modify_cb(call->sock, NL_CB_VALID, NL_CB_CUSTOM, on_message,
                        call);
    nl_socket_modify_cb(call->sock, NL_CB_ACK, NL_CB_CUSTOM, on_ack, call);
    nl_socket_modify_err_cb(call->sock, NL_CB_CUSTOM, on_error, call);
    if (!err && nl_send_auto(call->sock, call->msg) < 0)
        err = -EIO;
    while (!err && !call->answered)
        if (nl_recvmsgs_default(call->sock) < 0 && !call->answered)
            err = -EIO;
    if (!err)
        err = call->err;
    call_close(call);
    return err;
}

int kernel_nbd_present(void)
{
    struct call call;
    int err = call_open(&call, NBD_CMD_STATUS, -1);

    if (!err)
        call_close(&call);
    return err;
}

static bool put_socket(struct nl_msg *msg, int fd)
{
    struct nlattr *sockets = nla_nest_start(msg, NBD_ATTR_SOCKETS);
    struct nlattr *item = sockets ? nla_nest_start(msg, NBD_SOCK_ITEM) : NULL;

    if (!item || nla_put_u32(msg, NBD_SOCK_FD, (uint32_t)fd))
        return false;
    nla_nest_end(msg, item);
    nla_nest_end(msg, sockets);
    return true;
}

/* The attributes that connecting and resuming have in common. */
static bool put_server(struct nl_msg *msg, const struct kernel_nbd *k)
{
    return !nla_put_u64(msg, NBD_ATTR_DEAD_CONN_TIMEOUT, k->hold) &&
           !nla_put_string(msg, NBD_ATTR_BACKEND_IDENTIFIER, k->backend) &&
           put_socket(msg, k->fd);
}

/* NBD_ATTR_TIMEOUT is left out on purpose: with it the driver would take a slow
 * server for a dead one.  This one always replies in the end, if only with an
 * error.
 */
int kernel_nbd_connect(struct kernel_nbd *k)
{
    struct call call;
    int err = call_open(&call, NBD_CMD_CONNECT, k->index);
    bool built;

    if (err)
        return err;
    built =
        !nla_put_u64(call.msg, NBD_ATTR_SIZE_BYTES, k->size) &&
        !nla_put_u64(call.msg, NBD_ATTR_BLOCK_SIZE_BYTES, BLOCK_SIZE_BYTES) &&
        !nla_put_u64(call.msg, NBD_ATTR_SERVER_FLAGS, k->flags) &&
        put_server(call.msg, k);
    err = call_make(&call, built);
    if (err)
        return err;
    if (call.index >= 0)
        k->index = call.index;
    return k->index >= 0 ? 0 : -EIO;
}

int kernel_nbd_resume(const struct kernel_nbd *k)
{
    struct call call;
    int err = call_open(&call, NBD_CMD_RECONFIGURE, k->index);

    return err ? err : call_make(&call, put_server(call.msg, k));
}

/* Sets one attribute of a device of ours. */
static int set_u64(const struct kernel_nbd *k, int attribute, uint64_t value)
{
    struct call call;
    int err = call_open(&call, NBD_CMD_RECONFIGURE, k->index);

    if (err)
        return err;
    return call_make(
        &call,
        !nla_put_string(call.msg, NBD_ATTR_BACKEND_IDENTIFIER, k->backend) &&
            !nla_put_u64(call.msg, attribute, value));
}

int kernel_nbd_resize(const struct kernel_nbd *k)
{
    return set_u64(k, NBD_ATTR_SIZE_BYTES, k->size);
}

int kernel_nbd_until_closed(const struct kernel_nbd *k)
{
    return set_u64(k, NBD_ATTR_CLIENT_FLAGS, NBD_CFLAG_DISCONNECT_ON_CLOSE);
}

int kernel_nbd_disconnect(int index)
{
    struct call call;
    int err = call_open(&call, NBD_CMD_DISCONNECT, index);

    return err ? err : call_make(&call, true);
}

const char *kernel_nbd_error(int err)
{
    switch (err) {
    case -ENODEV:
        return "the kernel's nbd driver is not loaded; modprobe nbd";
    case -EPERM:
    case -EACCES:
        return "no permission; run it as root (CAP_SYS_ADMIN)";
    case -EBUSY:
        return "it is in use; name another one, or none to take any";
    default:
        return strerror(-err);
    }
}
