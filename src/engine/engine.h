/* The Docker Engine HTTP API, one file per kind of object. Knows containers, not resources.
 *
 * An engine is one address and one negotiated dialect over an http_transport (a fake one in tests). Every
 * function starts one operation and returns a handle to cancel it; `done` follows the asynchronous promise
 * (never before return, exactly once, never after engine_cancel). Results are valid during the callback only.
 *
 * Errors are classified: ERROR_ENGINE (unreachable, too old, died), ERROR_TIMEOUT, ERROR_GONE (404),
 * ERROR_NO_IMAGE (create, image inspect: image absent), ERROR_CONFLICT (name in use, state forbids; start: a
 * network of the container is gone), ERROR_PORT, ERROR_PULL, ERROR_SPACE, ERROR_NOT_FOUND /
 * ERROR_NOT_EXECUTABLE (start: bad command), ERROR_FAILED. Texts name the object and quote the engine.
 *
 * Facts (bodies, statuses, Podman's differences) were measured on Engine 20.10 (API 1.41), 28.5 and
 * Podman 4.3. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "http/http.h"
#include "loop/loop.h"

struct engine;
struct engine_op;

/* ---- address ---- */

/* Result of the resolution: which engine, and why this one. Owned; engine_address_free(). */
struct engine_address {
    char *host;      /* as configured: "unix:///var/run/docker.sock", "tcp://…", "ssh://…" */
    char *origin;    /* "DOCKER_HOST", "context colima", "well-known socket", "--host" … */
    char *unix_path; /* for unix */
    char *url;       /* for tcp; with neither, host is an ssh:// address */
    char *ca_file, *cert_file, *key_file;
    bool tls, skip_verify;
    char *published_host; /* of a remote engine: where its published ports are reached; else NULL: ask
                             engine_find_where() */
    char *override;       /* APPHOST_PUBLISHED_HOST, TESTCONTAINERS_HOST_OVERRIDE: used instead; or NULL */
    bool remote;
};
/* getenv-like access to the client's environment ("K=V" list, NULL-terminated); flags may be NULL. Blocking,
 * local files and connect(2) on well-known sockets only. */
int engine_resolve(char *const *environment, const char *host_flag, const char *context_flag,
                   struct engine_address *address, struct error *err);
void engine_address_free(struct engine_address *address);
void engine_address_copy(struct engine_address *to, const struct engine_address *from);
cJSON *engine_address_to_json(const struct engine_address *address);
/* Borrowed; NULL: it is that of a session without an engine. */
const char *engine_address_host(const cJSON *json);
int engine_address_from_json(const cJSON *json, struct engine_address *address, struct error *err);

/* ---- life ---- */

/* Opens over the real transport for the address; connects nothing yet. The environment ("K=V", copied what is
 * needed) is read for DOCKER_CONFIG, DOCKER_AUTH_CONFIG, DOCKER_API_VERSION, APPHOST_IMAGE_PREFIX…. */
struct engine *engine_open(struct loop *loop, const struct engine_address *address, char *const *environment,
                           struct error *err);
/* Over a given transport (which it owns from now on); for fakes. */
struct engine *engine_open_over(struct loop *loop, struct http_transport *transport,
                                char *const *environment);
/* Cancels everything, closes; on_closed runs once nothing is left and the engine is freed. */
void engine_close(struct engine *engine, loop_cb *on_closed, void *data);
void engine_cancel(struct engine *engine, struct engine_op *op); /* NULL allowed */

struct engine_info {
    char api_version[16]; /* the dialect in use: "1.41" … "1.44" */
    char server[64];
    bool is_podman;
};

/* Where what the engine publishes is reached from here: a short list of candidates, the likeliest first. */
enum { ENGINE_PLACES = 2 };
struct engine_place {
    char host[256]; /* what a client writes: "127.0.0.1", "172.17.0.1", "build.example" */
    char bind[48];  /* where the engine has to publish for that what is meant for this machine alone */
};
struct engine_where {
    struct engine_place places[ENGINE_PLACES];
    int count;     /* 0: what is published cannot be reached from here */
    bool unsure;   /* nobody told that the engine's loopback is ours: whether its ports are here shows it */
    bool apart;    /* the loopback of the engine's machine is not ours: we are in a container, */
    char self[48]; /* at this address of that network */
    char how[320]; /* how that was learnt, or why it cannot be reached: half a sentence */
};

/* ---- results ---- */

struct engine_port { /* a published port */
    int target_port, host_port;
    char host_ip[48];
};
enum engine_health {
    ENGINE_HEALTH_NONE,
    ENGINE_HEALTH_STARTING,
    ENGINE_HEALTH_HEALTHY,
    ENGINE_HEALTH_UNHEALTHY
};
struct engine_container {
    const char *id, *name; /* name without the slash */
    const char *image;
    const char *state; /* "created", "running", "paused", "restarting", "removing", "exited", "dead" */
    bool running;
    int exit_code;     /* inspect only; -1 unknown */
    bool oom_killed;   /* inspect only */
    const char *error; /* inspect only: State.Error */
    enum engine_health health;
    const cJSON *labels; /* object */
    struct engine_port ports[16];
    int port_count;
    const cJSON *networks; /* object: network name → settings with NetworkID */
    const cJSON *raw;      /* the whole document (inspect: Config.Env …) */
};
struct engine_event {
    const char *type, *action; /* action without the status of health_status: see health */
    const char *id;
    const cJSON *attributes;   /* object: labels flat, name, exitCode, … */
    int exit_code;             /* die; -1 otherwise */
    enum engine_health health; /* health_status */
    int64_t time_ns;
};
struct engine_result {
    const struct engine_info *info;   /* ping */
    const struct engine_where *where; /* find_where */
    const cJSON *mounts; /* find_where: what the container that we are was given; NULL: we are none of its */
    const char *id;      /* create: container, network; volume: name */
    const struct engine_container *container;  /* inspect */
    const struct engine_container *containers; /* list */
    int container_count;
    const cJSON *json;     /* networks, volumes, images: the document; their lists: the array */
    int exit_code;         /* exec */
    const char *output;    /* exec, logs tail: bounded, merged */
    const cJSON *warnings; /* create: array or NULL */
};
typedef void engine_done_cb(const struct engine_result *result, const struct error *err, void *data);

/* ---- operations ---- */

/* GET /_ping: negotiates the dialect. Everything else negotiates first by itself when that has not happened
 * yet. */
struct engine_op *engine_ping(struct engine *engine, engine_done_cb *done, void *data);

/* Where published ports are reached: from what the address says, from what the engine knows about our own
 * container, from the socket's peer; see where.c. Sends a request only in a container. */
struct engine_op *engine_find_where(struct engine *engine, engine_done_cb *done, void *data);

/* label: "key=value" or "key"; several are ANDed (NULL-terminated). all containers, stopped ones too. */
struct engine_op *engine_container_list(struct engine *engine, const char *const *labels,
                                        engine_done_cb *done, void *data);
struct engine_op *engine_container_create(struct engine *engine, const char *name, const char *platform,
                                          const cJSON *body, engine_done_cb *done, void *data);
struct engine_op *engine_container_start(struct engine *engine, const char *id, engine_done_cb *done,
                                         void *data);
struct engine_op *engine_container_unpause(struct engine *engine, const char *id, engine_done_cb *done,
                                           void *data);
struct engine_op *engine_container_inspect(struct engine *engine, const char *id, engine_done_cb *done,
                                           void *data);
struct engine_stop {
    int timeout_s;      /* until KILL; < 0: the container's own, */
    int own_s;          /* which is this, as far as it is known; 0: is not */
    const char *signal; /* or NULL: the container's own */
};
/* Not running counts as success. */
struct engine_op *engine_container_stop(struct engine *engine, const char *id, const struct engine_stop *stop,
                                        engine_done_cb *done, void *data);
struct engine_op *engine_container_kill(struct engine *engine, const char *id, const char *signal,
                                        engine_done_cb *done, void *data);
/* force kills first; anonymous volumes go too. Gone, or going, counts as success. */
struct engine_op *engine_container_remove(struct engine *engine, const char *id, bool force,
                                          engine_done_cb *done, void *data);
/* The last `tail` lines of both streams as result->output (demultiplexed, at most 256 KiB). */
struct engine_op *engine_container_tail(struct engine *engine, const char *id, int tail, engine_done_cb *done,
                                        void *data);

/* stream 1 stdout, 2 stderr; whole lines without newline, timestamps parsed away into time_ns (0: unknown).
 */
typedef void engine_log_cb(int stream, const char *line, size_t length, int64_t time_ns, void *data);
/* Follows a container's output from since_ns (0: all) until it ends (done without error), until cancelled. */
struct engine_op *engine_container_follow(struct engine *engine, const char *id, int64_t since_ns,
                                          engine_log_cb *on_line, engine_done_cb *done, void *data);

/* RFC 3339 with up to nine digits of a second and "Z" or an offset; false when it is none. */
bool engine_parse_time(const char *text, size_t length, int64_t *ns);

struct engine_op *engine_network_list(struct engine *engine, const char *const *labels, engine_done_cb *done,
                                      void *data);
struct engine_op *engine_network_create(struct engine *engine, const char *name, const cJSON *labels,
                                        engine_done_cb *done, void *data);
/* Being a member already counts as success. */
struct engine_op *engine_network_connect(struct engine *engine, const char *network_id,
                                         const char *container_id, const char *alias, engine_done_cb *done,
                                         void *data);
struct engine_op *engine_network_disconnect(struct engine *engine, const char *network_id,
                                            const char *container_id, engine_done_cb *done, void *data);
/* Gone already counts as success. */
struct engine_op *engine_network_remove(struct engine *engine, const char *id, engine_done_cb *done,
                                        void *data);

struct engine_op *engine_volume_list(struct engine *engine, const char *const *labels, engine_done_cb *done,
                                     void *data);
/* One that exists is found, with its old labels: inspect before claiming it. */
struct engine_op *engine_volume_create(struct engine *engine, const char *name, const cJSON *labels,
                                       engine_done_cb *done, void *data);
struct engine_op *engine_volume_inspect(struct engine *engine, const char *name, engine_done_cb *done,
                                        void *data);
/* Gone already counts as success. */
struct engine_op *engine_volume_remove(struct engine *engine, const char *name, engine_done_cb *done,
                                       void *data);

struct engine_op *engine_image_inspect(struct engine *engine, const char *reference, engine_done_cb *done,
                                       void *data);
/* Bytes over all layers; total 0 while unknown. `status` is the engine's own word ("Downloading", "Retrying
 * in 5 seconds"). */
typedef void engine_pull_cb(const char *status, int64_t current, int64_t total, void *data);
/* Finds credentials (config, helpers, environment) and pulls. */
struct engine_pull {
    const char *reference;
    const char *platform;        /* or NULL */
    struct limit idle;           /* gives up (ERROR_PULL) when nothing moves for so long */
    engine_pull_cb *on_progress; /* or NULL; gets the data of the call */
};
struct engine_op *engine_image_pull(struct engine *engine, const struct engine_pull *pull,
                                    engine_done_cb *done, void *data);
/* The name under which an image of the manifest is asked for: the mirror's where the environment names one
 * for Docker Hub, else as written. Create bodies need it; pull and inspect apply it by themselves. The caller
 * frees. */
char *engine_image_name(struct engine *engine, const char *reference);
/* Full reference: registry and tag filled in ("redis" → "docker.io/library/redis:latest"), the mirror prefix
 * applied. NULL with ERROR_MANIFEST when it is no valid reference. The caller frees. */
char *engine_image_normalise(struct engine *engine, const char *reference, struct error *err);

/* Runs a command in a container, collects its output (bounded), reports its exit code. */
struct engine_op *engine_exec(struct engine *engine, const char *id, const char *const *argv,
                              const char *const *environment, engine_done_cb *done, void *data);

/* The same without a limit: what it writes is handed on byte for byte as it comes, stream 1 stdout, 2 stderr;
 * result->exit_code at the end (-1: it still runs, without us). Every callback gets the data of the call, and
 * may cancel. */
typedef void engine_output_cb(int stream, const char *bytes, size_t length, void *data);
struct engine_session {
    const char *const *argv;
    const char *const *environment; /* or NULL */
    const char *user, *folder;      /* or NULL: the container's */
    bool has_input;                 /* engine_session_write() from on_open on */
    bool has_terminal;              /* stdout only */
    int rows, columns;              /* of the terminal */
    engine_output_cb *on_output;
    loop_cb *on_open;    /* it is being started; may be NULL */
    loop_cb *on_drained; /* has_input: what was written is on its way; may be NULL */
};
struct engine_op *engine_session(struct engine *engine, const char *id, const struct engine_session *session,
                                 engine_done_cb *done, void *data);
/* The bytes are copied. Returns how many wait: more than a few pieces, go on in on_drained. */
size_t engine_session_write(struct engine_op *op, const char *bytes, size_t length);
/* Nothing follows: the command reads its end of file. */
void engine_session_write_end(struct engine_op *op);
void engine_session_resize(struct engine_op *op, int rows, int columns);

/* GET /events: delivers until it ends (done with error) or is cancelled. on_open runs when the stream is
 * established: only then list. since_ns 0: from now. */
typedef void engine_event_cb(const struct engine_event *event, void *data);
struct engine_op *engine_events(struct engine *engine, int64_t since_ns, loop_cb *on_open,
                                engine_event_cb *on_event, engine_done_cb *done, void *data);

/* Is this the port that the engine complains about? */
bool engine_names_port(const struct error *err, int port);

#endif
