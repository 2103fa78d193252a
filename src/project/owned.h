/* Objects of the engine by our labels on them: whose they are, and what for. The labels of one are read here.
 *
 * Of a list that engine_once has: of containers, or of volumes. Texts are borrowed from it; what an object
 * does not say is "". */
#ifndef PROJECT_OWNED_H
#define PROJECT_OWNED_H

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

struct owned {
    const char *name, *state; /* state: of a container, as the engine has it */
    const char *project, *hash, *manifest;
    const char *manifest_outside;   /* of one made in a container: where the machine has its manifest */
    const char *container;          /* in which its command ran; "": in none */
    const char *owner;              /* "PID FOLDER" of the session, see owner_engine.c */
    int64_t uid;                    /* -1: not said */
    bool is_persistent, is_session; /* its lifetime, where it says one */
};
struct owned owned_of(const cJSON *object);
/* Of this user. */
bool owned_is_mine(const struct owned *owned);
/* It was made where we are: on this machine, or in this very container. Elsewhere a path means something
 * else. */
bool owned_is_from_here(const struct owned *owned);

#endif
