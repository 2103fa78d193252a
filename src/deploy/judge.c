/* Is a service as it should be? What its tasks say, with our hash on them, is what counts: a task with a
 * health check is "running" only once that passes, and the service's own "completed" or "rollback_completed"
 * is said while nothing runs. Pure. */
#include "deploy/internal.h"

#include "base/pick.h"

#include <stdio.h>
#include <string.h>

/* A service that is new has nothing to go back to: so often it may fail before it is given up. */
enum { FAILURES_MOST = 3, REJECTIONS_MOST = 2 };

struct tally {
    int running, others, ended, failed, rejected;
    const cJSON *last_failed, *waiting;
};

static const char *state_of(const cJSON *task)
{
    return json_string(json_get(task, "Status"), "State", "");
}

const char *swarm_task_words(const cJSON *task)
{
    const cJSON *status = json_get(task, "Status");
    const char *words = json_string(status, "Err", "");
    if (*words)
        return words;
    return json_string(status, "Message", "");
}

static const char *time_of(const cJSON *task)
{
    return json_string(json_get(task, "Status"), "Timestamp", "");
}

static bool is_later(const cJSON *task, const cJSON *than)
{
    return !than || strcmp(time_of(task), time_of(than)) > 0;
}

static const char *task_hash(const cJSON *task)
{
    const cJSON *labels = json_path(task, "Spec.ContainerSpec.Labels");
    return json_string(labels, SWARM_HASH, "");
}

/* A job's tasks of an earlier run are history. */
static bool is_of_this_run(const cJSON *task, const cJSON *service)
{
    const cJSON *run = json_path(service, "JobStatus.JobIteration");
    int64_t wanted = json_int(run, "Index", 0);
    return json_int(json_get(task, "JobIteration"), "Index", 0) == wanted;
}

static void count_failure(struct tally *tally, const cJSON *task, const char *since)
{
    if (strcmp(time_of(task), since) <= 0)
        return;
    if (str_eq(state_of(task), "rejected"))
        tally->rejected++;
    else
        tally->failed++;
    if (is_later(task, tally->last_failed))
        tally->last_failed = task;
}

static void count_task(struct tally *tally, const cJSON *task, const char *since)
{
    const char *state = state_of(task);
    bool is_wanted = str_eq(json_string(task, "DesiredState", ""), "running");
    if (str_eq(state, "running") && is_wanted)
        tally->running++;
    else if (str_eq(state, "complete"))
        tally->ended++;
    else if (str_eq(state, "failed") || str_eq(state, "orphaned") || str_eq(state, "rejected"))
        count_failure(tally, task, since);
    else if (is_wanted && is_later(task, tally->waiting))
        tally->waiting = task;
}

static struct tally count(const char *digest, const char *since, const cJSON *service, const cJSON *tasks)
{
    struct tally tally = {0};
    const char *id = json_string(service, "ID", "");
    const cJSON *task;
    cJSON_ArrayForEach(task, tasks)
    {
        if (!str_eq(json_string(task, "ServiceID", ""), id) || !is_of_this_run(task, service))
            continue;
        if (str_eq(task_hash(task), digest))
            count_task(&tally, task, since);
        else
            tally.others += str_eq(json_string(task, "DesiredState", ""), "running");
    }
    return tally;
}

static const char *update_state(const cJSON *service)
{
    return json_string(json_get(service, "UpdateStatus"), "State", "");
}

static bool is_moving(const cJSON *service)
{
    return str_eq(update_state(service), "updating") || str_eq(update_state(service), "rollback_started");
}

static bool went_back(const cJSON *service)
{
    return str_starts(update_state(service), "rollback_");
}

static int wanted_of(const cJSON *service)
{
    const cJSON *mode = json_path(service, "Spec.Mode");
    const cJSON *job = json_get(mode, "ReplicatedJob");
    if (job)
        return (int)json_int(job, "TotalCompletions", 1);
    return (int)json_int(json_get(mode, "Replicated"), "Replicas", 1);
}

static enum swarm_verdict judge_job(const struct tally *tally, const cJSON *service, int wanted)
{
    if (tally->ended >= wanted)
        return SWARM_READY;
    const char *condition =
        text_or_empty(cJSON_GetStringValue(json_path(service, "Spec.TaskTemplate.RestartPolicy.Condition")));
    bool may_repeat = !str_eq(condition, "none");
    if (tally->failed + tally->rejected > may_repeat * (FAILURES_MOST - 1))
        return SWARM_FAILED;
    return SWARM_UNDER_WAY;
}

static enum swarm_verdict judge_service(const struct tally *tally, const cJSON *service, int wanted)
{
    bool is_there = tally->running == wanted && !tally->others;
    if (is_there && !is_moving(service))
        return SWARM_READY;
    if (str_eq(update_state(service), "paused"))
        return SWARM_FAILED;
    /* While it is being updated the swarm itself decides, and goes back. */
    if (is_moving(service))
        return SWARM_UNDER_WAY;
    if (tally->failed >= FAILURES_MOST || tally->rejected >= REJECTIONS_MOST)
        return SWARM_FAILED;
    return SWARM_UNDER_WAY;
}

static const cJSON *telling(const struct tally *tally)
{
    if (tally->last_failed)
        return tally->last_failed;
    return tally->waiting;
}

struct swarm_judgement swarm_judge(const struct swarm_change *change, const cJSON *service,
                                   const cJSON *tasks)
{
    struct tally tally = count(change->digest, change->since, service, tasks);
    struct swarm_judgement judgement = {
        .wanted = wanted_of(service), .running = tally.running, .task = telling(&tally)};
    if (!str_eq(swarm_label(service, SWARM_HASH), change->digest)) {
        judgement.verdict = SWARM_OVERTAKEN;
        if (went_back(service))
            judgement.verdict = SWARM_ROLLED_BACK;
    } else if (json_path(service, "Spec.Mode.ReplicatedJob"))
        judgement.verdict = judge_job(&tally, service, judgement.wanted);
    else
        judgement.verdict = judge_service(&tally, service, judgement.wanted);
    return judgement;
}

void swarm_note_past(struct swarm_change *change, const cJSON *tasks)
{
    const char *id = json_string(change->seen, "ID", NULL);
    const cJSON *task;
    cJSON_ArrayForEach(task, tasks)
    {
        if (str_eq(json_string(task, "ServiceID", ""), id) && strcmp(time_of(task), change->since) > 0)
            snprintf(change->since, sizeof change->since, "%s", time_of(task));
    }
}

bool swarm_is_settled(const cJSON *service, const cJSON *tasks)
{
    struct tally tally = count(text_or_empty(swarm_label(service, SWARM_HASH)), "", service, tasks);
    return tally.running == wanted_of(service) && !tally.others && !is_moving(service);
}
