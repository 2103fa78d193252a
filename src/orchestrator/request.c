/* Requests: who asked for what, and whether it is reached.
 *
 * A request looks at states only. Whenever something was stepped, a turn goes through all requests: reached,
 * failed, superseded by a later request, or still under way. `up` fails with the first failure of what it
 * asked for (dependants are blocked by then, in the same report); `down` goes on with the rest, and looks
 * again before it says that all is gone. A time limit does not count the time of pulls, which have their own.
 *
 * `done` runs from that turn, after the request has left the list, so it may start other requests. */
#include "orchestrator/internal.h"

#include "base/file.h"
#include "base/log.h"

#include <string.h>

enum { ENGINE_PATIENCE_MS = 20000 };
enum progress { PENDING, REACHED, FAILED, SUPERSEDED };

static void on_timer(void *data);

static int64_t pulling_ms(const struct orchestrator *o)
{
    if (!o->pulls)
        return o->pulling_ms;
    return o->pulling_ms + loop_now_ms(o->services.loop) - o->pull_started_ms;
}

struct request *request_new(struct orchestrator *o, enum request_kind kind, orchestrator_done_cb *done,
                            void *data)
{
    struct request *request = xcalloc(1, sizeof *request);
    request->o = o;
    request->kind = kind;
    request->id = ++o->last_request;
    request->done = done;
    request->data = data;
    request->until = PLAN_HEALTHY;
    timer_init(o->services.loop, &request->timer, on_timer, request);
    return request;
}

void request_target(struct request *request, struct node *node)
{
    for (size_t i = 0; i < request->target_count; i++) {
        if (request->targets[i].node == node)
            return;
    }
    request->targets = xreallocarray(request->targets, request->target_count + 1, sizeof *request->targets);
    request->targets[request->target_count++] = (struct target){node, node->want};
    request->needs_engine = request->needs_engine || node_needs_engine(node);
    node->pins++;
}

void request_target_all(struct request *request)
{
    request->waits_for_all = false;
    for (struct node *node = request->o->nodes; node; node = node->hh.next) {
        if (node->kind->is_main && node->want == WANT_UP && !(node->spec && node->spec->sidecar))
            request_target(request, node);
    }
}

orchestrator_request request_start(struct request *request, int64_t timeout_ms)
{
    struct orchestrator *o = request->o;
    request->started_ms = loop_now_ms(o->services.loop);
    request->timeout_ms = int64_or(timeout_ms, o->services.ready_timeout_ms);
    request->pulling_before_ms = pulling_ms(o);
    DL_APPEND(o->requests, request);
    if (request->timeout_ms > 0)
        timer_start(&request->timer, request->timeout_ms);
    loop_post(o->services.loop, &o->settle);
    return request->id;
}

static void release_targets(struct request *request)
{
    for (size_t i = 0; i < request->target_count; i++)
        request->targets[i].node->pins--;
    free(request->targets);
    request->targets = NULL;
    request->target_count = 0;
}

void request_free(struct request *request)
{
    timer_stop(&request->timer);
    release_targets(request);
    plan_ref_drop(request->dry_plan);
    cJSON_Delete(request->removed);
    error_clear(&request->error);
    free(request->told);
    free(request);
}

/* A folder by its last part. */
static const char *removed_name(const struct node *node)
{
    const char *folder = native_folder(node);
    if (folder && !node->resource)
        return path_basename(folder);
    return node_shown_name(node);
}

void requests_note_removed(const struct node *node)
{
    struct request *request;
    DL_FOREACH(node->o->requests, request)
    {
        bool is_of_interest = node->kind->runs || node->kind->is_shared;
        if (request->kind != REQUEST_DOWN || !is_of_interest || native_is_scratch(node))
            continue;
        if (!request->removed)
            request->removed = cJSON_CreateArray();
        cJSON *entry = cJSON_CreateObject();
        json_add_string(entry, "name", removed_name(node));
        json_add_string(entry, "kind", node->kind->name);
        cJSON_AddItemToArray(request->removed, entry);
    }
}

/* ---- progress ---- */

static bool is_optional(const struct node *node)
{
    const struct plan_resource *resource = node_resource(node);
    return resource && resource->optional;
}

static bool is_up(const struct node *node, enum plan_until until)
{
    bool ready = node->state == STATE_READY || node->state == STATE_COMPLETED;
    switch (until) {
    case PLAN_STARTED:
        return ready || node->state == STATE_RUNNING;
    case PLAN_COMPLETED:
        return node->state == STATE_COMPLETED;
    case PLAN_GONE:
        return node_is_gone(node);
    case PLAN_HEALTHY:
    case PLAN_UNTIL_COUNT:
        break;
    }
    return ready;
}

static enum progress reached_if(bool is_reached)
{
    if (is_reached)
        return REACHED;
    return PENDING;
}

static enum progress progress_of(const struct target *target, enum plan_until until)
{
    const struct node *node = target->node;
    if (node->want != target->want)
        return SUPERSEDED;
    if (node->turn.queued)
        return PENDING;
    if (node->state == STATE_FAILED && !is_optional(node))
        return FAILED;
    if (node->state == STATE_FAILED)
        return REACHED;
    switch (node->want) {
    case WANT_KEEP:
        return REACHED;
    case WANT_UP:
        return reached_if(is_up(node, until));
    case WANT_STOPPED:
        return reached_if(node->state == STATE_STOPPED || node->state == STATE_REMOVED);
    case WANT_REMOVED:
        return reached_if(node->state == STATE_REMOVED);
    }
    return PENDING;
}

/* Whose failure the request's error is. */
static void note_told(struct request *request, const struct node *node)
{
    free(request->told);
    request->told = xstrdup(node->id);
}

/* The engine cannot be reached at all, or not for a long time. */
static bool engine_fails(struct request *request, struct error *err)
{
    const struct orchestrator *o = request->o;
    const struct node *root = o->engine;
    if (!request->needs_engine || !root || o->lost_ms < 0 || !root->error.code)
        return false;
    int64_t now = loop_now_ms(o->services.loop);
    int64_t since = int64_max(request->started_ms, o->lost_ms);
    if (o->reached_once && now - since < ENGINE_PATIENCE_MS)
        return false;
    error_copy(err, &root->error);
    note_told(request, root);
    err->code = ERROR_ENGINE; /* silence, too */
    if (o->reached_once)
        error_wrap(err, "the engine has not answered for %lld s", (long long)((now - o->lost_ms) / 1000));
    return true;
}

static enum progress check_targets(struct request *request, struct error *err)
{
    enum progress all = REACHED;

    for (size_t i = 0; i < request->target_count; i++) {
        enum progress one = progress_of(&request->targets[i], request->until);
        if (one == SUPERSEDED) {
            error_set(err, ERROR_CANCELLED, "%s: a later command asked for something else",
                      text_or(request->targets[i].node->resource, "the project"));
            return SUPERSEDED;
        }
        if (one == FAILED) {
            /* The headline is what failed itself; what that held back is in the report. */
            const struct node *cause = report_root_cause(request->targets[i].node);
            report_node_error(cause, err);
            note_told(request, cause);
            return FAILED;
        }
        if (one == PENDING)
            all = PENDING;
    }

    return all;
}

static void name_what_stays(const struct orchestrator *o, struct error *err)
{
    cleanup_strbuf struct strbuf names = {0};
    for (const struct node *node = o->nodes; node; node = node->hh.next) {
        if (node->want != WANT_REMOVED || node->state != STATE_FAILED)
            continue;
        strbuf_addf(&names, "%s%s %s", text_if(names.length, ", "), node->kind->name, node_shown_name(node));
    }
    error_wrap(err, "not removed: %s", strbuf_text(&names));
}

/* Everything that is to go, found ones too. */
static enum progress check_down(struct request *request, struct error *err)
{
    struct orchestrator *o = request->o;
    const struct node *failed = NULL;
    if (o->engine && o->engine->turn.queued)
        return PENDING;

    for (struct node *node = o->nodes; node; node = node->hh.next) {
        const struct target target = {node, node->want};
        if (node->want != WANT_REMOVED)
            continue;
        enum progress one = progress_of(&target, PLAN_GONE);
        if (one == PENDING)
            return PENDING;
        if (one == FAILED && (!failed || !failed->failed))
            failed = node;
    }

    if (failed) {
        report_node_error(failed, err);
        note_told(request, failed);
        name_what_stays(o, err);
        return FAILED;
    }

    bool asks = o->engine && o->engine->want == WANT_UP && (o->connected_once || !o->engine->error.code);
    if (asks && (!engine_is_listed(o) || o->survey_networks || o->survey_volumes))
        return PENDING;

    if (!asks || request->verified || !request->removed)
        return REACHED;
    request->verified = true;
    engine_look_again(o);
    return PENDING;
}

static enum progress check(struct request *request, struct error *err)
{
    struct orchestrator *o = request->o;
    if (request->error.code) {
        error_move(err, &request->error);
        return FAILED;
    }
    if (engine_fails(request, err))
        return FAILED;

    if (request->waits_for_all && !o->applied_once)
        return PENDING; /* nobody has said yet what `all` is */
    if (request->waits_for_all)
        request_target_all(request);
    if (request->dry_plan)
        return reached_if(!request->needs_engine || engine_is_listed(o));
    if (request->kind == REQUEST_DOWN)
        return check_down(request, err);
    return check_targets(request, err);
}

/* err: empty when it is reached. */
static void finish(struct request *request, const struct error *err)
{
    struct orchestrator *o = request->o;
    cJSON *report;
    DL_DELETE(o->requests, request);
    if (!err->code)
        err = NULL;
    if (request->dry_plan && !err)
        report = report_dry_run(o, request->dry_plan->plan);
    else
        report = report_of(request);

    if (request->kind == REQUEST_DOWN)
        o->hurry = o->kill = false;
    release_targets(request); /* done may close the orchestrator */
    if (request->done)
        request->done(err, report, request->data);
    cJSON_Delete(report);
    request_free(request);
}

/* ---- the turn ---- */

static bool is_held(const struct node *node)
{
    if (node == node->o->engine)
        return false;
    bool goes = node->want == WANT_REMOVED && node->state != STATE_REMOVED && node->state != STATE_FAILED;
    bool stays = node->want == WANT_KEEP && node->facts.persistent;
    return goes || node->want == WANT_UP || node->doing || (node->process && !stays) ||
           (node->want == WANT_STOPPED && !node->facts.persistent);
}

static void check_idle(struct orchestrator *o)
{
    if (!o->busy || o->requests)
        return;
    for (const struct node *node = o->nodes; node; node = node->hh.next) {
        if (is_held(node))
            return;
    }
    o->busy = false;
    persist_flush(o);
    if (o->services.on_idle)
        o->services.on_idle(o->services.data);
}

bool orchestrator_is_idle(const struct orchestrator *o)
{
    return !o->busy;
}

static bool is_stepping(const struct orchestrator *o)
{
    for (const struct node *node = o->nodes; node; node = node->hh.next) {
        if (node->turn.queued)
            return true;
    }
    return false;
}

/* One that is over, or NULL. */
static struct request *first_over(struct orchestrator *o, struct error *err)
{
    struct request *request;
    DL_FOREACH(o->requests, request)
    {
        enum progress progress = check(request, err);
        if (progress == PENDING)
            continue;
        if (progress != FAILED || !is_stepping(o))
            return request;
        /* The report is to show whom the failure blocks: those nodes have not been stepped yet. */
        error_move(&request->error, err);
        requests_changed(o);
    }
    return NULL;
}

void requests_settle(void *data)
{
    struct orchestrator *o = data;
    for (;;) {
        cleanup_error struct error err = {0};
        struct request *request = first_over(o, &err);
        if (!request)
            break;
        finish(request, &err);
        if (o->closing)
            return;
    }
    changes_tell(o); /* first: it has names for what is gone */
    nodes_reap(o);
    check_idle(o);
}

/* ---- time limit ---- */

static struct node *first_pending(const struct request *request)
{
    for (size_t i = 0; i < request->target_count; i++) {
        if (progress_of(&request->targets[i], request->until) == PENDING)
            return request->targets[i].node;
    }
    for (struct node *node = request->o->nodes; node; node = node->hh.next) {
        if (request->kind == REQUEST_DOWN && node->want == WANT_REMOVED && node->state != STATE_REMOVED)
            return node;
    }
    return NULL;
}

static void set_late(struct request *request)
{
    struct node *node = first_pending(request);
    int64_t seconds = request->timeout_ms / 1000;
    if (!node) {
        error_set(&request->error, ERROR_TIMEOUT, "not done within %lld s", (long long)seconds);
        return;
    }
    for (struct node *other = node_waits_for(node); other && !node->going_down; other = node_waits_for(node))
        node = other; /* what the others wait for is the culprit */

    const char *why = node_last_words(node), *detail = node->detail;
    if (str_eq(detail, why))
        detail = NULL;
    error_set(&request->error, ERROR_TIMEOUT, "%s is still %s after %lld s%s%s%s%s", node_shown_name(node),
              node_state_name(node->state), (long long)seconds, text_if(detail, ": "), text_or_empty(detail),
              text_if(why, ": "), text_or_empty(why));
    error_resource(&request->error, node->resource);
    note_told(request, node);
    listening_hint(node, &request->error);
}

static void on_timer(void *data)
{
    struct request *request = data;
    struct orchestrator *o = request->o;
    int64_t now = loop_now_ms(o->services.loop);
    int64_t due = request->started_ms + request->timeout_ms + pulling_ms(o) - request->pulling_before_ms;
    if (o->pulls || now < due) {
        int64_t shortest = o->pulls ? 1000 : 0;
        timer_start(&request->timer, int64_max(due - now, shortest));
        return;
    }
    set_late(request);
    requests_changed(o);
}
