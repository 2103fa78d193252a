/* `deploy kubernetes`: what `publish kubernetes` writes, given to the user's cluster through the user's
 * kubectl.
 *
 * Passwords that the cluster has are read back first, so that nobody makes them twice. The files go into a
 * folder of memory that only we can read, and away afterwards. Apply is server-side: the other kind would
 * keep a copy of each Secret in an annotation. Who waits for a task is applied after it. What of ours is
 * there and no longer wanted is deleted afterwards, but claims never. Ready is what the rollout says; where
 * it does not come, the pod's own words are the reason. */
#include "cli/deploy_kubernetes.h"
#include "session/question.h"
#include "cli/rollout.h"
#include "engine/words.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_WAIT_MS = 120 * 1000, SLACK_MS = 30 * 1000 };

#define OUR_KINDS "statefulset,deployment,job,service,secret"

/* ---- what is there ---- */

static int take_back(struct rollout *r, struct error *err)
{
    cleanup_free char *lower = str_lower(r->wanted.deployment->project);
    cleanup_free char *name = xasprintf("%s.generated", lower);
    const char *const words[] = {"get", "secret", name, "-o", "json", "--ignore-not-found", NULL};
    if (kubectl_do(&r->kubectl, words, ROLLOUT_APPLY_MS, err) < 0)
        return -1;

    cleanup_json cJSON *json = kubectl_json(&r->kubectl);
    struct kubectl_secret secret = {0};
    const cJSON *item;
    record_read(&kubectl_secret_record, json, NULL, &secret, NULL);
    cJSON_ArrayForEach(item, secret.data)
    {
        size_t length = 0;
        char *value = NULL;
        if (cJSON_IsString(item))
            value = digest_unbase64(item->valuestring, &length);
        if (value && str_eq(item->string, PUBLISH_KEY))
            deployment_take_key(r->wanted.deployment, value);
        else if (value)
            deployment_take(r->wanted.deployment, item->string, value);
        if (value)
            mem_wipe(value, length);
        free(value);
    }
    return 0;
}

static void add_lines(struct strlist *list, const char *text)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (*line != '\n')
            strlist_take(list, xstrndup(line, strcspn(line, "\n")));
}

/* Names as "secret/shop-cache" of what is ours. */
static int list_ours(struct rollout *r, struct strlist *out, struct error *err)
{
    const char *const words[] = {"get", OUR_KINDS, "-l", r->selector, "-o", "name", NULL};
    if (kubectl_do(&r->kubectl, words, ROLLOUT_APPLY_MS, err) < 0)
        return -1;
    add_lines(out, strbuf_text(&r->kubectl.output));
    return 0;
}

static int find_stale(struct rollout *r, struct error *err)
{
    cleanup_strlist struct strlist ours = {0}, kept = {0};
    const char *const words[] = {"get", "-k", r->folder, "-o", "name", "--ignore-not-found", NULL};
    if (list_ours(r, &ours, err) < 0 || kubectl_do(&r->kubectl, words, ROLLOUT_APPLY_MS, err) < 0)
        return -1;
    add_lines(&kept, strbuf_text(&r->kubectl.output));
    for (size_t i = 0; i < ours.count; i++)
        if (!strlist_has(&kept, ours.items[i]))
            strlist_add(&r->stale, ours.items[i]);
    return 0;
}

/* ---- the files ---- */

static int write_files(struct rollout *r, struct error *err)
{
    const char *shm = "/dev/shm";
    if (!file_is_dir(shm))
        shm = "/tmp";
    r->folder = xasprintf("%s/apphost-deploy-%s", shm, "XXXXXX");
    if (!mkdtemp(r->folder)) {
        free(take_ptr(&r->folder));
        return error_set(err, ERROR_FAILED, "no folder can be made in %s", shm);
    }
    r->files.folder = r->folder;
    if (publish_kubernetes(&r->files, r->wanted.deployment, err) < 0)
        return -1;
    return publish_write(&r->files, false, err);
}

static int stage_of(const struct rollout *r, const struct deployment_service *s)
{
    return r->stages[s - r->wanted.deployment->services];
}

/* Each stands behind what it needs. */
static void find_stages(struct rollout *r)
{
    const struct deployment *d = r->wanted.deployment;
    r->stages = xcalloc(d->service_count + 1, sizeof *r->stages);
    for (size_t i = 0; i < d->service_count; i++) {
        for (size_t n = 0; n < d->services[i].need_count; n++) {
            const struct deployment_service *to = deployment_find(d, d->services[i].needs[n].service);
            r->stages[i] = int_max(r->stages[i], stage_of(r, to) + to->is_task);
        }
        r->last_stage = int_max(r->last_stage, r->stages[i]);
    }
}

static int prepare(struct rollout *r, struct error *err)
{
    struct deployment_options how = {.target = DEPLOYMENT_KUBERNETES,
                                     .project = r->context->project.name,
                                     .with_tools = r->options->with_tools};
    if (cli_deployment_open(&r->wanted, r->context, &how, err) < 0 ||
        kubectl_open(&r->kubectl, r->context, r->options->context_name, r->options->namespace, err) < 0)
        return -1;
    r->selector = xasprintf("app.kubernetes.io/part-of=%s,app.kubernetes.io/managed-by=apphost",
                            r->context->project.name);
    if (r->options->remove || r->options->rollback)
        return 0;
    find_stages(r);
    if (take_back(r, err) < 0 || deployment_settle(r->wanted.deployment, &r->wanted.store, err) < 0 ||
        write_files(r, err) < 0)
        return -1;
    return find_stale(r, err);
}

static void finish(struct rollout *r)
{
    if (r->folder)
        file_remove_tree(r->folder, NULL);
    free(r->folder);
    free(r->stages);
    free(r->selector);
    strlist_free(&r->stale);
    publish_free(&r->files);
    kubectl_close(&r->kubectl);
    cli_deployment_close(&r->wanted);
}

/* ---- what differs ---- */

/* 1: something, which is printed when `shows`. 0: nothing. */
static int differs(struct rollout *r, bool shows, struct error *err)
{
    const char *const words[] = {"diff", "--server-side", "--field-manager=apphost", "-k", r->folder, NULL};
    if (kubectl_run(&r->kubectl, words, ROLLOUT_APPLY_MS, err) < 0)
        return -1;
    if (r->kubectl.code > 1 || r->kubectl.code < 0)
        return error_set(err, ERROR_ENGINE, "kubectl diff failed: %s", strbuf_text(&r->kubectl.complaint));
    if (shows)
        fputs(strbuf_text(&r->kubectl.output), stdout);
    for (size_t i = 0; shows && i < r->stale.count; i++)
        printf("delete %s: it is ours, and no longer in the manifest\n", r->stale.items[i]);
    return r->kubectl.code == 1 || r->stale.count > 0;
}

int rollout_confirm(const struct rollout *r, const char *what, struct error *err)
{
    const struct output *output = &r->context->output;
    const char *project = r->context->project.name;
    if (r->options->yes)
        return 0;
    if (!output->interactive || output->json) {
        error_set(err, ERROR_USAGE, "%s %s in context %s, namespace %s: there is nobody to ask", what,
                  project, r->kubectl.config_context, r->kubectl.namespace);
        error_hint(err, "-y does it without asking, --diff shows what would change");
        return -1;
    }

    fprintf(stderr, "%s %s in context %s, namespace %s? [y/N] ", what, project, r->kubectl.config_context,
            r->kubectl.namespace);
    return question_ask(NULL, "nothing was changed", err);
}

/* ---- getting ready ---- */

static const char *waiting_reason(const struct kubectl_pods *pods)
{
    for (size_t i = 0; i < pods->count; i++) {
        const struct kubectl_pod_status *status = &pods->items[i].status;
        for (size_t j = 0; j < status->container_count; j++) {
            const struct kubectl_waiting *waiting = &status->containers[j].state.waiting;
            if (waiting->message || waiting->reason)
                return text_or(waiting->message, waiting->reason);
        }
    }
    return NULL;
}

/* The pods' own words; NULL when they say nothing. The caller frees. */
static char *reason_of(struct rollout *r, const struct deployment_service *s)
{
    cleanup_free char *lower = str_lower(s->name);
    cleanup_free char *selector =
        xasprintf("app.kubernetes.io/name=%s,%s", lower, "app.kubernetes.io/part-of");
    const char *const words[] = {"get", "pods", "-l", selector, "-o", "json", NULL};
    cleanup_error struct error ignored = {0};
    if (kubectl_do(&r->kubectl, words, ROLLOUT_APPLY_MS, &ignored) < 0)
        return NULL;

    struct kubectl_pods pods;
    struct arena arena = {0};
    kubectl_read(&r->kubectl, &kubectl_pods_record, &arena, &pods);
    const char *reason = waiting_reason(&pods);
    char *shown = NULL;
    if (reason)
        shown = str_printable(reason);
    arena_free(&arena);
    return shown;
}

static int not_ready(struct rollout *r, const struct deployment_service *s, struct error *err)
{
    cleanup_free char *said = xstrdup(strbuf_text(&r->kubectl.complaint));
    cleanup_free char *reason = reason_of(r, s);
    said[strcspn(said, "\n")] = '\0';
    error_set(err, ERROR_TIMEOUT, "%s does not get ready: %s", s->name, text_or(reason, said));
    error_comes_from(err, ORIGIN_RESOURCE);
    error_resource(err, s->name);
    error_hint(err, "what served before goes on where it could; --rollback goes back to it");
    return -1;
}

static int64_t wait_ms(const struct rollout *r)
{
    if (r->options->wait_ms > 0)
        return r->options->wait_ms;
    return DEFAULT_WAIT_MS;
}

static int wait_for_rollout(struct rollout *r, const struct deployment_service *s, struct error *err)
{
    cleanup_free char *name = rollout_workload(s);
    cleanup_free char *limit = xasprintf("--timeout=%llds", (long long)(wait_ms(r) / 1000));
    const char *const words[] = {"rollout", "status", name, limit, NULL};
    if (kubectl_run(&r->kubectl, words, wait_ms(r) + SLACK_MS, err) < 0)
        return -1;
    if (r->kubectl.code != 0)
        return not_ready(r, s, err);
    output_note(&r->context->output, "%s is ready", s->name);
    return 0;
}

static bool has_condition(const struct kubectl_job *job, const char *type)
{
    for (size_t i = 0; i < job->status.condition_count; i++) {
        const struct kubectl_condition *condition = &job->status.conditions[i];
        if (str_eq(condition->type, type) && str_eq(condition->status, "True"))
            return true;
    }
    return false;
}

/* 1: completed. 0: not yet. -1: failed. */
static int look_at_job(struct rollout *r, const char *name, const struct deployment_service *s,
                       struct error *err)
{
    const char *const words[] = {"get", name, "-o", "json", "--ignore-not-found", NULL};
    if (kubectl_do(&r->kubectl, words, ROLLOUT_APPLY_MS, err) < 0)
        return -1;

    struct kubectl_job job;
    struct arena arena = {0};
    kubectl_read(&r->kubectl, &kubectl_job_record, &arena, &job);
    bool is_complete = has_condition(&job, "Complete"), has_failed = has_condition(&job, "Failed");
    arena_free(&arena);

    if (is_complete)
        return 1;
    if (!has_failed)
        return 0;
    error_set(err, ERROR_RESOURCE, "the task %s failed", s->name);
    error_resource(err, s->name);
    error_comes_from(err, ORIGIN_RESOURCE);
    return -1;
}

/* Its own job, by name: others of the task may be there still. The watch of `kubectl wait` knows completion
 * only: between two of them the job is looked at for a failure. */
static int wait_for_job(struct rollout *r, const struct deployment_service *s, struct error *err)
{
    enum { ROUND_MS = 5000 };
    cleanup_free char *job = publish_kubernetes_job(r->wanted.deployment, s),
                      *name = xasprintf("job/%s", job);
    const char *const words[] = {"wait", name, "--for=condition=complete", "--timeout=5s", NULL};
    for (int64_t left = wait_ms(r); left > 0; left -= ROUND_MS) {
        int rc = look_at_job(r, name, s, err);
        if (rc > 0)
            output_note(&r->context->output, "%s has completed", s->name);
        if (rc != 0)
            return int_min(rc, 0);
        if (kubectl_run(&r->kubectl, words, ROUND_MS + SLACK_MS, err) < 0)
            return -1;
    }

    error_set(err, ERROR_TIMEOUT, "the task %s does not complete", s->name);
    error_resource(err, s->name);
    return -1;
}

/* Tasks of a stage as it is over, others once all is there. */
static int wait_for(struct rollout *r, bool tasks, int stage, struct error *err)
{
    const struct deployment *d = r->wanted.deployment;
    for (size_t i = 0; i < d->service_count; i++) {
        const struct deployment_service *s = &d->services[i];
        int rc = 0;
        if (s->is_task && tasks && r->stages[i] == stage)
            rc = wait_for_job(r, s, err);
        else if (!s->is_task && !tasks && !s->is_manual)
            rc = wait_for_rollout(r, s, err);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int rollout_wait(struct rollout *r, struct error *err)
{
    return wait_for(r, false, 0, err);
}

static int wait_for_all(struct rollout *r, struct error *err)
{
    for (int stage = 0; stage <= r->last_stage; stage++)
        if (wait_for(r, true, stage, err) < 0)
            return -1;
    return rollout_wait(r, err);
}

/* ---- changing ---- */

static int delete_names(struct rollout *r, const struct strlist *names, struct error *err)
{
    cleanup_strlist struct strlist words = {0};
    if (!names->count)
        return 0;
    strlist_add(&words, "delete");
    strlist_add(&words, "--ignore-not-found");
    for (size_t i = 0; i < names->count; i++)
        strlist_add(&words, names->items[i]);
    if (kubectl_do(&r->kubectl, (const char *const *)words.items, ROLLOUT_APPLY_MS, err) < 0)
        return -1;
    for (size_t i = 0; i < names->count; i++)
        output_note(&r->context->output, "deleted %s", names->items[i]);
    return 0;
}

/* Files of one stage; everybody's come with the first. */
static void add_files(const struct rollout *r, int stage, struct strlist *words)
{
    for (size_t i = 0; i < r->files.count; i++) {
        const struct publish_file *file = &r->files.items[i];
        int own = 0;
        if (file->service)
            own = stage_of(r, deployment_find(r->wanted.deployment, file->service));
        if (own != stage || !str_ends(file->name, ".yaml") || str_eq(file->name, "kustomization.yaml"))
            continue;
        strlist_add(words, "-f");
        strlist_take(words, path_join(r->folder, file->name));
    }
}

/* What we write is held against the types by our tests; kubectl would ask for the whole schema first. */
static int apply(struct rollout *r, int stage, struct error *err)
{
    static const char *const front[] = {"apply", "--server-side", "--validate=false",
                                        "--field-manager=apphost"};
    cleanup_strlist struct strlist words = {0};
    for (size_t i = 0; i < sizeof front / sizeof *front; i++)
        strlist_add(&words, front[i]);
    add_files(r, stage, &words);
    if (kubectl_do(&r->kubectl, (const char *const *)words.items, ROLLOUT_APPLY_MS, err) == 0)
        return 0;
    if (engine_says(SAYS_FIELD_TAKEN, 0, strbuf_text(&r->kubectl.complaint)))
        error_hint(err,
                   "somebody else has set this field: take it away there, or `kubectl apply --server-side "
                   "--force-conflicts` what `apphost publish kubernetes` writes");
    return -1;
}

/* What waits for a task is changed once that has completed. */
static int apply_all(struct rollout *r, struct error *err)
{
    for (int stage = 0; stage <= r->last_stage; stage++) {
        int rc = apply(r, stage, err);
        if (rc < 0 && stage == 0)
            rollout_forget(r);
        if (rc < 0 || wait_for(r, true, stage, err) < 0)
            return -1;
    }
    return rollout_wait(r, err);
}

static int deploy(struct rollout *r, struct error *err)
{
    int changed = differs(r, r->options->diff, err);
    if (changed < 0)
        return -1;
    if (r->options->diff || !changed) {
        if (!changed)
            output_note(&r->context->output, "context %s, namespace %s: nothing to change",
                        r->kubectl.config_context, r->kubectl.namespace);
        return r->options->diff ? 0 : wait_for_all(r, err);
    }
    if (rollout_confirm(r, "Deploy", err) < 0 || rollout_remember(r, err) < 0 || apply_all(r, err) < 0)
        return -1;
    return delete_names(r, &r->stale, err);
}

static int take_away(struct rollout *r, struct error *err)
{
    cleanup_strlist struct strlist ours = {0};
    cleanup_free char *claims = xasprintf("app.kubernetes.io/part-of=%s", r->context->project.name);
    const char *const list[] = {"get", "persistentvolumeclaim", "-l", claims, "-o", "name", NULL};
    if (list_ours(r, &ours, err) < 0)
        return -1;
    if (r->options->volumes) {
        if (kubectl_do(&r->kubectl, list, ROLLOUT_APPLY_MS, err) < 0)
            return -1;
        add_lines(&ours, strbuf_text(&r->kubectl.output));
    }

    if (!ours.count)
        output_note(&r->context->output, "there is nothing of ours in namespace %s", r->kubectl.namespace);
    if (!ours.count)
        return 0;
    if (rollout_confirm(r, "Remove", err) < 0)
        return -1;
    return delete_names(r, &ours, err);
}

int cli_deploy_kubernetes(struct context *context, const struct deploy_options *options, struct error *err)
{
    struct rollout r = {.context = context, .options = options};
    int rc = prepare(&r, err);
    if (rc == 0 && options->remove)
        rc = take_away(&r, err);
    else if (rc == 0 && options->rollback)
        rc = rollout_undo(&r, err);
    else if (rc == 0)
        rc = deploy(&r, err);
    finish(&r);
    return rc;
}
