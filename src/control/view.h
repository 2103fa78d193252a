/* What crosses the control socket, as both ends have it: views, transitions, and what became of a down.
 *
 * The structures are what commands and supervisor work with; the tables in view.c are how they are written.
 * States, kinds and the like are enums here and words only there. A document keeps its JSON, because `-o
 * json` prints it as it came.
 *
 * Ownership: a document that was read owns everything that its structures point to; release with the matching
 * free. Of one that is to be written, the structures borrow what they point to, or have it in the arena. */
#ifndef CONTROL_VIEW_H
#define CONTROL_VIEW_H

#include "record/record.h"

enum view_state {
    VIEW_NO_STATE,
    VIEW_WAITING,
    VIEW_PULLING,
    VIEW_CREATING,
    VIEW_STARTING,
    VIEW_RUNNING, /* started, not ready */
    VIEW_READY,
    VIEW_COMPLETED,
    VIEW_FAILED,
    VIEW_RESTARTING, /* between two tries */
    VIEW_STOPPING,
    VIEW_STOPPED, /* it exists, and is not wanted */
    VIEW_REMOVED,
    VIEW_MANUAL,
    VIEW_ENGINE_LOST,
    VIEW_STATE_COUNT
};

/* Of nodes; a resource's kind is a word, because what is called so is told only to people. */
enum view_kind {
    VIEW_NO_KIND,
    VIEW_ENGINE,
    VIEW_IMAGE,
    VIEW_NETWORK,
    VIEW_VOLUME,
    VIEW_CONTAINER,
    VIEW_PROCESS,
    VIEW_VALUE,
    VIEW_PULL, /* `pull`'s own */
    VIEW_KIND_COUNT
};

enum view_health { HEALTH_UNKNOWN, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_COUNT };
enum view_lifetime { LIFETIME_UNKNOWN, LIFETIME_SESSION, LIFETIME_PERSISTENT, LIFETIME_COUNT };

/* An error as it is told. */
struct view_error {
    const char *code, *message, *resource, *hint;
    const char *file; /* where in the manifest; NULL: nowhere */
    int64_t line, column;
};
RECORD_OF(view_error_record, struct view_error);
/* Its texts lie in the arena. */
struct view_error view_error_of(const struct error *error, struct arena *arena);

struct view_port {
    const char *endpoint, *scheme, *host;
    int64_t port, target_port;
    const cJSON *json;
};

/* A role: on no network, until it is healed. */
#define ROLE_CUT_OFF "cut off"

struct view_timing {
    const char *goal;
    int64_t ms;
};
struct view_timings {
    struct view_timing *items;
    size_t count;
};

/* A resource, or one of the others: networks, volumes, images. In a report of a failure with what is known of
 * it, in one of a dry run with the decision alone. */
struct view_resource {
    const char *name, *replica_of, *kind;
    const char *node; /* id */
    enum view_kind node_kind;
    enum view_state state;
    const char *goal, *detail;
    int64_t goal_at; /* since when it works on that */
    enum view_health health;
    const char *topology, *role; /* of a node of one: "cluster"; "primary", "replica of cache-1" */
    bool is_wanted, is_task;
    enum view_lifetime lifetime;
    const char *display; /* where it is reached, secrets masked */
    struct view_port *ports;
    size_t port_count;
    const char *host;
    int64_t port, pid;
    const char *container_id, *container_name, *image;
    struct record_maybe exit_code;
    int64_t restarts, started_at, ready_at; /* times: milliseconds since 1970 */
    struct view_timings timings;
    const char *decision, *explain;
    struct view_error error;

    /* of a failure */
    bool is_blocked;
    bool is_told,
        is_attempt_told;     /* the error of the whole says why; some error has its last attempt in it */
    const char *consequence; /* what a failure that is told came to: "api was not started" */
    const char *last_probe, *last_lines;
    int64_t signal;
    bool is_out_of_memory;

    const cJSON *json;
};

/* Something that went, or stayed on purpose. */
struct view_object {
    const char *kind, *name;
    const char *resource; /* the user's name; NULL: it has none */
};

struct view_report {
    struct view_resource *resources;
    size_t resource_count;
    const cJSON *json; /* NULL: there is none */
};
cJSON *view_report_to_json(const struct view_report *report);

struct view_published {
    const char *host, *how;
};
RECORD_OF(view_published_record, struct view_published);
struct view_engine {
    bool is_connected;
    enum view_state state;
    struct view_published published;
    struct view_error error;
};

struct view {
    const char *project, *hash, *session, *manifest;
    int64_t rev; /* as of which: see watch.h */
    struct view_engine engine;
    struct view_resource *resources, *others;
    size_t resource_count, other_count;
    struct view_report report;

    cJSON *json; /* what it was read from, or NULL */
    struct arena arena;
};

/* Takes the document. NULL, with ERROR_PROTOCOL, when it is no view. */
struct view *view_read(cJSON *json, struct error *err);
void view_free(struct view *view);
void view_free_ptr(struct view **view);
#define cleanup_view __attribute__((cleanup(view_free_ptr)))

cJSON *view_to_json(const struct view *view);
cJSON *view_resource_to_json(const struct view_resource *resource);
cJSON *view_engine_to_json(const struct view_engine *engine);
cJSON *view_object_to_json(const struct view_object *object);
cJSON *view_objects_to_json(const struct view_object *objects, size_t count);

/* What became of a down. */
struct view_down {
    bool has_left; /* others hold the session: nothing was done */
    struct view_object *removed, *kept;
    size_t removed_count, kept_count;

    cJSON *json;
    struct arena arena;
};
struct view_down *view_down_read(cJSON *json, struct error *err);
/* Of a report, which stays as it is; NULL, or what is no such report: nothing went. */
struct view_down *view_down_copy(const cJSON *report);
cJSON *view_down_to_json(const struct view_down *down);
void view_down_free_ptr(struct view_down **down);
#define cleanup_view_down __attribute__((cleanup(view_down_free_ptr)))

enum view_news {
    NEWS_NONE,
    NEWS_TRANSITION,
    NEWS_LOST,
    NEWS_DONE,
    NEWS_VIEW,
    NEWS_CHANGES,
    NEWS_MOMENTS,
    NEWS_GOAL,
    NEWS_REQUEST,
    NEWS_COUNT
};

/* A change of a node's state; or that some could not be told, when the type says so. */
struct transition {
    int64_t id; /* the request's */
    enum view_news type;
    int64_t rev; /* counts transitions and changes: see watch.h */
    int64_t time_ms;
    const char *resource, *replica_of, *node;
    enum view_kind kind;
    enum view_state state;
    const char *goal, *detail;
    int64_t elapsed_ms;                 /* since the node was first asked for */
    struct record_maybe current, total; /* bytes while pulling */
    struct view_error error;
    const struct error *cause; /* for writing; NULL: none */

    const cJSON *json; /* what it was read from, or NULL */
};
/* Strings lie in the arena; borrows the JSON. -1: it is none, and nothing is to be done about it. */
int transition_read(const cJSON *json, struct arena *arena, struct transition *transition);
cJSON *transition_to_json(const struct transition *transition);

/* The words; VIEW_NO_STATE and such are "". */
const char *view_state_name(enum view_state state);
enum view_state view_state_by_name(const char *name);
const char *view_kind_name(enum view_kind kind);
enum view_kind view_kind_by_name(const char *name);
/* From a node's id: "container:cache". */
enum view_kind view_kind_of_node(const char *id);

#endif
