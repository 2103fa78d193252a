/* A loop and an engine for a test, and their end: uv_loop_close() must find nothing. */
#ifndef TESTS_ENGINE_WORLD_H
#define TESTS_ENGINE_WORLD_H

#include "await.h"

struct world {
    struct loop loop;
    struct engine *engine;
    bool closed;
};
/* The engine of this machine; false (and why, printed) when there is none or it lacks the image. */
bool world_open_real(struct world *world, const char *image);
/* Over a transport, on a virtual loop. */
void world_open_over(struct world *world, struct http_transport *(*make)(struct loop *),
                     char *const *environment);
void world_close(struct world *world);

#endif
