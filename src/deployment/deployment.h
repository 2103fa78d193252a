/* The deployment form: the application as something that other engines run, once for all of them. Writers
 * (room publish/) turn it into a target's words.
 *
 * How it comes about. deployment_lower() takes the checked model, makes a container of every process that
 * says which image it is (`publish: {image}`), leaves out what is not published, and lowers the result as
 * plan_lower() does, so that every consumer gets the same variables as locally, with addresses of the inside
 * ("cache:6379"). The plan is then read once into services, tasks, volumes and secrets. What a target cannot
 * express is a problem at its position in the manifest; what it expresses otherwise, without a loss, is a
 * note.
 *
 * Texts are the plan's: literals and secrets, nothing late. deployment_text() resolves one; whoever asks owns
 * the result, and wipes it. A server's configuration is a text with secrets and comes as a file, never as an
 * argument or a variable; so does its password, for the health check.
 *
 * Order: a service stands behind all that it needs, else in the manifest's order; equal manifests give equal
 * deployments. Ownership: a deployment owns all below it (one arena, and the plan), but borrows texts of the
 * model, which has to stay. Threads: none. Asks nobody anything, reads certificates' files only. */
#ifndef DEPLOYMENT_DEPLOYMENT_H
#define DEPLOYMENT_DEPLOYMENT_H

#include "base/error.h"
#include "base/mem.h"
#include "base/names.h"
#include "model/model.h"
#include "plan/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum deployment_target {
    DEPLOYMENT_COMPOSE,
    DEPLOYMENT_SWARM,
    DEPLOYMENT_KUBERNETES,
    DEPLOYMENT_TARGET_COUNT
};
extern const struct enum_names deployment_target_names;

/* Where files with secrets are found inside. */
#define DEPLOYMENT_SECRETS_FOLDER "/run/secrets" /* compose, Swarm */
#define DEPLOYMENT_CONF_FOLDER "/etc/apphost"    /* Kubernetes */

struct deployment_variable {
    const char *name;
    struct plan_text value;
};

/* A file inside of a service, readable for everybody in there (0444). All of them are secret. */
struct deployment_file {
    const char *name; /* unique in the deployment: "cache-conf", "cache-password" */
    const char *file; /* its name in the target's folder: "cache.conf", "cache-password" */
    const char *path; /* the whole: "/run/secrets/cache.conf" */
    struct plan_text text;
    bool is_check_only; /* the health check reads it, nobody else */
};

struct deployment_port {
    const char *name, *scheme; /* the endpoint's */
    int inside;
    int outside;         /* 0: not published */
    bool is_public;      /* `publish: {expose: true}` */
    const char *address; /* compose: published on this one; "0.0.0.0" when it is public */
    struct model_pos pos;
};

struct deployment_mount {
    const char *source; /* a volume of the deployment by its name, or an absolute path of the node */
    bool is_volume, read_only;
    const char *target;
    struct model_pos pos;
};

/* How to tell that it is ready. */
enum deployment_check_kind {
    DEPLOYMENT_CHECK_NONE,  /* running is ready */
    DEPLOYMENT_CHECK_IMAGE, /* what the image has; Kubernetes knows none */
    DEPLOYMENT_CHECK_PING,  /* a server of ours: `shell` is true when it answers PONG, `alive` when it answers
                             */
    DEPLOYMENT_CHECK_HTTP,  /* `port`, `http_path`, `http_status`; `shell` asks with what the image has */
    DEPLOYMENT_CHECK_TCP,   /* `port`; likewise */
    DEPLOYMENT_CHECK_EXEC,  /* `exec` */
    DEPLOYMENT_CHECK_KIND_COUNT
};
struct deployment_check {
    enum deployment_check_kind kind;
    const char *shell; /* a line for /bin/sh -c */
    const char *alive;
    const char **exec; /* NULL-terminated */
    int port;
    bool is_tls;
    const char *http_path;
    int http_status;                 /* 0: any 200–399 */
    int64_t interval_ms, timeout_ms; /* of one check; never 0 */
    int64_t start_ms;                /* how long it may take to get ready; failures before do not count */
    int retries;
};

struct deployment_need {
    const char *service;   /* by name */
    enum plan_until until; /* started, healthy, completed */
    bool required;
};

struct deployment_service {
    const char *name;     /* the resource's: what others reach it by */
    enum model_kind kind; /* of the resource: server, container, process */
    struct model_pos pos, image_pos;
    const char *image; /* NULL: is built, compose only */
    enum model_pull pull;
    const char *build, *platform; /* build: a folder, as the manifest has it made absolute; or NULL */
    const char *build_file;       /* or NULL */
    struct plan_text *entrypoint, *command; /* count 0: the image's */
    size_t entrypoint_count, command_count;
    struct deployment_variable *environment;
    size_t environment_count;
    struct deployment_file *files;
    size_t file_count;
    struct deployment_port *ports;
    size_t port_count;
    struct deployment_mount *mounts;
    size_t mount_count;
    const char **tmpfs;
    size_t tmpfs_count;
    const char **extra_hosts; /* "name:address" */
    size_t extra_host_count;
    struct model_pair *labels;
    size_t label_count;
    struct deployment_need *needs;
    size_t need_count;
    struct deployment_check check;
    struct plan_restart restart;
    int stop_signal;
    int64_t stop_timeout_ms;
    int64_t memory;
    const char *user, *working_dir;
    bool init;
    int replicas;          /* at least 1; with data exactly 1 */
    bool is_task;          /* runs to completion; success_codes: {0} */
    bool is_server;        /* of the Redis family */
    const char *node_of;   /* a node of this server of several; NULL: is none */
    bool is_set;           /* Kubernetes: all of its nodes, NAME-0.NAME-headless and so on */
    bool is_sidecar;       /* a tool: only when asked for */
    bool is_manual;        /* start: manual: compose has a profile for it, elsewhere it has no replicas */
    bool has_data;         /* writes to a volume or a folder: never two at once */
    bool is_exposed;       /* `publish: {expose: true}` */
    const char *placement; /* Swarm: "node.labels.x==y", or a node's host name; NULL: not said */
    struct model_pos placement_pos;
};

struct deployment_volume {
    const char *name;     /* without the project: "cache-data"; an external one's own name */
    const char *resource; /* the first that uses it */
    bool external;
    struct model_pos pos;
};

/* A value that nobody may see. */
struct deployment_secret {
    const char *name;  /* "cache-password", "parameters.token", "cache-tls-key" */
    const char *value; /* NULL: not settled yet */
    bool is_generated; /* nobody gave it: remembered or read back, else made */
    int length;
    bool special;
};

struct deployment {
    struct arena arena;
    enum deployment_target target;
    const char *project;
    const char *manifest_file, *folder;
    struct deployment_service *services; /* tasks and tools among them, in order */
    size_t service_count;
    struct deployment_volume *volumes;
    size_t volume_count;
    struct deployment_secret *secrets; /* those that a text of the deployment has; sorted by name */
    size_t secret_count;
    struct error *notes; /* what is otherwise there, at its position: one sentence each */
    size_t note_count;
    char key[65];      /* of deployment_digest(); hex, set by deployment_settle() */
    struct plan *plan; /* what it was made of */
};

struct deployment_options {
    enum deployment_target target;
    const char *project; /* its name */
    bool with_tools;     /* sidecars; compose has them always, in a profile */
};

/* NULL when there was a problem (ERROR_MANIFEST, with a position): all are appended to problems[*count],
 * which the caller frees as of plan_lower(). */
struct deployment *deployment_lower(const struct model *model, const struct deployment_options *options,
                                    struct error **problems, size_t *count);
void deployment_free(struct deployment *d);

/* ---- secrets ---- */

/* Where values are kept between two calls: get returns a borrowed text, or NULL; set keeps one. */
struct deployment_store {
    const char *(*get)(const char *name, void *data);
    int (*set)(const char *name, const char *value, void *data, struct error *err);
    void *data;
};
/* The name of the key of deployment_digest() in the store. */
#define DEPLOYMENT_KEY_NAME "key"
/* Gives a generated secret the value that was read back from the target; others keep theirs. false: there is
 * no such secret, or its value was given by the manifest and is another one. */
bool deployment_take(struct deployment *d, const char *name, const char *value);
/* Whatever the manifest says: the target's value counts. */
void deployment_put(struct deployment *d, const char *name, const char *value);
/* The key of deployment_digest() as the target has it; what is none is passed over. */
void deployment_take_key(struct deployment *d, const char *key);
/* Every secret has a value then: what was given or taken, what the store remembers, else a new one, which is
 * remembered before anybody uses it. The key likewise. */
int deployment_settle(struct deployment *d, const struct deployment_store *store, struct error *err);
const struct deployment_secret *deployment_find_secret(const struct deployment *d, const char *name);
/* After deployment_settle(). The caller wipes and frees. */
char *deployment_text(const struct deployment *d, const struct plan_text *text);
/* Keyed: tells nothing of what went in; 16 hex digits and NUL. The first one is of a text, the second of all
 * that is secret in a service: its files and its variables with secrets. */
void deployment_digest(const struct deployment *d, const char *text, char out[17]);
void deployment_secrets_digest(const struct deployment *d, const struct deployment_service *service,
                               char out[17]);
/* All that makes a service, secrets by their keyed digest: equal when nothing changed. */
void deployment_service_digest(const struct deployment *d, const struct deployment_service *service,
                               char out[17]);

/* ---- looking ---- */

const struct deployment_service *deployment_find(const struct deployment *d, const char *name);
bool deployment_has_secret(const struct deployment_service *service);

/* ---- every field of the manifest, and what becomes of it ---- */

enum deployment_fate { DEPLOYMENT_KEPT, DEPLOYMENT_CHANGED, DEPLOYMENT_REFUSED, DEPLOYMENT_FATE_COUNT };
struct deployment_field {
    const char *table, *field; /* as the manifest's tables have them: "redis", "data_volume" */
    unsigned char fate[DEPLOYMENT_TARGET_COUNT]; /* enum deployment_fate: small, there are many rows */
    const char *words;                           /* what it becomes, where it is not simply kept */
    /* Where it stands in a resource; NULL: it is not given there, or nobody can tell. */
    const struct model_pos *(*given)(const struct model_resource *resource);
};
/* Ends with a NULL table. */
const struct deployment_field *deployment_fields(void);
extern const struct enum_names deployment_fate_names;

#endif
