/* The project of one of several workers (`run --isolate N`): what sets it apart from the manifest. Pure, on
 * the model.
 *
 * It differs in what cannot be had N times: ports are chosen, servers have no data volume and no writable
 * bind mount (they begin empty), nothing is persistent. */
#ifndef PROJECT_WORKER_H
#define PROJECT_WORKER_H

#include "model/model.h"

/* The worker's slot, for what it starts: `apphost redis` in a worker talks to the worker's server. */
/* Takes out of a model what workers cannot have each. */
void worker_isolate(struct model *model);

#endif
