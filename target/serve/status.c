/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file is written in place: it was opened before privileges were dropped,
 * and belongs in memory (/var/run), where nothing wears out and a reboot
 * removes it.
 */
#include "target/serve/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/title.h"

#define LOOK_EVERY NS_PER_S

struct status {
    struct status_options options;
    int fd;     /* -1: no file */
    char *text; /* what is in the file */
    struct loop_timer look;
};

static void write_all(struct status *s, const char *text)
{
    size_t length = strlen(text);

    if (s->fd < 0)
        return;
    if (ftruncate(s->fd, 0) ||
        pwrite(s->fd, text, length, 0) != (ssize_t)length)
        log_debug("%s: %s", s->options.path, strerror(errno));
}

static void put_ports(const struct status *s, FILE *out, FILE *trouble)
{
    unsigned count;
    struct target_port *const *ports = server_ports(s->options.server, &count);

    for (unsigned i = 0; i < count; i++) {
        const struct link *l = ports[i]->link;
        bool up = l && l->up;
        const char *wrong = ports[i]->master;

        if (!up)
            wrong = "is down";
        fprintf(out, "%s\t%s\n", ports[i]->ifname, *wrong ? wrong : "up");
        if (*wrong)
            fprintf(trouble, "%s%s %s", ftell(trouble) ? "; " : "",
                    ports[i]->ifname, wrong);
    }
}

/* The text of the file, and in *trouble the short form for the title; both to
 * be freed, NULL without memory. */
static char *compose(const struct status *s, char **trouble)
{
    char *text = NULL;
    size_t length, ignored;
    FILE *out = open_memstream(&text, &length);
    FILE *wrong = open_memstream(trouble, &ignored);

    if (out && wrong) {
        fprintf(out, "aoe-target %ld\n", (long)getpid());
        exports_print(s->options.exports, out);
        exports_trouble(s->options.exports, wrong);
        put_ports(s, out, wrong);
    }
    if (wrong)
        fclose(wrong);
    if (out)
        fclose(out);
    return text;
}

static void look(void *arg)
{
    struct status *s = arg;
    char *trouble = NULL, *text = compose(s, &trouble);

    if (text && (!s->text || strcmp(text, s->text) != 0)) {
        title_set(trouble && *trouble ? trouble : NULL);
        write_all(s, text);
        free(s->text);
        s->text = text;
        text = NULL;
    }
    free(text);
    free(trouble);
    loop_timer_set(s->options.loop, &s->look,
                   loop_now(s->options.loop) + LOOK_EVERY);
}

int status_open(struct status **out, const struct status_options *o)
{
    struct status *s = calloc(1, sizeof *s);
    int err = s ? 0 : -ENOMEM;

    if (s) {
        s->options = *o;
        s->fd = -1;
        s->look = (struct loop_timer){.expired = look, .arg = s};
        err = loop_timer_set(o->loop, &s->look, loop_now(o->loop));
    }
    if (!err && o->path) {
        s->fd = fd_open(o->path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
        err = s->fd < 0 ? -errno : 0;
    }
    if (err) {
        log_error("--status %s: %s", o->path ? o->path : "", strerror(-err));
        status_close(s);
        return err;
    }
    *out = s;
    return 0;
}

void status_close(struct status *s)
{
    if (!s)
        return;
    write_all(s, "aoe-target has ended\n");
    loop_timer_cancel(s->options.loop, &s->look);
    if (s->fd >= 0)
        close(s->fd);
    free(s->text);
    free(s);
}
