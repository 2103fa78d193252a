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

#endif
