/* Inside of the engine room: an operation, how it sends and ends, and the pure helpers that tests reach
 * directly.
 *
 * An operation is made with engine_op_new(), gets one request, and is sent. Sending waits for the negotiation
 * when that has not happened. The answer runs op->on_answer (statuses below 400, and words that op->forgives
 * has), which either ends the operation with engine_op_finish()/engine_op_fail() or sets the next
 * request and sends again. Everything else becomes a classified error. Ending unlinks the operation, tells
 * the caller, frees. */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "base/image.h"
#include "engine/engine.h"
#include "engine/words.h"

#include "base/mem.h"

/* What an operation does, for the classifier: the same words mean different things. Bits. */
enum engine_context {
    ON_OTHER = 1,
    ON_CREATE = 2,
    ON_START = 4,
    ON_PULL = 8,
    ON_EXEC = 16,
    ON_IMAGE = 32,
    ON_ANY = 63,
};

struct engine_request {
    const char *method;
    char *path; /* below the version */
    char *body;
    char *header; /* one more header, may be secret; or NULL */
    struct http_limits limits;
    size_t limit;
    bool changes; /* changes something: fresh connection */
    bool duplex;  /* a stream to write into, too */
};

struct engine_op;
typedef void op_answer_cb(struct engine_op *op, const struct http_response *response);
typedef bool op_mends_cb(struct engine_op *op, const char *message);
typedef bool op_refused_cb(struct engine_op *op, int status);

struct engine_op {
    struct engine *engine;
    struct engine_op *prev, *next;
    engine_done_cb *done;
    void *data;
    enum engine_context context;
    char *what; /* for errors: "start container x" */
    char *note; /* goes with what the engine refuses; or NULL */
    struct engine_request request;
    struct http_call *call;
    op_answer_cb *on_answer;
    unsigned forgives;      /* sayings of answers >= 400 that mean success */
    op_mends_cb *mends;     /* may change the refused request: true sends it again; NULL: none */
    op_refused_cb *refused; /* may go on by itself after an answer >= 400: true; NULL: never */
    http_data_cb *on_data;  /* streams; called with the op as data */
    http_open_cb *on_open;
    loop_cb *on_drained;
    void *state; /* of the kind of operation; freed by free_state */
    void (*free_state)(void *state);
    bool waits;   /* for the negotiation number `round` */
    bool is_ping; /* no request: ends with the negotiation */
    bool retried; /* after "client version is too new" */
    int cuts;     /* connections that were dropped on it */
    struct timer again;
    uint64_t round;
    uint64_t serial;       /* tells an operation from a later one at the same address */
    struct turn late_turn; /* for ends before anything was sent */
    struct error late;
};

struct tunnel;

struct engine {
    struct loop *loop;
    struct engine_address address; /* what engine_find_where() goes by; empty over a given transport */
    struct http_transport *transport;
    struct tunnel *tunnel;      /* ssh, or NULL */
    struct strlist environment; /* the client's, for settings and for credential helpers */
    struct engine_info info;
    bool negotiated, forced; /* forced: DOCKER_API_VERSION */
    struct http_call *negotiation;
    int cuts; /* connections that were dropped on it in a row */
    struct timer again;
    uint64_t round, serial;
    struct engine_op *ops;
    struct helper_run *helpers; /* credential helpers that run */
    bool closing, transport_closed;
    struct turn closed_turn;
    loop_cb *on_closed;
    void *closed_data;
};

/* ---- op.c ---- */
struct engine_op *engine_op_new(struct engine *engine, enum engine_context context, engine_done_cb *done,
                                void *data, const char *what, ...) __attribute__((format(printf, 5, 6)));
/* Sets the request; path is below the version. */
void engine_op_request(struct engine_op *op, const char *method, struct http_limits limits, const char *path,
                       ...) __attribute__((format(printf, 4, 5)));
void engine_op_body(struct engine_op *op, const cJSON *body);
struct engine_op *engine_op_send(struct engine_op *op);
void engine_op_finish(struct engine_op *op, const struct engine_result *result);
/* Takes the error over. */
void engine_op_fail(struct engine_op *op, struct error *err);
/* Fails with what the engine said, classified. */
void engine_op_refuse(struct engine_op *op, int status, const char *message);
/* Fails in a later turn (for failures inside the function that starts the operation). Returns op. */
struct engine_op *engine_op_fail_late(struct engine_op *op, struct error *err);
/* Runs op->on_answer in a later turn, without a request (and with NULL for the answer). Returns op. */
struct engine_op *engine_op_answer_late(struct engine_op *op);
void engine_op_free(struct engine_op *op);
/* For loops whose callbacks may cancel their own operation: note it before, ask after. */
struct engine_op_mark {
    struct engine *engine;
    struct engine_op *op;
    uint64_t serial;
};
static inline struct engine_op_mark engine_op_mark(struct engine_op *op)
{
    return (struct engine_op_mark){op->engine, op, op->serial};
}
bool engine_op_is_alive(const struct engine_op_mark *mark);
/* Answers without a body worth reading. */
void engine_answer_empty(struct engine_op *op, const struct http_response *response);
/* Parses the answer; fails the operation and returns NULL when it is no JSON (a cut answer looks like that).
 */
cJSON *engine_answer_json(struct engine_op *op, const struct http_response *response);
/* Hands the document over as result->json. */
void engine_answer_document(struct engine_op *op, const struct http_response *response);
/* "?filters=…" for labels, or with none an empty text. The caller frees. */
char *engine_label_filter(const char *first, const char *const *labels);
/* The host-side name or id, safe in a path. The caller frees. */
#define engine_path_part str_percent_encode

/* A connection that was dropped before the answer: how long to wait before the same is asked once more, or
 * -1 when that was often enough. */
int64_t engine_pause_after_cut(int cuts);

/* ---- negotiate.c ---- */
void engine_negotiate(struct engine *engine); /* starts unless it runs */
/* The dialect for a server's Api-Version, or NULL when it is too old or none. */
const char *engine_dialect(const char *server_version);
/* DOCKER_API_VERSION fixes the dialect. -1 when it is no version that we speak. */
int engine_force_version(struct engine *engine, const char *version, struct error *err);

/* ---- where.c: the pure part ---- */
/* What the engine says about our own container: true when *where is settled (count 0: it has no network that
 * could be used); false: *shares is the container whose network it uses (borrowed from document). */
bool engine_where_in_container(const cJSON *document, struct engine_where *where, const char **shares);

/* ---- ssh.c ---- */
struct ssh_target {
    char *destination; /* "[user@]host", for ssh */
    char *host, *socket;
    int port; /* 0: ssh's own choice */
};
bool ssh_target_parse(const char *url, struct ssh_target *target);
void ssh_target_free(struct ssh_target *target);

/* NULL: no such address, or no place for the socket. Nothing runs yet. */
struct tunnel *engine_tunnel_new(struct engine *engine, const char *url, struct error *err);
void engine_tunnel_free(struct tunnel *tunnel); /* ssh is killed */
/* The local end. */
const char *engine_tunnel_path(const struct tunnel *tunnel);
bool engine_tunnel_is_up(const struct tunnel *tunnel);
/* Calls back later, once, when the local end accepts or ssh failed; not after the free. When ssh ends
 * afterwards, engine->negotiated becomes false. */
typedef void engine_tunnel_cb(const struct error *err, struct engine *engine);
void engine_tunnel_start(struct tunnel *tunnel, engine_tunnel_cb *done);
/* Replaces the error by what ssh said last. */
void engine_tunnel_explain(struct tunnel *tunnel, struct error *err);

/* ---- classify.c ---- */
/* The engine's words of an error answer: the JSON member "message", or the text itself; bounded, printable.
 * The caller frees. */
char *engine_message(const char *body, size_t length);
/* One error from what was attempted and what the engine said. */
void engine_classify(enum engine_context context, int status, const char *message, const char *what,
                     struct error *err);

/* ---- container_json.c ---- */
/* Fill from an inspect document, and from an element of the list; borrowed from it. */
void engine_container_from_inspect(struct engine_container *container, const cJSON *document);
void engine_container_from_list(struct engine_container *container, const cJSON *document);

/* ---- demux.c: container output ---- */
struct engine_demux {
    engine_log_cb *on_line;
    engine_output_cb *on_bytes; /* gets what is not cut into lines; NULL: on_line */
    void *data;
    bool has_times; /* every record starts with a timestamp */
    unsigned char head[8];
    int head_length;
    bool is_raw;
    uint32_t left;
    int stream;
    bool in_stamp;
    struct strbuf stamp;
    struct demux_line {
        struct strbuf text;
        int64_t time_ns;
    } lines[3];
};
void engine_demux_init(struct engine_demux *demux, bool has_times, engine_log_cb *on_line, void *data);
void engine_demux_feed(struct engine_demux *demux, const char *bytes, size_t length);
void engine_demux_end(struct engine_demux *demux); /* delivers what has no newline */
void engine_demux_fini(struct engine_demux *demux);

/* ---- lines.c: newline-delimited JSON ---- */
/* Splits into lines and hands each over without its line end. Returns -1 when a line is longer than the
 * limit. line_cb returns false to stop (its owner is gone, or had enough). */
typedef bool engine_line_cb(char *line, size_t length, void *data);
int engine_lines_feed(struct strbuf *rest, const char *bytes, size_t length, engine_line_cb *on_line,
                      void *data);

/* ---- events.c ---- */
/* Reads one line of /events; *document owns what the event borrows. */
bool engine_event_parse(const char *line, size_t length, struct engine_event *event, cJSON **document);

/* ---- pull_progress.c ---- */
struct pull_progress;
struct pull_progress *engine_pull_progress_new(void);
void engine_pull_progress_free(struct pull_progress *progress);
struct pull_state {
    const char *status; /* of the last line; borrowed until the next */
    const char *error;  /* errorDetail, or NULL */
    bool done;          /* a final "Status: …" was seen */
    int64_t current, total;
};
/* Takes one line. False when it is no JSON object. */
bool engine_pull_progress_line(struct pull_progress *progress, const char *line, size_t length,
                               struct pull_state *state);

/* ---- auth.c, credentials.c ---- */
/* Finds what to send as X-Registry-Auth for a registry and calls back, maybe asynchronously, but never before
 * return: header (NULL: anonymous) is valid during the callback; note says why a helper failed, or NULL. */
typedef void engine_auth_cb(const char *header, const char *note, void *data);
struct auth_search;
struct auth_search *engine_auth_start(struct engine *engine, const char *registry, engine_auth_cb *done,
                                      void *data);
void engine_auth_cancel(struct auth_search *search);
/* What the configuration says about a registry. */
struct auth_choice {
    char *helper; /* run docker-credential-<helper> for `server`, or NULL */
    char *server; /* the key: "https://index.docker.io/v1/" or host[:port] */
    char *username, *password, *identity_token;
};
void engine_auth_choose(const struct strlist *environment, const char *registry, struct auth_choice *choice);
void engine_auth_choice_free(struct auth_choice *choice);
/* "X-Registry-Auth: …" from what was found, or NULL. The caller wipes and frees. */
char *engine_auth_header(const struct auth_choice *choice);

/* Runs docker-credential-<name> get with the server's key on its standard input. */
typedef void helper_done_cb(const char *output, size_t length, int exit_code, const char *failure,
                            void *data);
struct helper_run *engine_helper_start(struct engine *engine, const char *name, const char *input,
                                       helper_done_cb *done, void *data);
void engine_helper_cancel(struct helper_run *run);
/* One more thing of the engine is closed. */
void engine_check_closed(struct engine *engine);

#endif
