/* What every engine does that apphost stands on, as one run: the same for the real engine and for the fake
 * one of the orchestrator's tests, so that the fake cannot drift. Uses cmocka's assertions. */
#ifndef TESTS_ENGINE_CONTRACT_H
#define TESTS_ENGINE_CONTRACT_H

#include "engine/engine.h"

/* The image that the run uses: $APPHOST_TEST_IMAGE, or apphost-test/redis:7.0. It has a redis-server on its
 * PATH. */
const char *contract_image(void);
/* Creates, starts, lists, stops, kills and removes containers, networks and volumes named
 * apphost-contract-<pid>-…, and leaves nothing. The engine must have the image. */
void contract_run(struct loop *loop, struct engine *engine);
/* Removes what a run of this process that failed has left: everything that carries its label. */
void contract_sweep(struct loop *loop, struct engine *engine);
/* The label's value, for more containers that the sweep shall find: apphost.contract=run-<pid>. */
const char *contract_label(void);

#endif
