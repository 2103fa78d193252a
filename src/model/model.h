/* The typed application: what a manifest says, checked and complete, before anything is lowered to an
 * engine's terms.
 *
 * Plain data, no input or output, no YAML. Everything lives in one arena and is immutable once the manifest
 * room has filled it; pointers are valid until model_free(). Strings are NUL-terminated UTF-8. Every item
 * remembers where it stood (struct model_pos), so that later rooms can report a problem at its position.
 *
 * Two kinds of string: `const char *` is final (interpolated, no references allowed there); `struct
 * model_text` may contain references like ${cache.host} which resolve late and per consumer. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/mem.h"
#include "base/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_pos {
    const char *file;
    int line, column; /* from 1; 0: not from a file */
};

/* What follows the resource's name in a reference. MODEL_GET_PARAMETER: the resource is a parameter's name.
 */
enum model_get {
    MODEL_GET_HOST,
    MODEL_GET_PORT,
    MODEL_GET_PASSWORD,
    MODEL_GET_URI,
    MODEL_GET_CONNECTION_STRING,
    MODEL_GET_CA_FILE,
    MODEL_GET_URL,       /* of an endpoint */
    MODEL_GET_USER,      /* the name, of a reference that has one */
    MODEL_GET_NODES,     /* addresses of all nodes, with commas between them */
    MODEL_GET_SENTINELS, /* the same of those who watch them, and under which name */
    MODEL_GET_SENTINEL_NAME,
    MODEL_GET_PARAMETER,
    MODEL_GET_COUNT
};

struct model_part {
    const char *literal; /* not NULL: text as it is; else the rest is set */
    enum model_get get;
    const char *resource; /* name as declared */
    const char *endpoint; /* for ${api.http.url|host|port}; else NULL */
    const char *user;     /* whose credentials, of a server; NULL: the default user's */
    struct model_pos pos;
};

struct model_text {
    struct model_part *parts;
    size_t count; /* 0: not given, or the empty string: see given */
    bool given;
    struct model_pos pos;
};

struct model_variable {
    const char *name;
    struct model_text value;
    struct model_pos pos;
};

struct model_pair { /* labels, config directives */
    const char *name, *value;
    struct model_pos pos;
};

/* Each has a row in model/kinds.c, in manifest/table_kinds.c and in lower/lower_kind.c and lower.c. */
enum model_kind {
    MODEL_REDIS,
    MODEL_VALKEY,
    MODEL_GARNET,
    MODEL_CONNECTION_STRING,
    MODEL_PROCESS,
    MODEL_CONTAINER,
    MODEL_EXTERNAL,
    MODEL_KIND_COUNT
};

struct model_parameter {
    const char *name;
    bool secret;
    const char *value;    /* found by the manifest room: flag, environment, .env; NULL otherwise */
    const char *fallback; /* `default`, or NULL */
    bool generate;
    int generate_length; /* default 22 */
    bool generate_special;
    const char *description; /* or NULL */
    struct model_pos pos;
};

/* What a reference injects, bits. */
enum model_inject {
    MODEL_INJECT_CONNECTION_STRING = 1, /* ConnectionStrings__cache */
    MODEL_INJECT_PROPERTIES = 2,        /* CACHE_HOST, CACHE_PORT, … */
    MODEL_INJECT_SERVICES = 4,          /* services__api__http__0 */
    MODEL_INJECT_ENDPOINTS = 8,         /* API_HTTP */
    MODEL_INJECT_ALL = 15
};

struct model_reference {
    const char *resource;
    const char *as;   /* name in the injected variables; NULL: the resource's */
    const char *env;  /* one more variable that holds the URI, or NULL */
    const char *user; /* of the server: whose credentials are given; NULL: the default user's */
    struct model_pos user_pos;
    unsigned without; /* enum model_inject: what is left out */
    bool optional;
    bool wait; /* default true */
    struct model_pos pos;
};

enum model_until {
    MODEL_UNTIL_DEFAULT,
    MODEL_UNTIL_STARTED,
    MODEL_UNTIL_HEALTHY,
    MODEL_UNTIL_COMPLETED,
    MODEL_UNTIL_COUNT
};
struct model_wait {
    const char *resource;
    enum model_until until;
    struct model_pos pos;
};

struct model_endpoint {
    const char *name;
    int port;           /* process: what it listens on; container: host_port; 0: chosen */
    int target_port;    /* container: inside */
    const char *scheme; /* default "http" for an endpoint called http, https alike, else "tcp" */
    const char *env;    /* variable that gets the port, or NULL */
    struct model_pos pos;
};

enum model_ready_kind {
    MODEL_READY_DEFAULT,
    MODEL_READY_HTTP,
    MODEL_READY_TCP,
    MODEL_READY_LOG,
    MODEL_READY_EXEC,
    MODEL_READY_COUNT
};
struct model_ready {
    enum model_ready_kind kind;
    const char *http_path;
    const char *endpoint;            /* http, tcp: NULL means the first */
    int http_status;                 /* 0: any 200–399 */
    const char *log_pattern;         /* POSIX ERE, compiled once for checking */
    const char **exec;               /* NULL-terminated */
    int64_t interval_ms, timeout_ms; /* 0: defaults. timeout: bound of getting ready as a whole */
    struct model_pos pos;
};

enum model_restart_when {
    MODEL_RESTART_NEVER,
    MODEL_RESTART_ON_FAILURE,
    MODEL_RESTART_ALWAYS,
    MODEL_RESTART_COUNT
};
struct model_restart {
    enum model_restart_when when;
    int64_t backoff_ms, max_backoff_ms; /* defaults 1000, 60000 */
    int max_retries;                    /* -1: for ever */
};

struct model_stop {
    int signal;         /* default SIGTERM */
    int64_t timeout_ms; /* default 10000 */
};

struct model_mount {
    bool is_volume;
    bool read_only;
    bool external;      /* volumes: exists, never created or removed by us */
    const char *source; /* volume: name as written, NULL: "<resource>-data"; bind: absolute path */
    const char *target;
    struct model_pos pos;
};

struct model_persistence {
    bool given;
    bool off; /* `persistence: false` */
    int64_t interval_s;
    int64_t keys_changed;
    bool append_only;
    struct model_pos pos;
};

enum model_password {
    MODEL_PASSWORD_GENERATED,
    MODEL_PASSWORD_TEXT,
    MODEL_PASSWORD_PARAMETER,
    MODEL_PASSWORD_NONE
};

struct model_sidecar {
    bool on;
    const char *name;
    const char *image;
    int host_port;
    bool accept_eula;
    struct model_mount *data; /* or NULL */
    struct model_pos pos;
};

struct model_tls {
    bool on;
    const char *cert, *key, *ca; /* absolute paths; NULL: the development CA */
    struct model_pos pos;
};

/* One of a server's users besides "default". */
struct model_user {
    const char *name;
    enum model_password password_kind;
    const char *password; /* the text, or the parameter's name */
    const char *acl;      /* rules as ACL SETUSER takes them, separated by blanks */
    struct model_pos pos, acl_pos;
};

/* Several servers that are one: which of the three, and how many. */
enum model_topology_kind {
    MODEL_TOPOLOGY_NONE,
    MODEL_TOPOLOGY_REPLICATION,
    MODEL_TOPOLOGY_CLUSTER,
    MODEL_TOPOLOGY_SENTINEL,
    MODEL_TOPOLOGY_COUNT
};
struct model_topology {
    enum model_topology_kind kind;
    int shards;               /* a cluster's; else 1 */
    int replicas;             /* of each primary */
    int sentinels, quorum;    /* who watch; of how many the word is needed */
    const char *primary_name; /* what they call the primary */
    struct model_pos pos;
};

/* redis, valkey, garnet */
struct model_redis {
    int host_port;            /* 0: chosen */
    const char *bind_address; /* default 127.0.0.1 */
    enum model_password password_kind;
    const char *password; /* the text, or the parameter's name */
    struct model_pos password_pos;
    struct model_mount *data; /* data_volume or data_bind_mount, target /data; or NULL */
    struct model_persistence persistence;
    struct model_pair
        *config; /* one per configuration line: name, the rest of the line quoted as redis.conf wants */
    size_t config_count;
    struct model_tls tls;
    struct model_sidecar insight, commander;
    bool host_network;
    const char **seed; /* absolute paths */
    size_t seed_count;
    struct model_user *users;
    size_t user_count;
    struct model_topology topology;
};

enum model_stdin { MODEL_STDIN_OPEN, MODEL_STDIN_CLOSED, MODEL_STDIN_COUNT };
struct model_process {
    struct model_text *command; /* argv; for `shell` it is {"/bin/sh", "-c", text} */
    size_t command_count;
    const char *working_dir; /* absolute */
    struct model_pos working_dir_pos;
    bool task;
    int *success_exit_codes;
    size_t success_count; /* 0: {0} */
    int replicas;         /* 0: not said: one, called like the resource; else NAME-1, NAME-2, … */
    const char **watch;   /* globs, relative to working_dir */
    size_t watch_count;
    enum model_stdin standard_input;
};

struct model_container {
    struct model_text *entrypoint;
    size_t entrypoint_count;
    struct model_text *command;
    size_t command_count;
    const char *working_dir; /* or NULL */
    bool init;               /* default true */
    struct model_mount *mounts;
    size_t mount_count;
    const char **tmpfs;
    size_t tmpfs_count;
    const char *platform;
    const char **extra_hosts;
    size_t extra_host_count;
    struct model_text connection_string; /* given: consumers may reference it like a server */
};

struct model_connection_string {
    struct model_text value; /* always given: from `value`, else the environment's ConnectionStrings__NAME */
    bool missing;            /* neither is there; allowed when all references to it are optional */
    bool check;
};

enum model_lifetime { MODEL_SESSION, MODEL_PERSISTENT, MODEL_LIFETIME_COUNT };
enum model_pull { MODEL_PULL_MISSING, MODEL_PULL_ALWAYS, MODEL_PULL_NEVER, MODEL_PULL_COUNT };
struct model_external {
    struct model_text url;        /* always given */
    const char *scheme;           /* what follows is taken out of it */
    struct model_text host, port; /* port: the scheme's where it has none */
};

/* How it is published and deployed, where that is otherwise than locally. */
struct model_inner_port {
    const char *endpoint;
    int port; /* inside */
    struct model_pos pos;
};
struct model_publish {
    bool given, off;                        /* off: `publish: false` */
    const char *image, *build, *build_file; /* of a process; build: an absolute path */
    struct model_text *command;
    size_t command_count;
    struct model_inner_port *ports;
    size_t port_count;
    int replicas; /* 0: not said */
    bool expose;
    const char *placement; /* of Swarm's nodes; or NULL */
    struct model_pos pos, image_pos, build_pos, replicas_pos, placement_pos;
};

struct model_resource {
    const char *name;
    enum model_kind kind;
    struct model_pos pos;
    const char *image; /* servers, containers */
    struct model_reference *references;
    size_t reference_count;
    struct model_wait *wait_for;
    size_t wait_count;
    struct model_variable *environment; /* env_file entries first, then `environment` (later wins) */
    size_t environment_count;
    size_t env_file_count; /* how many of them come from env_file: they yield to what references inject */
    struct model_endpoint *endpoints;
    size_t endpoint_count;
    struct model_pair *labels;
    size_t label_count;
    struct model_ready ready;
    struct model_restart restart;
    struct model_stop stop;
    enum model_lifetime lifetime;
    enum model_pull pull;
    bool manual;   /* start: manual */
    bool inactive; /* none of its profiles is on: kept for messages, not lowered */
    bool optional;
    bool mask;      /* secrets are taken out of what it prints */
    int64_t memory; /* bytes; 0: none */
    const char *user;
    const char **profiles;
    size_t profile_count;
    struct model_publish publish;
    union {
        struct model_redis redis;
        struct model_connection_string connection;
        struct model_process process;
        struct model_container container;
        struct model_external external;
    };
};

struct model {
    struct arena arena;
    const char *name;          /* the project's, validated */
    const char *file;          /* canonical path of the first manifest, or folder + "/-" for standard input */
    const char *folder;        /* of the first manifest, absolute */
    const char *engine;        /* "docker", "native", or NULL: not said */
    const char *otlp_endpoint; /* or NULL */
    bool has_dashboard;        /* `up` starts the page too */
    struct model_parameter *parameters;
    size_t parameter_count;
    struct model_resource *resources; /* in the order of the file */
    size_t resource_count;
    struct model_resource **by_name; /* sorted by name, made by model_index(); NULL: look-ups are linear */
};

void model_free(struct model *model);
/* Makes look-ups by name fast; once all resources are there. */
void model_index(struct model *model);
/* Exact name, or NULL. */
struct model_resource *model_find(const struct model *model, const char *name);
struct model_parameter *model_find_parameter(const struct model *model, const char *name);
/* As a manifest has them. */
extern const struct enum_names model_topology_names, model_until_names, model_restart_names,
    model_stdin_names, model_lifetime_names, model_pull_names;

/* ---- kinds: what is so of all resources of a kind ---- */

#define MODEL_REDIS_IMAGE "docker.io/library/redis:8.6"
#define MODEL_VALKEY_IMAGE "docker.io/valkey/valkey:9.1"
#define MODEL_GARNET_IMAGE "ghcr.io/microsoft/garnet:1.0"

struct model_kind_info {
    const char *name;          /* as `type` has it: "redis", "connection-string", … */
    const char *default_image; /* servers */
    bool is_server;            /* of the Redis family, started and configured by us */
    bool is_elsewhere;         /* it exists already: nothing is started */
    bool has_endpoints;        /* its addresses are its endpoints'; else it has one of its own */
    bool has_string;           /* all of them have a connection string */
    bool may_have_string;      /* some of them do */
};
/* Never NULL: what is no kind has no property, and the name "unknown". */
const struct model_kind_info *model_kind_info(enum model_kind kind);
const char *model_kind_name(enum model_kind kind);
/* MODEL_KIND_COUNT: there is none of that name. */
enum model_kind model_find_kind(const char *name);
bool model_is_server(enum model_kind kind);
bool model_has_endpoints(enum model_kind kind);
/* How many instances it has that are called NAME-1, NAME-2, …; 0: it is one, called like the resource. */
int model_replica_count(const struct model_resource *resource);
/* The topology of a server; NULL: it is a single one, or no server. */
const struct model_topology *model_topology(const struct model_resource *resource);
/* How many of its nodes hold data; they come first. */
int model_data_nodes(const struct model_topology *topology);
/* The name of a resource's nth replica, from 1. The caller frees. */
char *model_replica_name(const struct model_resource *resource, int replica);
/* A process that runs to completion. */
bool model_is_task(const struct model_resource *resource);
/* Has it a connection string? */
bool model_has_string(const struct model_resource *resource);
/* What its address is made of, when that is a text which may refer to others; else NULL. */
const struct model_text *model_made_of(const struct model_resource *resource);
/* A connection string for which nobody gave a value. */
bool model_is_missing(const struct model_resource *resource);
/* One of a server's users, or NULL. */
const struct model_user *model_find_user(const struct model_resource *server, const char *name);
/* A literal text in the arena. */
struct model_text model_literal(struct arena *arena, const char *text);

#endif
