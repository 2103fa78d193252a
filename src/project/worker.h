/* The project of one of several workers (`run --isolate N`, `run --matrix`): what sets it apart from the
 * manifest. Pure, on the model.
 *
 * It differs in what cannot be had N times: ports are chosen, servers have no data volume and no writable
 * bind mount (they begin empty), nothing is persistent. */
#ifndef PROJECT_WORKER_H
#define PROJECT_WORKER_H

#include "model/model.h"

/* Takes out of a model what workers cannot have each. */
void worker_isolate(struct model *model);
/* `run --matrix`: this image for every server, which is then of the image's kind, where its name tells. The
 * model borrows the text. */
void worker_use_image(struct model *model, const char *image);

#endif
