/* The plan: the application lowered to nodes and edges that an orchestrator can converge to, self-contained
 * and serialisable. A command builds it from the model (plan_lower) and sends it as canonical JSON
 * (plan_to_json) to the project's supervisor, which reads it back (plan_from_json) and needs neither the
 * manifest nor the client's files.
 *
 * Late values. A string of a plan is a list of parts: literal text, a port that is known only once its node
 * runs, a secret that only the supervisor holds, or a host that is found out once the engine answers: the one
 * at which its published ports are reached, or the gateway of the project's network. Everything else is
 * settled by the lowering: what containers use is the alias, and a remote engine's host is known. In a
 * specification (and so in its hash) the late host stands as 127.0.0.1: where we are is no part of what a
 * node is made of.
 *
 * Hashes. `spec_hash` covers what a node is made of (arguments, configuration, unresolved late values),
 * leaves generated secrets' values and network membership out. The digest of the resolved values is the
 * orchestrator's (it knows them).
 *
 * Ownership: a plan owns everything below it (one arena); immutable after construction. Threads: none. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdint.h>

enum plan_part_kind { PLAN_LITERAL, PLAN_PORT, PLAN_SECRET, PLAN_HOST, PLAN_PART_KIND_COUNT };
/* How a secret is written into its place. Literals are already in the right form. */
enum plan_filter {
    PLAN_FILTER_NONE,
    PLAN_FILTER_URI,        /* RFC 3986 percent-encoding */
    PLAN_FILTER_REDIS_CONF, /* a quoted argument of redis.conf */
    PLAN_FILTER_JSON,       /* inside a JSON string, without the quotes */
    PLAN_FILTER_BASE64,
    PLAN_FILTER_COUNT
};
/* Stands for a late host in specifications, and where it cannot be asked for. */
#define PLAN_LIKELY_HOST "127.0.0.1"
/* Late hosts: where published ports are reached, and the gateway of the project's network, at which the host
 * and containers alike reach what is published there. */
#define PLAN_HOST_PUBLISHED "published"
#define PLAN_HOST_GATEWAY "gateway"
/* How a container reaches the processes of this machine. */
#define PLAN_PROCESS_HOST "host.docker.internal"
struct plan_part {
    enum plan_part_kind kind;
    const char *text;     /* literal: the text; port: the node's id; secret: its name; host: which */
    const char *endpoint; /* port: the endpoint's name ("tcp" for servers) */
    enum plan_filter filter;
};
struct plan_text {
    struct plan_part *parts;
    size_t count;
};
struct plan_variable {
    const char *name;
    struct plan_text value;
};

enum plan_node_kind {
    PLAN_IMAGE,
    PLAN_NETWORK,
    PLAN_VOLUME,
    PLAN_CONTAINER,
    PLAN_PROCESS,
    PLAN_VALUE, /* a connection string: nothing runs; with a probe when `check` is on */
    PLAN_NODE_KIND_COUNT
};

enum plan_until { PLAN_STARTED, PLAN_HEALTHY, PLAN_COMPLETED, PLAN_GONE, PLAN_UNTIL_COUNT };
struct plan_edge {
    const char *to;        /* node id */
    enum plan_until until; /* images, networks, volumes: PLAN_STARTED means that it exists */
    bool required;         /* false: a failure of `to` satisfies the edge too */
    bool explicit_wait;    /* from wait_for: shown as such */
};

enum plan_probe_kind {
    PLAN_PROBE_NONE,
    PLAN_PROBE_PING,
    PLAN_PROBE_HTTP,
    PLAN_PROBE_TCP,
    PLAN_PROBE_LOG,
    PLAN_PROBE_EXEC,
    PLAN_PROBE_IMAGE_HEALTH,
    PLAN_PROBE_KIND_COUNT
};
struct plan_probe {
    enum plan_probe_kind kind;
    const char *endpoint; /* ping, http, tcp: which endpoint of the node */
    const char *http_path;
    int http_status; /* 0: any 200–399 */
    const char *log_pattern;
    const char **exec;         /* NULL-terminated */
    struct plan_text password; /* ping: AUTH with it when it has parts */
    bool tls;
    const char *ca_file;             /* tls: host path */
    const char *tls_name;            /* tls: name to verify */
    int64_t interval_ms, timeout_ms; /* 0: defaults */
};

struct plan_port {
    const char *endpoint;     /* name */
    const char *scheme;       /* "redis", "rediss", "http", "tcp", … */
    int target_port;          /* container: inside; 0: the same as outside, as with a process */
    int fixed_port;           /* given: never moved; 0: chosen */
    int preferred_port;       /* when chosen: first candidate, the next ones after it */
    const char *bind_address; /* container: published address; process: what we probe for being free */
    const char *host;         /* where a host process reaches it; NULL: late, the published host */
    bool at_gateway;          /* … or the gateway of the project's network, and published there as well when
                               * no bind_address is given; inside it has the same number */
    struct model_pos pos;     /* of the port in the manifest, for conflicts; file NULL when unknown */
};

struct plan_mount {
    bool is_volume, read_only, external;
    const char *source; /* volume: the engine's volume name; bind: absolute path */
    const char *target;
};

/* A user that the server has besides "default". */
struct plan_user {
    const char *name;
    struct plan_text password; /* without parts: none */
    const char *acl;           /* rules, separated by blanks */
    struct model_pos pos;      /* of the rules */
};

struct plan_restart {
    enum model_restart_when when;
    int64_t backoff_ms, max_backoff_ms;
    int max_retries;
};

/* Of what it is a node: as the model has it. */
struct plan_topology {
    enum model_topology_kind kind;
    int shards, replicas, sentinels, quorum;
    const char *primary_name;
};

/* A container's or a process' specification. Fields of the other kind are zero. */
struct plan_run {
    const char *engine_name; /* container: its name; process: unused */
    const char *image, *platform;
    int pull; /* model's pull values */
    struct plan_text *entrypoint;
    size_t entrypoint_count;
    struct plan_text *command;
    size_t command_count; /* process: argv */
    struct plan_variable *environment;
    size_t environment_count; /* container: all; process: on top of the inherited one */
    struct plan_port *ports;
    size_t port_count;
    struct plan_mount *mounts;
    size_t mount_count;
    const char **tmpfs;
    size_t tmpfs_count;
    const char **extra_hosts;
    size_t extra_host_count;
    struct model_pair *labels;
    size_t label_count; /* the user's; ours are added by the orchestrator */
    const char *working_dir, *user;
    bool init, host_network;
    bool on_network; /* joins the project's network under `alias` (a goal row, not part of the hash) */
    const char *alias;
    int64_t memory;
    struct plan_text input; /* process: what it reads on standard input; else as `input_end` says */
    enum plan_input_end {
        PLAN_INPUT_DEFAULT,
        PLAN_INPUT_OPEN,
        PLAN_INPUT_CLOSED,
        PLAN_INPUT_END_COUNT
    } input_end;
    bool ephemeral;  /* holds no data: stop is kill and remove */
    bool persistent; /* lifetime */
    bool task;
    int *success_codes;
    size_t success_count;
    int stop_signal;
    int64_t stop_timeout_ms;
    const char *save_command; /* servers that save nothing when they are stopped: what makes them, or NULL */
    struct plan_restart restart;
    struct plan_probe ready;
    const char **seed; /* servers: files of commands that fill an empty one, paths of this machine */
    size_t seed_count;
    const char **watch;
    size_t watch_count; /* process: globs below working_dir; a change of what they match restarts it */
    bool mask;          /* secrets are taken out of its output */
    struct plan_user *users;
    size_t user_count;      /* servers: made and changed while it runs, so no part of the specification */
    const char *replica_of; /* one of a resource's replicas: the resource's name; `resource` is its own */
    struct plan_topology topology; /* servers: formed while they run, so no part of the specification */
};

struct plan_node {
    const char *
        id; /* "container:cache", "volume:shop-1a2b3c4d-cache-data", "image:docker.io/library/redis:8.6", … */
    enum plan_node_kind kind;
    const char *resource; /* user's resource, or a replica's name; NULL for images and the network */
    const char *name; /* engine name (network, volume), image reference, or the resource's name for display */
    bool external;    /* volume: never created or removed by us */
    bool addressed;   /* network: its gateway is part of late values */
    const char *folder;    /* volume of the native engine: a folder of this machine, made and removed by us */
    const char *linked;    /* folder: holds links to the files of this one, which nobody may write to */
    bool manual;           /* start: manual: wanted only when named */
    bool sidecar;          /* does not hold up `up` */
    bool is_default;       /* part of what `run` without names starts: servers and what they need */
    const char *spec_hash; /* 16 hex digits */
    struct plan_edge *edges;
    size_t edge_count;
    struct plan_run run;     /* container, process */
    struct plan_text value;  /* PLAN_VALUE: the connection string from the host */
    struct plan_probe check; /* PLAN_VALUE */
    struct model_pos pos;
};

/* What a user sees: one record a resource of the manifest, in its order. */
struct plan_resource {
    const char *name;
    enum model_kind kind;
    const char *node;         /* id of its main node; with replicas the first one's */
    struct plan_text display; /* URL or connection string; secrets masked when shown; may be empty */
    struct plan_variable *exports;
    size_t export_count; /* what a host process gets that references it */
    bool optional, manual, persistent;
    struct model_pos pos;
};

struct plan_secret {
    const char *name;  /* parameter, or "<resource>-password" */
    const char *value; /* given by the client; NULL: remembered, else generated */
    bool generated;    /* may be generated: length and special say how */
    int length;
    bool special;
    bool secret;        /* false: a plain parameter: shown unmasked */
    const char *issued; /* a certificate of "<resource>-tls-cert", or its key, that has to name the gateway of
                         * the project's network: made once that is known. The folder of the authority, and
                         * the name of the pair in it; NULL: it is given */
};

struct plan {
    struct arena arena;
    const char *project;      /* name */
    const char *project_hash; /* 8 hex digits */
    const char *prefix;       /* "<project>-<hash8>": engine names start with it */
    const char *manifest_file, *folder;
    const char *engine_kind; /* "docker", "native" */
    const char *otlp_endpoint;
    char **environment; /* the client's, NULL-terminated "K=V": what processes inherit */
    struct plan_node *nodes;
    size_t node_count;
    struct plan_resource *resources;
    size_t resource_count;
    struct plan_resource *replicas; /* one record each, found by name like a resource */
    size_t replica_count;
    struct plan_secret *secrets;
    size_t secret_count;
    struct plan_index *index; /* of nodes and resources by name; internal */
    struct error *warnings;
    size_t warning_count; /* of the lowering, at positions; not serialised; freed with the plan */
};

/* What lowering needs to know besides the model. */
/* Where the nodes of a topology are reached. */
enum plan_nodes {
    PLAN_NODES_PUBLISHED, /* at ports of theirs, alike from everywhere; formed by us */
    PLAN_NODES_BY_NAME,   /* each by its name ("cache-1"), on a network where nobody of ours is */
    PLAN_NODES_OF_SET     /* likewise, counted as Kubernetes does ("cache-0.cache-headless") */
};

struct plan_context {
    const char *project, *project_hash; /* identity; see room state/ */
    const char *engine_kind;            /* \"docker\" or \"native\"; NULL: what the model says, else docker */
    const char *published_host;         /* where published ports are reached; NULL: late */
    bool remote_engine;                 /* bind mounts, host network refused */
    const char *state_folder; /* of the project: data of the native engine lives below; NULL with docker */
    char **environment;       /* client's; borrowed */
    int uid, gid;             /* of the caller, for bind mounts */
    const char *certs_folder; /* of the user's development authority (room certs); NULL: TLS is refused */
    bool is_draft;            /* is read, not run: borrows from the model, its nodes have no hashes */
    enum plan_nodes nodes;
};

/* A plan without nodes: what `down` sends. */
struct plan *plan_empty(const struct plan_context *context);
void plan_free(struct plan *plan);

/* For the lowering. An empty plan with the project's names, without an index yet. */
struct plan *plan_new(const struct plan_context *context);
/* Builds plan->index; called when nodes and resources are complete. */
void plan_build_index(struct plan *plan);
/* Sets node->spec_hash; every field of the specification is final then. */
void plan_hash_node(struct plan *plan, struct plan_node *node);

/* Canonical JSON; the caller deletes. with_secrets false: values of secrets and the client's environment are
 * left out (what `config` prints). */
cJSON *plan_to_json(const struct plan *plan, bool with_secrets);
struct plan *plan_from_json(const cJSON *json, struct error *err);

/* Gives a secret its value (copied): certificates, which are made or read only when the plan is going to be
 * used. */
void plan_give_secret(struct plan *plan, const char *name, const char *value);

struct plan_node *plan_find(const struct plan *plan, const char *id);
/* By the name of a resource, or of one of its replicas. */
struct plan_resource *plan_find_resource(const struct plan *plan, const char *name);
/* The main nodes of a resource: one, or its replicas in order. NULL behind the last. */
struct plan_node *plan_node_of(const struct plan *plan, const struct plan_resource *resource, size_t index);
/* What a container needs of the engine's objects, which no edge names: its image, the network, its volumes.
 * name NULL: whichever there is. The one place that knows; called for each. */
typedef void plan_object_cb(enum plan_node_kind kind, const char *name, void *data);
void plan_each_object(const struct plan_run *run, plan_object_cb *take, void *data);
/* Is what ends by itself (a task, waited for until it is completed) among what the node needs? */
bool plan_needs_task(const struct plan *plan, const struct plan_node *node);
/* Marks the node and all that it needs, directly and over others; marks has one flag a node of the plan, and
 * what is marked already is not entered again. The one place that knows who needs whom. */
void plan_closure(const struct plan *plan, const struct plan_node *node, bool *marks);
const struct plan_secret *plan_find_secret(const struct plan *plan, const char *name);
const char *plan_node_kind_name(enum plan_node_kind kind);
/* Does it stand for a resource, or is it what one needs? */
bool plan_is_main(const struct plan_node *node);
/* What tells that it is ready. */
const struct plan_probe *plan_node_probe(const struct plan_node *node);
const char *plan_until_name(enum plan_until until);

/* Resolves late values through callbacks: port returns 0 and secret returns NULL when it is not known (yet);
 * both borrow out. plan_resolve returns the text (the caller frees, wiping is up to him) or NULL with
 * *missing set to a borrowed description of what was not known. */
struct plan_lookup {
    int (*port)(const char *node, const char *endpoint, void *data);
    const char *(*secret)(const char *name, void *data);
    void *data;
    const char *(*host)(void *data);    /* NULL: not known yet; no function: PLAN_LIKELY_HOST */
    const char *(*gateway)(void *data); /* the same; no function: "gateway" */
};
char *plan_resolve(const struct plan_text *text, const struct plan_lookup *lookup, const char **missing);
/* Like plan_resolve, with every secret shown as "***" and unknown ports as "?". Never NULL; the caller frees.
 */
char *plan_mask(const struct plan_text *text, const struct plan_lookup *lookup);
/* A text as people may see it: secrets masked, control characters visible, ports that are not settled as what
 * is tried first. The caller frees. */
char *plan_shown_text(const struct plan *plan, const struct plan_text *text);
/* What a container or process is made of, as people may see it: a line for whatever is set, by the rows of
 * records.c. label NULL: the text says what it is. */
void plan_tell(const struct plan *plan, const struct plan_run *run,
               void (*line)(const char *label, const char *text, void *data), void *data);
/* Does the text contain a secret part? */
bool plan_has_secret(const struct plan_text *text);

/* The specification of a node as canonical JSON: what spec_hash was made of, kept beside running objects so
 * that plan_explain() can name what changed. The caller deletes. */
cJSON *plan_node_spec(const struct plan_node *node);
/* Human words for the first differences between two specifications ("image: redis:7.4 → redis:8.6"), secrets
 * never shown. The caller frees; never NULL. */
char *plan_explain(const cJSON *old_spec, const cJSON *new_spec);

#endif
