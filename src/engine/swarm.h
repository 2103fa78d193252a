/* The swarm that an engine manages: services, tasks, secrets, networks, nodes. Part of the room's front door.
 *
 * Bodies are the caller's: what a service is made of is not this room's business. Everything that changes a
 * service or a node names the version that it read ("Version.Index"); a stale one is ERROR_CONFLICT with
 * DETAIL_OUT_OF_SEQUENCE. An engine that manages no swarm answers ERROR_ENGINE with DETAIL_NO_SWARM. The
 * promise is that of engine.h; result->id is what was made, result->json the engine's document.
 *
 * Facts (bodies, statuses, texts) were measured on Engine 20.10, API 1.41. */
#ifndef ENGINE_SWARM_H
#define ENGINE_SWARM_H

#include "engine/engine.h"

enum engine_swarm_kind {
    ENGINE_SERVICES, /* with how many tasks run */
    ENGINE_TASKS,    /* labels are those of their services */
    ENGINE_SECRETS,
    ENGINE_OVERLAYS, /* networks of the whole swarm */
    ENGINE_NODES,    /* have no filter here */
    ENGINE_SWARM_KIND_COUNT
};

/* GET /info: "Swarm" of it says what this engine is there. */
struct engine_op *engine_info(struct engine *engine, engine_done_cb *done, void *data);

/* result->json is the array. label: "key=value"; NULL: all. */
struct engine_op *engine_swarm_list(struct engine *engine, enum engine_swarm_kind kind, const char *label,
                                    engine_done_cb *done, void *data);

/* The image's registry is asked with our credentials, and the nodes get them to pull with. */
struct engine_op *engine_service_create(struct engine *engine, const char *image, const cJSON *body,
                                        engine_done_cb *done, void *data);
struct engine_update {
    const char *id, *name; /* name: for people */
    int64_t version;
    const char *image; /* for its credentials; NULL: none are needed */
    const cJSON *body; /* the whole specification */
    bool to_previous;  /* the one that it had before, whatever the body says */
};
struct engine_op *engine_service_update(struct engine *engine, const struct engine_update *update,
                                        engine_done_cb *done, void *data);
struct engine_op *engine_service_remove(struct engine *engine, const char *id, engine_done_cb *done,
                                        void *data);
/* The last lines of a task that runs or has ended, as result->output. */
struct engine_op *engine_task_tail(struct engine *engine, const char *id, int tail, engine_done_cb *done,
                                   void *data);
/* What all its tasks print, from since_ns on; is_followed: until cancelled. */
struct engine_service_output {
    const char *id, *name;
    int tail; /* that many lines of before; < 0: all */
    int64_t since_ns;
    bool is_followed;
    engine_log_cb *on_line;
};
struct engine_op *engine_service_logs(struct engine *engine, const struct engine_service_output *output,
                                      engine_done_cb *done, void *data);

struct engine_op *engine_secret_create(struct engine *engine, const char *name, const cJSON *labels,
                                       const char *value, engine_done_cb *done, void *data);
struct engine_op *engine_secret_remove(struct engine *engine, const char *id, engine_done_cb *done,
                                       void *data);
struct engine_op *engine_overlay_create(struct engine *engine, const char *name, const cJSON *labels,
                                        engine_done_cb *done, void *data);
/* body: the whole specification of the node. */
struct engine_op *engine_node_update(struct engine *engine, const char *id, int64_t version,
                                     const cJSON *body, engine_done_cb *done, void *data);

/* Asks the registry, through the engine, which image a reference means now: result->id is "sha256:…". A
 * registry that cannot be reached, or has none of that name, is ERROR_PULL. */
struct engine_op *engine_image_digest(struct engine *engine, const char *reference, engine_done_cb *done,
                                      void *data);

#endif
