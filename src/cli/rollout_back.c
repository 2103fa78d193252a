/* `deploy kubernetes --rollback`: what the last deploy changed, as it was before, by `kubectl rollout undo`.
 *
 * Each workload has a past of its own there: the state remembers which of them the last deploy from here
 * changed, and what it left as it was stays. Secrets have no past: who is given an old template reads the new
 * values. */
#include "cli/kubectl_said.h"
#include "cli/rollout.h"
#include "engine/words.h"

#include "base/ignore.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* What a workload was before. Zero: it was not there, or nothing is known. */
struct rollout_past {
    int64_t revision;
    struct record_maybe replicas;
};

static const struct record_field past_rows[] = {
    RECORD_FIELD(struct rollout_past, revision, FIELD_INT64, false),
    RECORD_FIELD(struct rollout_past, replicas, FIELD_MAYBE, false)};
static RECORD(past_record, struct rollout_past, past_rows);

static bool is_set(const struct deployment_service *s)
{
    return s->is_server || s->has_data;
}

char *rollout_workload(const struct deployment_service *s)
{
    cleanup_free char *lower = str_lower(s->name);
    return xasprintf("%s/%s", text_pick(is_set(s), "statefulset", "deployment"), lower);
}

/* Where a deploy from here went to. The caller frees. */
static char *changed_key(const struct rollout *r)
{
    return xasprintf("kubernetes:%s/%s", r->kubectl.config_context, r->kubectl.namespace);
}

/* What the last deploy changed: {"api": {"revision": 3, "replicas": 2}}, with what was there before; {} for
 * what was not there, or as it was remembered once: names alone. */
static cJSON *recall(const struct rollout *r)
{
    cleanup_free char *key = changed_key(r);
    cleanup_free char *known = xstrdup(text_or_empty(r->wanted.store.get(key, r->wanted.store.data)));
    cJSON *changed = cJSON_Parse(known);
    if (cJSON_IsObject(changed))
        return changed;

    char *rest = known;
    cJSON_Delete(changed);
    changed = cJSON_CreateObject();
    for (char *name; (name = strsep(&rest, " "));)
        if (*name)
            json_add_object(changed, name);
    return changed;
}

/* Nothing is left: nothing is known. */
static int keep(const struct rollout *r, const cJSON *changed, struct error *err)
{
    cleanup_free char *key = changed_key(r), *text = NULL;
    if (changed->child)
        text = json_print(changed);
    return r->wanted.store.set(key, text_or_empty(text), r->wanted.store.data, err);
}

/* Each workload has a past of its own: what the last deploy left as it was is to stay so when that is undone.
 * Reads what differs() has got. Nothing is known of what a diff program of somebody's own shows in its way.
 */
static cJSON *find_changed(const struct rollout *r)
{
    const struct deployment *d = r->wanted.deployment;
    cJSON *changed = cJSON_CreateObject();
    for (size_t i = 0; i < d->service_count; i++) {
        const struct deployment_service *s = &d->services[i];
        const char *kind = text_pick(is_set(s), "StatefulSet", "Deployment");
        cleanup_free char *lower = str_lower(s->name);
        cleanup_free char *object = xasprintf("%s.%s.%s", kind, r->kubectl.namespace, lower);
        if (kubectl_diff_has(strbuf_text(&r->kubectl.output), object))
            json_add_object(changed, s->name);
    }
    return changed;
}

/* Which revision it has, and how many of it there are: an undo by one step would go past a deploy that has
 * made no revision, and it knows no numbers. */
static int look_at_past(struct rollout *r, const struct deployment_service *s, struct rollout_past *past,
                        struct error *err)
{
    cleanup_free char *name = rollout_workload(s);
    const char *const get[] = {"get", name, "-o", "json", "--ignore-not-found", NULL};
    const char *const history[] = {"rollout", "history", name, NULL};
    if (kubectl_do(&r->kubectl, get, ROLLOUT_APPLY_MS, err) < 0)
        return -1;
    if (!r->kubectl.output.length)
        return 0;

    struct kubectl_workload workload;
    struct arena arena = {0};
    kubectl_read(&r->kubectl, &kubectl_workload_record, &arena, &workload);
    arena_free(&arena);
    past->replicas = (struct record_maybe){true, 1}; /* what a document says that names none */
    if (workload.spec.replicas.is_known)
        past->replicas = workload.spec.replicas;
    if (kubectl_do(&r->kubectl, history, ROLLOUT_APPLY_MS, err) < 0)
        return -1;
    past->revision = kubectl_last_revision(strbuf_text(&r->kubectl.output));
    return 0;
}

int rollout_remember(struct rollout *r, struct error *err)
{
    cleanup_json cJSON *changed = find_changed(r);
    cJSON *past;
    cJSON_ArrayForEach(past, changed)
    {
        struct rollout_past was = {0};
        if (look_at_past(r, deployment_find(r->wanted.deployment, past->string), &was, err) < 0)
            return -1;
        record_write(&past_record, &was, false, past);
    }
    return keep(r, changed, err);
}

void rollout_forget(struct rollout *r)
{
    cleanup_free char *key = changed_key(r);
    r->wanted.store.set(key, "", r->wanted.store.data, NULL); /* what failed before is told */
}

/* What has no past stays, which is said; whatever else kubectl refuses is an error. */
static int undo_template(struct rollout *r, const struct deployment_service *s,
                         const struct rollout_past *past, struct error *err)
{
    cleanup_free char *name = rollout_workload(s), *to = NULL;
    if (past->revision)
        to = xasprintf("--to-revision=%lld", (long long)past->revision);
    const char *const words[] = {"rollout", "undo", name, to, NULL};
    if (kubectl_do(&r->kubectl, words, ROLLOUT_APPLY_MS, err) == 0)
        return 0;

    const char *said = strbuf_text(&r->kubectl.complaint);
    if (!engine_says(SAYS_NO_PAST, 0, said))
        return -1;
    error_ignore(err, "what was there once only has nowhere to go back to: that is told");
    output_note(&r->context->output, "%s stays as it is: there is nothing before it to go back to", s->name);
    return 0;
}

static int undo_one(struct rollout *r, const struct deployment_service *s, const cJSON *known,
                    struct error *err)
{
    struct rollout_past past = {0};
    record_read(&past_record, known, NULL, &past, NULL);
    if (undo_template(r, s, &past, err) < 0)
        return -1;
    if (!past.replicas.is_known)
        return 0;
    cleanup_free char *name = rollout_workload(s);
    cleanup_free char *patch = xasprintf("{\"spec\":{\"replicas\":%lld}}", (long long)past.replicas.value);
    const char *const words[] = {"patch", name, "--type=merge", "-p", patch, NULL};
    return kubectl_do(&r->kubectl, words, ROLLOUT_APPLY_MS, err);
}

/* All of them, also when one fails: what can go back does, and is forgotten at once, for a second undo would
 * bring back what was left. */
static int undo_all(struct rollout *r, cJSON *changed, struct error *err)
{
    const struct deployment *d = r->wanted.deployment;
    int rc = 0;
    for (size_t i = 0; i < d->service_count; i++) {
        const struct deployment_service *s = &d->services[i];
        cleanup_error struct error trouble = {0};
        const cJSON *past = json_get(changed, s->name);
        if (s->is_task || !past)
            continue;

        if (!undo_one(r, s, past, &trouble)) {
            cJSON_DeleteItemFromObjectCaseSensitive(changed, s->name);
            keep(r, changed, &trouble);
        }
        if (!error_is_set(&trouble))
            continue;
        if (rc == 0)
            error_move(err, &trouble);
        rc = -1;
    }
    return rc;
}

int rollout_undo(struct rollout *r, struct error *err)
{
    cleanup_json cJSON *changed = recall(r);
    if (!changed->child) {
        error_set(err, ERROR_FAILED,
                  "no deploy from here to context %s, namespace %s is known to go back from",
                  r->kubectl.config_context, r->kubectl.namespace);
        error_hint(err, "`kubectl rollout undo` takes back one workload");
        return -1;
    }
    if (rollout_confirm(r, "Roll back", err) < 0 || undo_all(r, changed, err) < 0)
        return -1;
    rollout_forget(r);           /* what is left has gone from the manifest */
    return rollout_wait(r, err); /* a task that ran stays so */
}
