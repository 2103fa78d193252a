/* Inside of the room deploy/: what a deploy works with, names and labels, bodies, changes, and the judgement
 * of tasks. See deploy.h. */
#ifndef DEPLOY_INTERNAL_H
#define DEPLOY_INTERNAL_H

#include "deploy/deploy.h"

#include "base/ours.h"
#include "base/str.h"
#include "engine/swarm.h"

#define SWARM_PROJECT LABEL_DEPLOYMENT
#define SWARM_RESOURCE LABEL_RESOURCE
#define SWARM_HASH LABEL_HASH
#define SWARM_KEY LABEL_KEY
#define SWARM_TURN LABEL_TURN /* which deploy it was: milliseconds since 1970 */

/* ---- names.c ---- */

enum { SWARM_NAME_MOST = 63 };
/* "<project>_<name>"; the caller frees. */
char *swarm_name(const char *project, const char *name);
/* Is every name that this deployment needs one that Swarm takes? ERROR_MANIFEST at the service's position. */
int swarm_check_names(const struct deployment *d, struct error *err);
/* The label that the nodes have which hold a volume; the caller frees. */
char *swarm_volume_label(const char *volume);
/* A volume's name in the engine; the caller frees. */
char *swarm_volume_name(const struct deployment *d, const char *volume);
/* {project, resource}; the caller deletes. resource may be NULL. */
cJSON *swarm_labels(const char *project, const char *resource);
/* "key=value" of the project; the caller frees. */
char *swarm_filter(const char *project);
/* Tells machines apart by their key, without telling it. */
void swarm_key_id(const char *key, char out[17]);
const char *swarm_label(const cJSON *object, const char *label); /* Spec.Labels; NULL: has it not */
const char *swarm_resource(const cJSON *object);                 /* "" */
/* The array's element with this member; NULL: none. */
const cJSON *swarm_find(const cJSON *array, const char *dotted, const char *value);
/* The project's service of this resource, or NULL. */
const cJSON *swarm_find_service(const cJSON *services, const char *resource);
int64_t swarm_version(const cJSON *object);

/* ---- secrets.c ---- */

/* One of a service, with its content. */
struct swarm_secret {
    char *name; /* in the swarm: with the digest of the content */
    char *file; /* below /run/secrets */
    char *text; /* wiped at the end */
    bool is_environment;
};
struct swarm_secrets {
    struct swarm_secret *items;
    size_t count;
};
void swarm_secrets_of(const struct deployment *d, const struct deployment_service *service,
                      struct swarm_secrets *secrets);
void swarm_secrets_free(struct swarm_secrets *secrets);
#define cleanup_swarm_secrets __attribute__((cleanup(swarm_secrets_free)))
/* A name that a shell takes: other characters become "_". The caller frees. */
char *swarm_variable(const char *name);
bool swarm_has_secret_environment(const struct deployment_service *service);

/* ---- spec.c, spec_container.c: what a service is, as JSON ---- */

/* What is known only beside the manifest; all borrowed. */
struct swarm_parts {
    const char *network;  /* id */
    const char *image;    /* with its digest, as far as that could be learnt */
    const cJSON *config;  /* of the image, where its command has to be known: {Entrypoint, Cmd} */
    const cJSON *secrets; /* of the swarm, for their ids */
    const char *turn;
    const char *digest; /* of the service: set by swarm_service_body() */
};
/* The caller deletes. */
cJSON *swarm_service_body(const struct deployment *d, const struct deployment_service *service,
                          const struct swarm_parts *parts);
cJSON *swarm_container_spec(const struct deployment *d, const struct deployment_service *service,
                            const struct swarm_parts *parts);
/* Needs the body the image's own command? */
bool swarm_needs_config(const struct deployment_service *service);
/* {{ is a template to Swarm; the caller frees. */
char *swarm_escape(const char *text);

/* ---- changes.c ---- */

struct swarm_change {
    enum deploy_verb verb;                    /* CREATE, UPDATE, REPLACE, RUN, REMOVE, KEEP */
    const struct deployment_service *service; /* NULL: remove */
    const cJSON *seen;                        /* NULL: create */
    char digest[17];
    char since[40]; /* the last that its tasks had to tell before: what failed until then is not news */
    int level;      /* behind all that it needs: 0, 1, … */
    char *image;    /* to be sent; NULL until it was looked for */
    cJSON *config;
    int64_t begun_ms; /* when it was sent; 0: was not */
    bool is_ready;
};
struct swarm_changes {
    struct swarm_change *items; /* the deployment's services in order, then what goes */
    size_t count;
    int levels;
    int changing; /* all but KEEP */
};
void swarm_changes_make(const struct deployment *d, const struct deploy_seen *seen,
                        struct swarm_changes *changes);
void swarm_changes_free(struct swarm_changes *changes);
const char *swarm_kind(const struct swarm_change *change); /* "service", "task" */
const char *swarm_change_name(const struct swarm_change *change);
/* What differs between what is there and what would be, a line each: "image: a → b". Secrets stay secret. */
void swarm_explain(const struct deployment *d, const struct swarm_change *change, struct strlist *lines);

/* ---- judge.c ---- */

enum swarm_verdict {
    SWARM_UNDER_WAY,
    SWARM_READY,
    SWARM_FAILED,      /* it will not get ready: `task` says why */
    SWARM_ROLLED_BACK, /* the swarm has gone back to what was before */
    SWARM_OVERTAKEN    /* it is somebody else's by now */
};
struct swarm_judgement {
    enum swarm_verdict verdict;
    const cJSON *task; /* the last one that failed, or that waits; borrowed from tasks; or NULL */
    int running, wanted;
};
struct swarm_judgement swarm_judge(const struct swarm_change *change, const cJSON *service,
                                   const cJSON *tasks);
/* What its tasks had to tell until now is the past. */
void swarm_note_past(struct swarm_change *change, const cJSON *tasks);
/* What a task says about its end or its waiting; "" nothing. Borrowed. */
const char *swarm_task_words(const cJSON *task);
/* Do as many tasks run as the service says, all of its own hash? */
bool swarm_is_settled(const cJSON *service, const cJSON *tasks);

/* ---- talk.c: one request, and its answer waited for ---- */

struct swarm {
    struct engine_once *once;
    const struct deployment *d; /* NULL: remove, roll back */
    const char *project;
    const struct deploy_wish *wish;
    struct deploy_seen seen;           /* at first: what the changes point into */
    struct deploy_seen now;            /* since then; empty until somebody read again */
    cJSON *secrets, *networks, *nodes; /* read when something changes; or NULL */
    char turn[24];
};
int swarm_read(struct swarm *swarm, enum engine_swarm_kind kind, bool all, cJSON **list, struct error *err);
int swarm_read_again(struct swarm *swarm, struct error *err); /* services and tasks: swarm->now */
const struct deploy_seen *swarm_current(const struct swarm *swarm);
/* Did this machine deploy what is there? By the key on the labels; key NULL: it has none. ERROR_OWNER. */
int swarm_check_key(const struct deploy_seen *seen, const char *key, struct error *err);
int swarm_pause(struct swarm *swarm, int64_t ms, struct error *err);
void swarm_tell(const struct swarm *swarm, const struct deploy_news *news);
void swarm_say(const struct swarm *swarm, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void swarm_fini(struct swarm *swarm);
/* Asks the user, where there is somebody to ask. */
int swarm_ask(const struct swarm *swarm, int changes, struct error *err);
/* A deploy is under way, or came to its end. */
int swarm_remember(const struct swarm *swarm, bool is_unfinished, struct error *err);
bool swarm_was_unfinished(const struct swarm *swarm);

/* ---- images.c, needs.c, places.c, wait.c ---- */

/* Every image of what changes: is it there, and which one is it? */
int swarm_find_images(struct swarm *swarm, struct swarm_changes *changes, struct error *err);
/* Are there nodes for what has data? Only looks. */
int swarm_check_places(struct swarm *swarm, const struct swarm_changes *changes, struct error *err);
/* Gives the nodes their labels. */
int swarm_place(struct swarm *swarm, const struct swarm_changes *changes, struct error *err);
/* Takes the label of each volume of the project from all nodes. */
int swarm_forget_places(struct swarm *swarm, const char *volume, struct error *err);
/* Is its name free, or ours? Only looks. */
int swarm_check_network(struct swarm *swarm, struct error *err);
const char *swarm_network(const struct swarm *swarm); /* its id, or NULL; borrowed */
int swarm_make_network(struct swarm *swarm, struct error *err);
int swarm_make_secrets(struct swarm *swarm, const struct swarm_change *change, struct error *err);
/* Until all of this level are ready. */
int swarm_wait(struct swarm *swarm, struct swarm_changes *changes, int level, struct error *err);
/* Secrets that no service has. */
int swarm_clean_secrets(struct swarm *swarm, struct error *err);

#endif
