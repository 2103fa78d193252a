/* Blocking questions to the engine. See engine_once.h. */
#include "cli/engine_once.h"

#include "base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int engine_once_open(struct engine_once *once, const struct engine_address *address, char *const *environment,
                     struct error *err)
{
    *once = (struct engine_once){0};
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
    once->json = result->containers ? copy_list(result)
                 : result->json     ? cJSON_Duplicate(result->json, 1)
                                    : NULL;
    if (!once->json && result->container && result->container->raw)
        once->json = cJSON_Duplicate(result->container->raw, 1);
    once->output = xstrdup_null(result->output);
    once->exit_code = result->exit_code;
    if (result->info) {
        snprintf(once->server, sizeof once->server, "%s", result->info->server);
        snprintf(once->api_version, sizeof once->api_version, "%s", result->info->api_version);
    }
}

int engine_once_wait(struct engine_once *once, struct error *err)
{
    while (!once->done && loop_run_once(&once->loop))
        continue;
    bool finished = once->done;
    once->done = false;
    if (!finished)
        return error_set(err, ERROR_FAILED, "the engine's answer was never read");
    if (!error_is_set(&once->error))
        return 0;
    error_copy(err, &once->error);
    error_clear(&once->error);
    return -1;
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
    once->done = false;
    engine_close(once->engine, on_closed, once);
    while (!once->done && loop_run_once(&once->loop))
        continue;
    loop_fini(&once->loop);
    cJSON_Delete(once->json);
    free(once->output);
    error_clear(&once->error);
    *once = (struct engine_once){0};
}
