/* A question or two to the engine, asked directly and waited for: for commands that orchestrate nothing
 * (pull, doctor, exec, and down where no supervisor runs).
 *
 * open, start an engine_…() operation with engine_once_done and the session as data, wait, look at the
 * answer, close. */
#ifndef ENGINE_ONCE_H
#define ENGINE_ONCE_H

#include "loop/await.h"
#include "loop/loop.h"
#include "engine/engine.h"

struct engine_once {
    struct loop loop;
    struct engine *engine;
    bool done;
    struct error error;
    /* The last answer, copied: */
    cJSON *json;  /* list: [{"id","name","state","labels"}]; else the engine's document; or NULL */
    char *output; /* exec */
    int exit_code;
    char server[64], api_version[16]; /* ping */
    struct engine_where where;        /* find_where */
};

int engine_once_open(struct engine_once *once, const struct engine_address *address, char *const *environment,
                     struct error *err);
void engine_once_done(const struct engine_result *result, const struct error *err, void *data);
/* Waits until the operation is done; -1 with its error. Signals keep their default action: there is nothing
 * to undo. The limit is for operations that the engine room does not bound itself. */
int engine_once_wait(struct engine_once *once, struct error *err);
int engine_once_wait_for(struct engine_once *once, struct limit limit, struct error *err);
/* The same for whatever its engine tells: a wait of the caller's, on its loop. */
int engine_once_await(struct engine_once *once, const struct wait *wait, struct error *err);
void engine_once_close(struct engine_once *once);

#endif
