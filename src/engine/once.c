/* Blocking questions to the engine. See once.h. */
#include "engine/once.h"
#include "loop/await.h"

#include "base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_MS = 120000, CLOSE_MS = 5000 };

int engine_once_open(struct engine_once *once, const struct engine_address *address, char *const *environment,
                     struct error *err)
{
    *once = (struct engine_once){.exit_code = -1};
    signal(SIGPIPE, SIG_IGN);
    if (loop_init(&once->loop, err))
        return -1;
    once->engine = engine_open(&once->loop, address, environment, err);
    if (once->engine)
        return 0;
    loop_fini(&once->loop);
    return -1;
}

static cJSON *copy_list(const struct engine_result *result)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < result->container_count; i++) {
        const struct engine_container *container = &result->containers[i];
        cJSON *object = cJSON_CreateObject();
        json_add_string(object, "id", container->id);
        json_add_string(object, "name", container->name);
        json_add_string(object, "state", container->state);
        if (container->labels)
            cJSON_AddItemToObject(object, "labels", cJSON_Duplicate(container->labels, 1));
        cJSON_AddItemToArray(list, object);
    }
    return list;
}

void engine_once_done(const struct engine_result *result, const struct error *err, void *data)
{
    struct engine_once *once = data;
    once->done = true;
    error_clear(&once->error);
    if (err && error_is_set(err)) {
        error_copy(&once->error, err);
        return;
    }

    cJSON_Delete(once->json);
    free(once->output);
    once->json = NULL;
    if (result->containers)
        once->json = copy_list(result);
    else if (result->json)
        once->json = cJSON_Duplicate(result->json, 1);
    if (!once->json && result->container && result->container->raw)
        once->json = cJSON_Duplicate(result->container->raw, 1);
    once->output = xstrdup_null(result->output);
    once->exit_code = result->exit_code;
    if (result->where)
        once->where = *result->where;

    if (result->info) {
        snprintf(once->server, sizeof once->server, "%s", result->info->server);
        snprintf(once->api_version, sizeof once->api_version, "%s", result->info->api_version);
    }
}

int engine_once_await(struct engine_once *once, const struct wait *wait, struct error *err)
{
    return loop_await(&once->loop, wait, NULL, err);
}

int engine_once_wait_for(struct engine_once *once, struct limit limit, struct error *err)
{
    struct wait wait = {.fact = &once->done, .what = "the engine's answer", .limit = limit};
    int failed = engine_once_await(once, &wait, err);
    once->done = false;
    if (failed && err && err->code == ERROR_TIMEOUT)
        err->code = ERROR_ENGINE;
    if (failed)
        return -1;
    if (!error_is_set(&once->error))
        return 0;
    error_copy(err, &once->error);
    error_clear(&once->error);
    return -1;
}

int engine_once_wait(struct engine_once *once, struct error *err)
{
    return engine_once_wait_for(once, LIMIT_MS(ANSWER_MS), err);
}

static void on_closed(void *data)
{
    struct engine_once *once = data;
    once->done = true;
}

void engine_once_close(struct engine_once *once)
{
    if (!once->engine)
        return;
    struct wait wait = {
        .fact = &once->done, .what = "the end of the connections", .limit = LIMIT_MS(CLOSE_MS)};
    once->done = false;
    engine_close(once->engine, on_closed, once);
    engine_once_await(once, &wait, NULL);
    loop_fini(&once->loop);
    cJSON_Delete(once->json);
    free(once->output);
    error_clear(&once->error);
    *once = (struct engine_once){0};
}
