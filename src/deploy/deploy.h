/* Converging a Docker Swarm to a deployment, over the Engine API.
 *
 * The happy path of deploy_swarm(): what is there is read (services and tasks, by our labels), compared with
 * what is wanted by keyed hashes, the images of what changes are looked for, the user is asked, and then the
 * changes are made level by level, each level waited for: network, secrets, nodes' labels, services and jobs
 * behind all that they need. What nobody needs any more goes at the end. Nothing to do: two lists, no change.
 *
 * What is true is what the tasks say, with our hash on them; the service's own word about its update proves
 * nothing. Everything may be interrupted at every moment: the next deploy reads what is there and goes on.
 * Names of secrets hold a digest of their content, so nothing is made twice. An update that somebody else
 * overtook is read anew once; when it is another deployment's, this one gives up (ERROR_OWNER).
 *
 * Errors: ERROR_ENGINE (no swarm, not a manager), ERROR_MANIFEST (at a position: names, placement),
 * ERROR_PULL (an image is nowhere), ERROR_OWNER (not ours, another machine's), ERROR_RESOURCE (a service does
 * not get ready, with the task's words and last lines), ERROR_TIMEOUT. Until the first change nothing was
 * changed, and the text says so.
 *
 * Blocking, on the loop of an engine_once. Ownership: the caller's all; deployment and texts are borrowed. */
#ifndef DEPLOY_DEPLOY_H
#define DEPLOY_DEPLOY_H

#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "deployment/deployment.h"
#include "engine/once.h"
#include "publish/publish.h"

#include <stdbool.h>
#include <stdint.h>

enum deploy_verb {
    DEPLOY_CREATE,
    DEPLOY_UPDATE,
    DEPLOY_REPLACE, /* removed and made anew */
    DEPLOY_RUN,     /* a task runs once more */
    DEPLOY_REMOVE,
    DEPLOY_ROLL_BACK,
    DEPLOY_KEEP, /* nothing to do, but it may not be ready yet */
    DEPLOY_WAIT, /* what a service is waiting for: `why` */
    DEPLOY_READY,
    DEPLOY_FAIL,
    DEPLOY_SAY, /* a note */
    DEPLOY_VERB_COUNT
};
extern const struct enum_names deploy_verb_names;

/* One thing that happens, or would. */
struct deploy_news {
    enum deploy_verb verb;
    const char *kind; /* "service", "task", "network", "secret", "volume", "node" */
    const char *name; /* as the manifest has it, where it has it */
    const char *why;  /* half a sentence; or NULL */
    int64_t took_ms;  /* ready: since the change */
    bool is_planned;  /* it would be done */
};
typedef void deploy_news_cb(const struct deploy_news *news, void *data);

struct deploy_wish {
    int64_t wait_ms;                      /* 0: two minutes, for each level */
    bool takes_over;                      /* what another machine deployed becomes ours */
    const struct strlist *places;         /* "volume or service=node" of the command line; or NULL */
    const struct deployment_store *store; /* remembers whether a deploy came to its end */
    deploy_news_cb *tell;                 /* what is done */
    /* Asked once, before the first change and after all of them were told as planned; -1: nothing is done.
     * NULL: go on. */
    int (*confirm)(int changes, void *data, struct error *err);
    void *data;
};

/* What the project has in this swarm. Read by deploy_look(). */
struct deploy_seen {
    cJSON *services, *tasks; /* arrays, as the engine has them */
};
int deploy_look(struct engine_once *once, const char *project, struct deploy_seen *seen, struct error *err);
void deploy_seen_free(struct deploy_seen *seen);
/* A service of it, as it is. */
struct deploy_service {
    const char *name, *kind, *state;
    int running, wanted;         /* tasks */
    const char *image, *problem; /* or NULL */
};
struct deploy_services {
    struct deploy_service *items;
    size_t count;
    struct arena arena; /* of their texts */
};
void deploy_status(const struct deploy_seen *seen, struct deploy_services *services);
void deploy_services_free(struct deploy_services *services);
#define cleanup_services __attribute__((cleanup(deploy_services_free)))
/* NULL: there is none of that name. */
const struct deploy_service *deploy_service_find(const struct deploy_services *services, const char *name);
bool deploy_service_is_same(const struct deploy_service *one, const struct deploy_service *other);
/* {name, kind, state, running, wanted, image?, problem?}; the caller deletes. */
cJSON *deploy_service_json(const struct deploy_service *service);
/* 0: everything runs as wanted. Settles the deployment, once it is known that it is this machine's. */
int deploy_swarm(struct engine_once *once, struct deployment *d, const struct deploy_wish *wish,
                 struct error *err);
/* Tells what deploy_swarm() would change, and changes nothing. The number of changes, or -1. */
int deploy_swarm_diff(struct engine_once *once, struct deployment *d, const struct deploy_wish *wish,
                      struct error *err);
/* Takes away what is the project's: services, secrets, network; with_volumes: also the volumes that this
 * engine has and the nodes' labels. 0, also when nothing was there. */
int deploy_swarm_remove(struct engine_once *once, const char *project, bool with_volumes,
                        const struct deploy_wish *wish, struct error *err);
/* What the last deploy changed becomes again what it was before it. */
int deploy_swarm_roll_back(struct engine_once *once, const char *project, const struct deploy_wish *wish,
                           struct error *err);

/* ---- as files, for `docker stack deploy` ---- */

/* Has it images whose own command has to be known? Then deploy_stack() asks an engine, which has to have
 * them; else once may be NULL. */
bool deploy_stack_needs_engine(const struct deployment *d);
/* stack.yaml and the files of its secrets, of a settled deployment. */
int deploy_stack(struct engine_once *once, struct publish_files *files, const struct deployment *d,
                 struct error *err);

#endif
