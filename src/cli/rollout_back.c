/* `deploy kubernetes --rollback`: what the last deploy changed, as it was before, by `kubectl rollout undo`.
 *
 * Each workload has a past of its own there: the state remembers which of them the last deploy from here
 * changed, and what it left as it was stays. Secrets have no past: who is given an old template reads the new
 * values. */
#include "cli/rollout.h"
#include "engine/words.h"

#include "base/ignore.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

static bool is_set(const struct deployment_service *s)
{
    return s->is_server || s->has_data;
}

char *rollout_workload(const struct deployment_service *s)
{
    cleanup_free char *lower = str_lower(s->name);
    return xasprintf("%s/%s", text_pick(is_set(s), "statefulset", "deployment"), lower);
}

/* Where a deploy from here went to, and what it changed: " api cache ". The caller frees. */
static char *changed_key(const struct rollout *r)
{
    return xasprintf("kubernetes:%s/%s", r->kubectl.config_context, r->kubectl.namespace);
}

/* Each workload has a past of its own: what the last deploy left as it was is to stay so when that is undone.
 * Reads what differs() has got. */
int rollout_remember(struct rollout *r, struct error *err)
{
    const struct deployment *d = r->wanted.deployment;
    cleanup_strbuf struct strbuf names = {0};
    cleanup_free char *key = changed_key(r);
    strbuf_addc(&names, ' ');

    for (size_t i = 0; i < d->service_count; i++) {
        const struct deployment_service *s = &d->services[i];
        cleanup_free char *lower = str_lower(s->name);
        cleanup_free char *file =
            xasprintf("/apps.v1.%s.%s.%s ", text_pick(is_set(s), "StatefulSet", "Deployment"),
                      r->kubectl.namespace, lower);
        if (strstr(strbuf_text(&r->kubectl.output), file))
            strbuf_addf(&names, "%s ", s->name);
    }

    /* Nothing is known of what a diff program of somebody's own shows in its way. */
    const char *known = text_if(names.length > 1, strbuf_text(&names));
    return r->wanted.store.set(key, known, r->wanted.store.data, err);
}

void rollout_forget(struct rollout *r)
{
    cleanup_free char *key = changed_key(r);
    r->wanted.store.set(key, "", r->wanted.store.data, NULL); /* what failed before is told */
}

/* What has no past stays, which is said; whatever else kubectl refuses is an error. */
static int undo_one(struct rollout *r, const struct deployment_service *s, struct error *err)
{
    cleanup_free char *name = rollout_workload(s);
    const char *const words[] = {"rollout", "undo", name, NULL};
    if (kubectl_do(&r->kubectl, words, ROLLOUT_APPLY_MS, err) == 0)
        return 0;
    const char *said = strbuf_text(&r->kubectl.complaint);
    if (!engine_says(SAYS_NO_PAST, 0, said))
        return -1;
    error_ignore(err, "what was there once only has nowhere to go back to: that is told");
    output_note(&r->context->output, "%s stays as it is: there is nothing before it to go back to", s->name);
    return 0;
}

/* All of them, also when one fails: what can go back does, and is forgotten, for a second undo would bring
 * back what was left. */
static int undo_all(struct rollout *r, const char *key, char *changed, struct error *err)
{
    const struct deployment *d = r->wanted.deployment;
    int rc = 0;
    for (size_t i = 0; i < d->service_count; i++) {
        cleanup_error struct error trouble = {0};
        cleanup_free char *word = xasprintf(" %s ", d->services[i].name);
        char *place = strstr(changed, word);
        if (d->services[i].is_task || !place)
            continue;

        if (!undo_one(r, &d->services[i], &trouble)) {
            memset(place, ' ', strlen(word));
            r->wanted.store.set(key, changed, r->wanted.store.data, &trouble);
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
    const struct deployment_store *store = &r->wanted.store;
    cleanup_free char *key = changed_key(r);
    cleanup_free char *changed = xstrdup(text_or_empty(store->get(key, store->data)));
    if (!*changed) {
        error_set(err, ERROR_FAILED,
                  "no deploy from here to context %s, namespace %s is known to go back from",
                  r->kubectl.config_context, r->kubectl.namespace);
        error_hint(err, "`kubectl rollout undo` takes back one workload");
        return -1;
    }
    if (rollout_confirm(r, "Roll back", err) < 0 || undo_all(r, key, changed, err) < 0 ||
        store->set(key, "", store->data, err) < 0)
        return -1;
    return rollout_wait(r, err); /* a task that ran stays so */
}
