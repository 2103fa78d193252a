/* Waiting for a level of the deployment: until every service of it is ready by what its tasks say, one will
 * not get ready, or the time is over. What a task says it waits for is passed on, once for each text; of one
 * that failed the last lines are shown.
 *
 * The swarm has no events of tasks, so they are listed: soon at first, then every half a second. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_WAIT_MS = 120000, BACK_MS = 60000, FIRST_MS = 60, LONGEST_MS = 500, TAIL = 20 };

struct swarm_level {
    struct swarm *swarm;
    struct swarm_changes *changes;
    int number;
    int64_t begun_ms, limit_ms, pause_ms;
    struct strlist told; /* "name: words" */
};

static int64_t now(const struct swarm_level *level)
{
    return loop_now_ms(&level->swarm->once->loop);
}

static const cJSON *service_of(const struct swarm_level *level, const struct swarm_change *change)
{
    return swarm_find_service(swarm_current(level->swarm)->services, change->service->name);
}

/* ---- what went wrong ---- */

static char *last_lines(struct swarm *swarm, const cJSON *task)
{
    const char *id = json_string(task, "ID", NULL);
    if (!id)
        return NULL;
    engine_task_tail(swarm->once->engine, id, TAIL, engine_once_done, swarm->once);
    if (engine_once_wait(swarm->once, NULL))
        return NULL; /* its node may be away: the task's own words are enough */
    return xstrdup_null(swarm->once->output);
}

/* Error texts hold no secrets: what a program prints goes to the reader as news. */
static void show_lines(struct swarm_level *level, const struct swarm_change *change, const cJSON *task)
{
    cleanup_free char *lines = last_lines(level->swarm, task);
    if (!lines || !*lines)
        return;
    char *rest = lines;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (*line)
            swarm_say(level->swarm, change->service->name, "| %s", line);
}

static int fail(struct swarm_level *level, const struct swarm_change *change, const cJSON *task,
                const char *after, struct error *err)
{
    cleanup_free char *words = str_printable(swarm_task_words(task));
    if (!*words) {
        free(words);
        words = xstrdup("its tasks fail");
    }
    if (task)
        show_lines(level, change, task);
    error_set(err, ERROR_RESOURCE, "%s does not get ready: %s%s", change->service->name, words, after);
    error_comes_from(err, ORIGIN_RESOURCE);
    error_resource(err, change->service->name);
    error_at(err, change->service->pos.file, change->service->pos.line, change->service->pos.column);
    return -1;
}

/* The swarm goes back by itself: until the old one runs again. */
static bool is_back(struct swarm_level *level, const struct swarm_change *change)
{
    int64_t until_ms = now(level) + BACK_MS;
    while (now(level) < until_ms) {
        const cJSON *service = service_of(level, change);
        if (service && swarm_is_settled(service, swarm_current(level->swarm)->tasks))
            return true;
        if (swarm_pause(level->swarm, LONGEST_MS, NULL) || swarm_read_again(level->swarm, NULL))
            return false;
    }
    return false;
}

static int rolled_back(struct swarm_level *level, const struct swarm_change *change, const cJSON *task,
                       struct error *err)
{
    cleanup_json cJSON *culprit = cJSON_Duplicate(task, true);
    const char *after = "; the swarm went back to the one before, which is not ready yet";
    if (is_back(level, change))
        after = "; the one before serves again";
    return fail(level, change, culprit, after, err);
}

static int overtaken(const struct swarm_change *change, struct error *err)
{
    error_set(err, ERROR_OWNER, "somebody else deployed %s meanwhile: theirs is what runs",
              change->service->name);
    error_hint(err, "look at the difference (--diff), then deploy again");
    return -1;
}

static int late(struct swarm_level *level, const struct swarm_change *change,
                const struct swarm_judgement *judgement, struct error *err)
{
    cleanup_free char *words = str_printable(swarm_task_words(judgement->task));
    char elapsed[24];
    str_elapsed(level->limit_ms, elapsed);
    if (judgement->task)
        show_lines(level, change, judgement->task);
    error_set(err, ERROR_TIMEOUT, "%s is not ready after %s: %d of %d tasks run%s%s", change->service->name,
              elapsed, judgement->running, judgement->wanted, text_if(*words, ": "), words);
    error_resource(err, change->service->name);
    error_at(err, change->service->pos.file, change->service->pos.line, change->service->pos.column);
    error_hint(
        err, "the swarm goes on trying: docker service ps %s_%s shows how it is; --wait-timeout waits longer",
        level->swarm->project, change->service->name);
    return -1;
}

/* ---- looking ---- */

static void tell_waiting(struct swarm_level *level, const struct swarm_change *change, const cJSON *task)
{
    const char *words = json_string(json_get(task, "Status"), "Err", "");
    if (!*words)
        return;
    cleanup_free char *text = xasprintf("%s: %s", change->service->name, words);
    if (strlist_has(&level->told, text))
        return;
    strlist_add(&level->told, text);
    cleanup_free char *shown = str_printable(words);
    swarm_tell(level->swarm, &(struct deploy_news){.verb = DEPLOY_WAIT,
                                                   .kind = swarm_kind(change),
                                                   .name = change->service->name,
                                                   .why = shown});
}

static void tell_ready(struct swarm_level *level, struct swarm_change *change)
{
    int64_t took_ms = 0;
    if (change->begun_ms)
        took_ms = now(level) - change->begun_ms;
    change->is_ready = true;
    swarm_tell(level->swarm, &(struct deploy_news){.verb = DEPLOY_READY,
                                                   .kind = swarm_kind(change),
                                                   .name = change->service->name,
                                                   .took_ms = took_ms});
}

/* 0: goes on, or is ready. */
static int look_at(struct swarm_level *level, struct swarm_change *change, struct error *err)
{
    const cJSON *service = service_of(level, change), *tasks = swarm_current(level->swarm)->tasks;
    if (!service)
        return overtaken(change, err);
    struct swarm_judgement judgement = swarm_judge(change, service, tasks);
    switch (judgement.verdict) {
    case SWARM_READY:
        tell_ready(level, change);
        return 0;
    case SWARM_FAILED:
        return fail(level, change, judgement.task, "; the swarm goes on trying", err);
    case SWARM_ROLLED_BACK:
        return rolled_back(level, change, judgement.task, err);
    case SWARM_OVERTAKEN:
        return overtaken(change, err);
    case SWARM_UNDER_WAY:
        break;
    }
    tell_waiting(level, change, judgement.task);
    if (now(level) - level->begun_ms >= level->limit_ms)
        return late(level, change, &judgement, err);
    return 0;
}

/* 1: some are not ready yet. */
static int look(struct swarm_level *level, struct error *err)
{
    int waits = 0;
    for (size_t i = 0; i < level->changes->count; i++) {
        struct swarm_change *change = &level->changes->items[i];
        if (!change->service || change->level != level->number || change->is_ready)
            continue;
        if (look_at(level, change, err))
            return -1;
        waits |= !change->is_ready;
    }
    return waits;
}

int swarm_wait(struct swarm *swarm, struct swarm_changes *changes, int number, struct error *err)
{
    struct swarm_level level = {.swarm = swarm, .changes = changes, .number = number, .pause_ms = FIRST_MS};
    level.begun_ms = now(&level);
    level.limit_ms = DEFAULT_WAIT_MS;
    if (swarm->wish->wait_ms)
        level.limit_ms = swarm->wish->wait_ms;

    int waits;
    while ((waits = look(&level, err)) > 0) {
        waits = -1;
        if (swarm_pause(swarm, level.pause_ms, err) || swarm_read_again(swarm, err))
            break;
        level.pause_ms = int64_min(level.pause_ms * 2, LONGEST_MS);
    }
    strlist_free(&level.told);
    return waits;
}
