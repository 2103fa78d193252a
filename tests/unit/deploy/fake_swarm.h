/* A swarm of one process: an http_transport that keeps services, tasks, secrets, networks and nodes, gives
 * tasks their course, and can be made to die at any request, before or after it had its effect. It outlives
 * the deployers that talk to it. */
#ifndef TESTS_DEPLOY_FAKE_SWARM_H
#define TESTS_DEPLOY_FAKE_SWARM_H

#include "base/json.h"
#include "base/str.h"
#include "http/http.h"

struct fake_swarm {
    cJSON *services, *tasks, *secrets, *networks, *nodes, *volumes; /* arrays, as the engine has them */
    struct strlist images;                                          /* that registry or engine have */
    int index;                                                      /* of versions and ids */
    int requests;                                                   /* of the deployer that is here now */
    int changes;     /* requests that changed something, ever */
    int dies_at;     /* this request of it, and all after it, are not answered; 0: none */
    bool dies_after; /* that one has its effect */
    int no_swarm;    /* status of every answer about a swarm, or 0 */
    void (*meanwhile)(struct fake_swarm *fake); /* somebody else, before a service is updated; once */
    struct strlist asked;                       /* "POST /services/create" */
};

void fake_init(struct fake_swarm *fake);
void fake_fini(struct fake_swarm *fake);
/* A deployer comes: counting starts anew. */
struct http_transport *fake_open(struct fake_swarm *fake, struct loop *loop);
/* A service whose image is called so fails in every task. */
#define FAKE_BROKEN "registry.example/broken:1"
/* One that no node takes. */
#define FAKE_PENDING "registry.example/pending:1"
const cJSON *fake_service(const struct fake_swarm *fake, const char *name);
void fake_add_node(struct fake_swarm *fake, const char *id, const char *name);

#endif
