/* What both ends share: a wire, which is a connected socket that carries lines of JSON.
 *
 * A wire reads lines up to a limit and queues what it sends; it never blocks and never raises SIGPIPE (which
 * is why it is not a uv_pipe_t). on_line runs for each complete line, on_end at most once, when the peer is
 * gone, sent a line that is too long, or leaves too much unread; on_drain when everything queued has been
 * sent. None runs inside wire_open, wire_send or wire_close; wire_close is answered by on_closed, after which
 * the memory may go. */
#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include "control/control.h"
#include "control/view.h"

enum { WIRE_LINE_LIMIT = 16 << 20, WIRE_QUEUE_LIMIT = 64 << 20 };

struct wire;
struct wire_events {
    void (*on_line)(struct wire *wire, const char *line, size_t length);
    void (*on_end)(struct wire *wire, const char *why);
    void (*on_drain)(struct wire *wire);
    void (*on_closed)(struct wire *wire);
};

struct wire {
    struct loop *loop;
    const struct wire_events *events;
    uv_poll_t poll;
    int fd;
    struct strbuf in, out;
    size_t scanned; /* bytes of in that hold no newline */
    size_t sent;    /* bytes of out that are gone */
    bool paused;    /* no more lines for now */
    bool overflow;  /* out had no room: the peer is given up */
    bool ended;     /* on_end has run */
    bool closed;
};

/* Takes the descriptor, also on failure. */
int wire_open(struct wire *wire, struct loop *loop, int fd, const struct wire_events *events,
              struct error *err);
/* Sends text (one line, without its newline) as far as it goes, queues the rest. */
void wire_send(struct wire *wire, const char *text, size_t length);
size_t wire_queued(const struct wire *wire);
void wire_pause(struct wire *wire, bool paused);
void wire_close(struct wire *wire);

/* The first of the folders (NULL ends them) that is private, or can be made so, and in which a socket of this
 * name has room. NULL: the error of the last one. The caller frees. */
char *control_path_in(const char *const *folders, const char *name, struct error *err);

/* ---- tables ---- */

/* Rows of the table below `#define OWNER struct NAME`, each by the name that its member has on the wire;
 * ALWAYS is written when it is nothing, too. TEXTS and LIST are a member and its count. */
#define ROW(text, member, kind) RECORD_CALLED(text, OWNER, member, kind)
#define ALWAYS(text, member, kind) RECORD_ALWAYS(text, OWNER, member, kind)
#define CUSTOM(text, member, type, form) RECORD_CUSTOM(text, OWNER, member, type, form)
#define NAMED(member, names) RECORD_NAMED(OWNER, member, names, false)
#define NESTED(member, record) RECORD_NESTED(OWNER, member, record, false)
#define TEXTS(member, counter) RECORD_COUNTED(OWNER, member, counter, FIELD_STRINGS, false)
#define LIST(member, counter, record, is_always)                                                             \
    RECORD_ARRAY(OWNER, member, counter, record, false, .always = is_always)

extern const struct enum_names view_news_names;
RECORD_OF(view_resource_record, struct view_resource);
RECORD_OF(view_engine_record, struct view_engine);
/* What each was read from, and what its id says. */
void view_note_resources(struct view_resource *resources, const cJSON *list);

#endif
