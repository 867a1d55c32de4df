/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libaoe: an ATA over Ethernet initiator in userspace.
 *
 * A `struct aoe` is a set of network interfaces; a `struct aoe_disk` is one
 * disk (shelf.slot) reached through them.  The library is asynchronous and has
 * no thread and no loop of its own: poll the descriptors that aoe_poll_fds
 * names, no longer than aoe_timeout, and call aoe_service; or use the blocking
 * calls at the end of this file, which do just that.
 *
 *     aoe_submit -> frames, at most a window of them -> wire -> done()
 *
 * Threads: a `struct aoe` and all its disks belong to one thread at a time.
 *
 * Callbacks run inside aoe_service, aoe_push, the blocking calls,
 * aoe_discover_stop, aoe_disk_close and aoe_close, never inside aoe_submit.
 * A callback must not call
 * - aoe_service, aoe_push, aoe_wait, any other blocking call, or aoe_close;
 * - aoe_disk_open, aoe_discover_start or aoe_discover_stop;
 * - aoe_disk_close; only a disk's event callback may close disks, its own among
 *   them.
 * Everything else is allowed.  An assertion ends a program that breaks one of
 * these rules, unless libaoe was built with NDEBUG.  While aoe_close runs a
 * callback may still submit: what it submits is refused or ends with
 * -ECANCELED.
 *
 * Errors: every call returns 0 (or a count) or -errno.  Units: offsets, sizes
 * and lengths are bytes unless a name says sectors; a sector has 512 bytes;
 * times are nanoseconds unless a name says otherwise.
 *
 * Data safety (the reasons are in doc/safety.md):
 * - a write that completed with 0 was accepted by the target; it is durable
 *   after an AOE_FLUSH submitted later completed with 0;
 * - no two overlapping writes are ever on the wire at once, and a newer write
 *   waits until no late copy of an older one can land on top of it;
 * - every request ends, with -EIO when the disk has been silent for too long;
 * - a network address becomes a path of a disk only if the disk behind it has
 *   the same serial number, model and size.
 */
#ifndef AOE_H
#define AOE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aoe;
struct aoe_disk;

/* ---- the context ----------------------------------------------------------
 */

struct aoe_options {
    /* Names of at most AOE_INTERFACE_NAME bytes with the final 0; copied. */
    const char *const *interfaces;
    unsigned interface_count; /* at least 1, at most AOE_INTERFACE_MAX */
    const char *link;         /* "packet", "pcap"; NULL: the best there is */
};

enum { AOE_INTERFACE_MAX = 16, AOE_INTERFACE_NAME = 64 };

/* Opens the interfaces.  On failure *bad, when not NULL, is the name of the
 * one that failed.  -ENODEV: no such interface; -EPERM: needs CAP_NET_RAW;
 * -ENOTSUP: not Ethernet; -EINVAL: none or too many named. */
int aoe_open(struct aoe **out, const struct aoe_options *options,
             const char **bad);

/* Ends everything: outstanding requests complete with -ECANCELED, disks are
 * closed. */
void aoe_close(struct aoe *aoe);

/* Fills in up to `max` descriptors to poll and returns how many there are
 * (one an interface).  They and their events can change after any call. */
int aoe_poll_fds(struct aoe *aoe, struct pollfd *fds, int max);

/* Nanoseconds until aoe_service must be called though no descriptor is ready;
 * 0: now; -1: never. */
int64_t aoe_timeout(struct aoe *aoe);

/* Nanoseconds for which it pays to look at the descriptors again and again
 * before sleeping until one is ready: a single read or write is under way,
 * whose response comes sooner than a sleeping CPU wakes.  0: sleep. */
uint64_t aoe_poll_ns(const struct aoe *aoe);

/* Whether other processes of this machine may use the same tags, because all
 * 128 parts of the tag space are taken (by so many processes, or by one that
 * wants to annoy): a response to one of them may then, once in 16 million, be
 * taken for a response to us. */
bool aoe_tags_shared(const struct aoe *aoe);

/* The address of an interface of this context: what targets know us by.  0 or
 * -ENODEV. */
int aoe_interface_mac(const struct aoe *aoe, const char *interface,
                      uint8_t mac[6]);

/* Calls `each` with the name of every Ethernet interface of this machine that
 * is up: for messages that list candidates.  Needs no context. */
void aoe_each_interface(void (*each)(void *arg, const char *name), void *arg);

/* What the engine does, told line by line, to find out why a disk is slow or
 * refused.  `level` 0: nothing; 1: decisions (path and window changes, probes
 * of the path MTU and their outcome, retransmissions and their reason, whether
 * a disk is ours, restarts, losses, replays, refused flushes); 2: each frame,
 * too.
 *
 * `line` is called from within any call here; it may call nothing here.  `text`
 * is one line of printable ASCII, valid during the call, without a time and
 * without the newline.  It begins with the disk's name or the interface:
 *
 *     e1.2 retransmit: tag 81552160, copy 2, no response for 2.1 ms, path eth0
 *     00:11:22:33:44:55
 *
 * (in one line).  The wording is for people and changes between versions.  Off,
 * as in the beginning, it costs next to nothing.  `line` NULL: level 0. */
void aoe_trace(struct aoe *aoe, int level,
               void (*line)(void *arg, const char *text), void *arg);

/* Receives, sends, times out and completes whatever is due.  Never blocks. */
void aoe_service(struct aoe *aoe);

/* The same without a look at what arrived: cheaper when no descriptor is ready
 * but requests were submitted. */
void aoe_push(struct aoe *aoe);

/* ---- discovery ------------------------------------------------------------
 */

/* A disk as one interface and one target address show it. */
struct aoe_found {
    uint16_t shelf;
    uint8_t slot;
    char name[16]; /* "e1.2" */
    const char *interface;
    uint8_t mac[6];   /* of the target */
    unsigned mtu;     /* of the local interface */
    unsigned payload; /* bytes of data that a frame to it can carry */
    unsigned buffer_count;
    unsigned sector_count; /* maximum in a command; 0: it does not say */
    uint16_t firmware;
    const uint8_t *config; /* config string, not terminated */
    unsigned config_length;
    bool identified; /* the fields below are known */
    uint64_t size;   /* bytes */
    char serial[21], model[41], version[9];
    bool reserved; /* it refused IDENTIFY: reserved for others */
};

struct aoe_discovery;

/* Asks all interfaces for all disks (shelf 0xffff, slot 0xff) or for one, again
 * and again until aoe_discover_stop.  `found` is called once for each disk,
 * interface and target address, when it was identified or did not respond to
 * that; again if what it says changes.  Strings are valid in the callback. */
int aoe_discover_start(struct aoe *aoe, uint16_t shelf, uint8_t slot,
                       void (*found)(void *arg, const struct aoe_found *f),
                       void *arg, struct aoe_discovery **out);
/* Reports what answered a query but not yet an IDENTIFY, then ends. */
void aoe_discover_stop(struct aoe_discovery *discovery);

/* ---- a disk ---------------------------------------------------------------
 */

struct aoe_disk_options {
    uint64_t timeout; /* how long the disk may be silent, see below; 0: for
                         ever */
    unsigned window;  /* max. frames in flight on a path; 0: the target's */
    bool read_only;   /* refuse writes and trims with -EROFS */
    uint64_t replay;  /* bytes of memory for completed writes that no flush has
                         covered yet: they are written again when the target
                         may have lost them in a restart; 0: none */
};
#define AOE_TIMEOUT_DEFAULT UINT64_C(60000000000)

/* The timeout is about silence.  When requests wait and none of them, nor a
 * part of one, was answered for so long, the disk is lost: all fail with -EIO,
 * and new ones are refused until AOE_DISK_BACK.  What waits for its turn while
 * others are answered does not age.  A request that had its turn and gets no
 * response while others get theirs fails alone, with -EIO, after four times
 * the timeout.  Time in which aoe_service was not called though aoe_timeout had
 * asked for it, because the process was stopped, does not count. */

/* What the disk says of itself (ATA IDENTIFY DEVICE). */
struct aoe_identity {
    char serial[21], model[41], firmware[9];
    uint64_t size;            /* bytes */
    uint32_t logical_sector;  /* bytes */
    uint32_t physical_sector; /* bytes */
    bool write_cache;         /* completed writes need a flush to be durable */
    bool flush;               /* the target has a FLUSH CACHE command */
    bool trim;                /* AOE_TRIM works */
    bool trim_zeroes;         /* trimmed sectors read as zeroes */
    bool rotating;
    bool read_only; /* the target refuses writes */
    /* doc/vendor-words.md; 0: the target does not say.  The boot id is another
     * one after each start of the target, the epoch after each loss; they
     * change while the disk is open. */
    uint64_t boot, epoch;
    bool orderly; /* before this boot everything was flushed */
};

enum aoe_event {
    AOE_DISK_READY,       /* identified: size and identity are known (once) */
    AOE_DISK_LOST,        /* silent for the timeout: requests fail now */
    AOE_DISK_BACK,        /* the same disk answers again */
    AOE_DISK_RESIZED,     /* aoe_disk_identity has the new size */
    AOE_DISK_CHANGED,     /* another disk answers at this address: refused */
    AOE_DISK_CONFLICT,    /* two different disks answer at this address: before
                             AOE_DISK_READY neither is used, afterwards only the
                             one that was first */
    AOE_DISK_RESTARTED,   /* the target was restarted, and completed writes that
                             no flush had covered are lost.  If identity.epoch is
                             0 that is a guess: it announced itself, or answered
                             after a silence of seconds, and they may be lost.
                             Only when there were such, and with options.replay
                             only if they could not be written again */
    AOE_DISK_REPLAYED,    /* the same, and all of them were written again */
    AOE_DISK_PATH_MTU,    /* a path turned out to carry less than interface and
                             target allow, or carries it again: aoe_disk_paths */
    AOE_DISK_LOST_WRITES, /* the disk failed to keep completed writes that no
                             flush had covered; with options.replay they are
                             kept here, and every flush fails until they could
                             be written again */
    AOE_DISK_MENDED, /* the same, and they were written again and flushed */
    AOE_DISK_FLUSH_REFUSED, /* the target refuses FLUSH, which it says it has:
                               flushes fail (again only after one succeeded) */
    AOE_DISK_SETTLED, /* a flush succeeded under this identity.epoch for the
                         first time, and every user has been told of what was
                         lost before: see aoe_writer_resume */
};

/* Told at the end of aoe_service, aoe_push and the blocking calls, when the
 * engine is at rest, so that aoe_disk_close may be called from here: for
 * `disk`, of which nothing more is told then, or for others of its context.  An
 * event that happens again before it was told is told once.  By the time it is
 * told the disk may be in another state again, of which another event tells. */
typedef void aoe_event_fn(void *arg, struct aoe_disk *disk,
                          enum aoe_event event);

/* Parses "e1.2" or "1.2".  0 or -EINVAL. */
int aoe_name_parse(const char *name, uint16_t *shelf, uint8_t *slot);

/* Begins to look for a disk and returns at once; AOE_DISK_READY follows when
 * it was found.  Requests submitted before that fail with -ENOTCONN, or with
 * -ENOTUNIQ after AOE_DISK_CONFLICT.  `options` may be NULL.  -EINVAL: a
 * wildcard; -ENOMEM. */
int aoe_disk_open(struct aoe *aoe, uint16_t shelf, uint8_t slot,
                  const struct aoe_disk_options *options, aoe_event_fn *event,
                  void *arg, struct aoe_disk **out);

/* Completes what is outstanding with -ECANCELED and frees the disk.  A write
 * that was on the wire may still be executed. */
void aoe_disk_close(struct aoe_disk *disk);

const char *aoe_disk_name(const struct aoe_disk *disk); /* "e1.2" */
bool aoe_disk_ready(const struct aoe_disk *disk);

/* Valid from AOE_DISK_READY to aoe_disk_close; its size can grow. */
const struct aoe_identity *aoe_disk_identity(const struct aoe_disk *disk);

/* For people: what AOE_DISK_CHANGED and AOE_DISK_CONFLICT are about, naming
 * both disks.  Never NULL. */
const char *aoe_disk_trouble(const struct aoe_disk *disk);

enum aoe_op {
    AOE_READ,
    AOE_WRITE,
    AOE_FLUSH, /* offset and length are 0: everything that completed before */
    AOE_TRIM,  /* the range's content becomes undefined */
    AOE_ZERO,  /* the range reads as zeroes afterwards */
};

/* A request.  The memory is the caller's, it and the buffers must stay until
 * `done` is called, exactly once.  Zero-initialise it before first use; after
 * `done` it may be submitted again, also from within `done`. */
struct aoe_request {
    enum aoe_op op;
    uint64_t offset, length; /* bytes, any alignment */
    const struct iovec *iov; /* READ, WRITE: the bytes; sum >= length */
    int iovcnt;
    bool fua; /* WRITE, TRIM, ZERO: durable before done, not only accepted */
    void (*done)(struct aoe_request *request, int status); /* 0 or -errno */
    void *arg;                                             /* the caller's */
    uint64_t error_offset; /* status -EIO: the first byte that failed */
    /* libaoe's own: */
    struct aoe_request_state {
        uint64_t word[32];
    } state;
    struct aoe_writer *writer; /* who is told of losses; NULL: who always names
                                  none */
};

/* Hands a request to the disk, which never blocks and never calls `done` from
 * here.  Aligned requests go out as they are; the partial sectors at the edges
 * of others are read, merged and written under a range lock, which is atomic
 * among the requests of this disk object.  Returns 0, or an error and `done`
 * is not called: -EINVAL (buffers shorter than length, beyond 2^63), -ENOSPC
 * (a write past the end), -ENXIO (a read past the end), -EROFS (options
 * or target), -EOPNOTSUPP (a trim the target does not have), -ENOTCONN (not
 * ready), -ENOTUNIQ (not ready: two disks answer at this address), -EIO (lost:
 * requests fail at once until AOE_DISK_BACK), -ESTALE (another disk answers at
 * this address), -ENOMEM.
 *
 * Statuses of `done`: 0; -EIO (the disk failed the command, the timeout
 * passed, the target was restarted under a write that is too large for
 * options.replay, or of a flush or durable request: completed writes were
 * lost, see aoe_writer_open); -EBUSY (reserved for another host); -EOPNOTSUPP,
 * -EINVAL, -ENODEV, -EPROTO (AoE errors 1, 2, 3, 5); -ECANCELED (closed);
 * -ESTALE.
 *
 * Frames leave with the next aoe_service or aoe_push, so that what is submitted
 * together travels together; aoe_timeout returns 0 until then. */
int aoe_submit(struct aoe_disk *disk, struct aoe_request *request);

/* ---- lost writes -----------------------------------------------------------
 */

/* A user of a disk that he shares with others, such as a client of a server.  A
 * completed write that no flush has covered can be lost with the target, or by
 * its disk; who flushes hears of it.  For each such loss every user's next
 * flush or durable request (fua) ends with -EIO, once, whoever wrote and
 * whoever noticed: as fsync on Linux tells it once to each open file.  Who
 * comes later hears of it if nobody did, or if one has gone that wrote and was
 * not told: he may be the same. */
struct aoe_writer;

/* To be named in the requests of that user.  NULL without memory: his requests
 * may name none then, and share in what the others of that kind are told. */
struct aoe_writer *aoe_writer_open(struct aoe_disk *disk);
/* The same for a user that another process served before: it is told of a loss
 * if `epoch`, identity.epoch when that one opened the disk or at its latest
 * AOE_DISK_SETTLED, is another one now. */
struct aoe_writer *aoe_writer_resume(struct aoe_disk *disk, uint64_t epoch);
/* Requests may still be under way; NULL is allowed, and the disk may have been
 * closed before. */
void aoe_writer_close(struct aoe_writer *writer);

/* Counters, since the disk was opened. */
struct aoe_stats {
    uint64_t reads, writes, flushes, trims; /* requests completed */
    uint64_t read_bytes, written_bytes;
    uint64_t errors;      /* requests that failed */
    uint64_t frames_sent; /* with retransmissions */
    uint64_t retransmitted;
    uint64_t late;       /* responses to frames already done; harmless */
    uint64_t time_waits; /* writes that waited until late copies of an older one
                            have expired */
    uint64_t replayed;   /* bytes written again after restarts */
    unsigned in_flight;  /* frames, now */
    unsigned queued;     /* requests, now */
    uint64_t losses;     /* times that unflushed writes were lost, or may be,
                            also if they were written again */
    uint64_t flushes_failed;  /* FLUSH commands, also those tried again */
    uint64_t flushes_refused; /* of them: as if there were no such command */
};
void aoe_disk_stats(const struct aoe_disk *disk, struct aoe_stats *out);

/* One way to the disk: a local interface and a target address. */
struct aoe_path_info {
    const char *interface;
    uint8_t mac[6];
    unsigned mtu;         /* of the interface */
    unsigned payload;     /* bytes of data in a frame, now */
    unsigned payload_max; /* what interface and target allow */
    unsigned window;      /* frames that may be in flight now */
    unsigned buffer_count;
    uint64_t rtt; /* smoothed round trip, ns; 0: not measured */
    bool good;    /* false: set aside, being probed */
};
/* Fills in up to `max` paths, returns how many there are. */
int aoe_disk_paths(const struct aoe_disk *disk, struct aoe_path_info *out,
                   int max);

/* ---- commands beside ATA ---------------------------------------------------
 */

/* AoE's own commands (AoEr11 sections 3.2 to 3.4): they go to one address of a
 * target by one interface, as struct aoe_found tells both, and need no open
 * disk.  A disk that several targets serve has several states. */
enum aoe_control_op {
    AOE_CONTROL_CONFIG_READ,   /* tells the config string; also a ping */
    AOE_CONTROL_CONFIG_TEST,   /* answered only if the string is this one */
    AOE_CONTROL_CONFIG_PREFIX, /* answered only if it begins with this */
    AOE_CONTROL_CONFIG_SET,    /* only where there is none */
    AOE_CONTROL_CONFIG_FORCE,  /* also in place of another; "": takes it away */
    AOE_CONTROL_MASK_READ,     /* which clients are answered; none: all are */
    AOE_CONTROL_MASK_ADD,
    AOE_CONTROL_MASK_DELETE,
    AOE_CONTROL_RESERVE_READ,  /* which clients may use it; none: all may */
    AOE_CONTROL_RESERVE_SET,   /* no addresses: releases it */
    AOE_CONTROL_RESERVE_FORCE, /* also if it is reserved for others */
};

enum { AOE_CONFIG_MAX = 1024, AOE_LIST_MAX = 255 };
#define AOE_CONTROL_TIMEOUT UINT64_C(3000000000)

/* What came back. */
struct aoe_control_response {
    uint8_t mac[6]; /* who answered */
    uint64_t rtt;   /* ns; 0: not known, the command was sent again */
    /* CONFIG */
    unsigned buffer_count, sector_count, firmware;
    unsigned length; /* of string, which is not terminated */
    uint8_t string[AOE_CONFIG_MAX];
    /* MASK, RESERVE: the list as it is after the command */
    unsigned mac_count;
    uint8_t macs[AOE_LIST_MAX][6];
};

/* A command.  The memory, and what it points to, is the caller's and must stay
 * until `done` is called, exactly once. */
struct aoe_control {
    enum aoe_control_op op;
    uint16_t shelf; /* no wildcards */
    uint8_t slot;
    const char *interface; /* one of the context's */
    uint8_t mac[6];        /* of the target; ff:ff:ff:ff:ff:ff: of whoever
                              answers first, for commands that only read */
    uint64_t timeout;      /* 0: AOE_CONTROL_TIMEOUT */
    unsigned tries;        /* max. copies sent; 0: no limit */
    const void *string;    /* CONFIG: at most AOE_CONFIG_MAX bytes */
    unsigned length;
    const uint8_t (*macs)[6]; /* MASK, RESERVE: at most AOE_LIST_MAX */
    unsigned mac_count;
    void (*done)(struct aoe_control *control, int status); /* 0 or -errno */
    void *arg;                                             /* the caller's */
    struct aoe_control_response response;
    /* libaoe's own: */
    struct aoe_control_state {
        uint64_t word[10];
    } state;
};

/* Sends a command, again until it is answered or `timeout` has passed.  Returns
 * 0, or an error and `done` is not called: -ENODEV (not an interface of this
 * context), -EINVAL (a wildcard, too long, a change for everyone), -EMSGSIZE
 * (more than a frame there carries), -ECANCELED (from a callback of aoe_close).
 *
 * Statuses of `done`: 0; -ETIMEDOUT (no response; for TEST and PREFIX that may
 * mean no); -EEXIST (SET: there is another string, which is in `response`);
 * -EBUSY (reserved for others); -ENOSPC (the mask list is full); -EOPNOTSUPP,
 * -EINVAL, -ENODEV, -EPROTO (AoE errors 1, 2, 3, 5; the first: a target that
 * does not have this command); -EIO (any other error); -ECANCELED (closed). */
int aoe_control_submit(struct aoe *aoe, struct aoe_control *control);

/* ---- blocking calls -------------------------------------------------------
 */

/* Each polls and services `aoe` until its own work is done. */

/* Opens a disk and waits up to `wait` ns until it is ready.  On failure nothing
 * remains open.  -ETIMEDOUT: nobody responded in time; -ENOTUNIQ: two different
 * disks answer at this address (AOE_DISK_CONFLICT), and neither is used;
 * -EINVAL: not the name of a disk; or any other error of aoe_disk_open and
 * aoe_wait. */
int aoe_disk_open_wait(struct aoe *aoe, const char *name,
                       const struct aoe_disk_options *options, uint64_t wait,
                       struct aoe_disk **out);

int aoe_read(struct aoe_disk *disk, void *buffer, size_t length,
             uint64_t offset);
int aoe_write(struct aoe_disk *disk, const void *buffer, size_t length,
              uint64_t offset);
int aoe_trim(struct aoe_disk *disk, uint64_t length, uint64_t offset);
int aoe_zero(struct aoe_disk *disk, uint64_t length, uint64_t offset);
int aoe_flush(struct aoe_disk *disk);

/* Submits a command, waits for its end and returns its status; `done` and `arg`
 * are not the caller's here. */
int aoe_control_run(struct aoe *aoe, struct aoe_control *control);

/* Waits up to `timeout` ns (-1: for ever) for something to happen, and services
 * it: the body of a loop for programs that have none.  0, or what poll failed
 * with. */
int aoe_wait(struct aoe *aoe, int64_t timeout);

#ifdef __cplusplus
}
#endif

#endif
