/* Which table, and the rows that several tables share.
 *
 * Table: wanted up and current, then up; else down. Current: nothing is there, or what is there has the hash,
 * the resolved values and the restart generation that are wanted. Changed, removed, renamed, adopted, gc and
 * down are all this one question. Row one is always `waiting` and is recomputed, never counted; it does not
 * hold back what runs already.
 *
 * node_judge_exit() decides what an instance's end means: asked for, completed, restarted after a while,
 * failed. */
#include "orchestrator/internal.h"

#include <string.h>

/* What has no readiness of its own is ready when it has run on for SETTLE_MS: on a busy machine a python or
 * node that misses a module takes half a second to say so, npm up to 1.4 (supervisord's startsecs is the same
 * second). */
enum { SETTLE_MS = 1000, EARLY_MS = 10000, STABLE_MS = 60000, BACKOFF_MS = 1000, MAX_BACKOFF_MS = 60000 };
enum { OBJECT_LIMIT_MS = 120000 };

const struct lifecycle *node_lifecycle(const struct node *node)
{
    static const struct lifecycle *const lifecycles[NODE_KIND_COUNT] = {
        [PLAN_IMAGE] = &image_lifecycle,     [PLAN_NETWORK] = &network_lifecycle,
        [PLAN_VOLUME] = &volume_lifecycle,   [PLAN_CONTAINER] = &container_lifecycle,
        [PLAN_PROCESS] = &process_lifecycle, [PLAN_VALUE] = &value_lifecycle,
        [NODE_ENGINE] = &engine_lifecycle,
    };
    return lifecycles[node->kind];
}

bool node_needs_engine(const struct node *node)
{
    return node->kind <= PLAN_CONTAINER && !native_folder(node);
}

bool engine_is_listed(const struct orchestrator *o)
{
    return o->engine && o->engine->facts.listed;
}

bool node_is_server(const struct node *node)
{
    const struct plan_resource *resource = node_resource(node);
    return resource && model_is_server(resource->kind) && str_eq(resource->node, node->id);
}

bool node_is_alive(const struct node *node)
{
    if (node->kind == PLAN_PROCESS)
        return node->process != NULL;
    if (node->kind == PLAN_CONTAINER)
        return node->facts.seen != SEEN_ABSENT && node->facts.running;
    return false;
}

bool node_is_gone(const struct node *node)
{
    if (node->kind == PLAN_PROCESS)
        return !node->process;
    /* What is not known is not gone. */
    bool is_object = node->kind == PLAN_CONTAINER || node->kind == PLAN_NETWORK || node->kind == PLAN_VOLUME;
    return !is_object || node->facts.seen == SEEN_ABSENT;
}

bool node_succeeded(const struct node *node)
{
    const struct plan_run *run = node->spec ? &node->spec->run : NULL;
    if (node->facts.exit_signal)
        return false;
    if (!run || !run->success_count)
        return node->facts.exit_code == 0;
    for (size_t i = 0; i < run->success_count; i++) {
        if (run->success_codes[i] == node->facts.exit_code)
            return true;
    }
    return false;
}

bool node_is_over(const struct node *node)
{
    const struct facts *facts = &node->facts;
    return facts->over && !node_is_alive(node) && node->spec &&
           str_eq(facts->spec_hash, node->spec->spec_hash) && facts->generation == node->generation;
}

/* ---- links ---- */

static bool is_completed(const struct node *node)
{
    return node->state == STATE_COMPLETED;
}

static bool is_ready(const struct node *node)
{
    return node->state == STATE_READY || is_completed(node);
}

/* Whoever needs it need not wait until it has run on for a while: its address and its start are all it has.
 */
static bool is_as_good_as_ready(const struct node *node)
{
    return is_ready(node) || (node->state == STATE_RUNNING && node_settled_ms(node));
}

bool link_is_met(const struct link *link)
{
    const struct node *to = link->to;
    bool optional = !link->required && (to->state == STATE_FAILED || to->want != WANT_UP);
    optional = optional || (to->want == WANT_STOPPED && node_has_stand_in(to));
    switch (link->until) {
    case PLAN_STARTED:
        return is_ready(to) || to->state == STATE_RUNNING || optional;
    case PLAN_HEALTHY:
        return is_as_good_as_ready(to) || optional;
    case PLAN_COMPLETED:
        return is_completed(to) || optional;
    case PLAN_GONE:
        return node_is_gone(to);
    case PLAN_UNTIL_COUNT:
        break;
    }
    return true;
}

static bool links_met(const struct node *node)
{
    for (size_t i = 0; i < node->link_count; i++) {
        if (!link_is_met(&node->links[i]))
            return false;
    }
    return true;
}

struct node *node_waits_for(struct node *node)
{
    for (size_t i = 0; i < node->link_count; i++) {
        if (!link_is_met(&node->links[i]))
            return node->links[i].to;
    }
    return NULL;
}

static bool is_used(const struct node *node)
{
    return node->kind == PLAN_NETWORK || node->kind == PLAN_VOLUME;
}

/* It may use networks and volumes without saying so: what is found in no plan has no links. */
static bool may_use(const struct node *user, const struct node *node)
{
    int kind = native_folder(node) ? PLAN_PROCESS : PLAN_CONTAINER;
    return user->kind == kind && user->want == WANT_REMOVED && !node_is_gone(user);
}

static struct node *failed_user(const struct node *node)
{
    for (struct node *other = is_used(node) ? node->o->nodes : NULL; other; other = other->hh.next) {
        if (other->state == STATE_FAILED && may_use(other, node))
            return other;
    }
    return NULL;
}

struct node *node_blocker(const struct node *node)
{
    if (node->going_down)
        return failed_user(node);
    if (node_is_alive(node) || node->facts.completed)
        return NULL;
    for (size_t i = 0; i < node->link_count; i++) {
        const struct link *link = &node->links[i];
        bool fails_us = link->required && link->until != PLAN_GONE;
        if (fails_us && link->to->state == STATE_FAILED && link->to->want == WANT_UP)
            return link->to;
    }
    return NULL;
}

/* ---- which table ---- */

static bool values_current(struct node *node)
{
    if (!node->facts.digest || !links_met(node))
        return true;
    const char *digest = values_digest(node);
    return !digest || !strcmp(digest, node->facts.digest);
}

static bool container_current(struct node *node)
{
    const struct facts *facts = &node->facts;
    if (facts->seen != SEEN_PRESENT)
        return true;
    if (facts->spoiled || !str_eq(facts->spec_hash, node->spec->spec_hash))
        return false;
    if (facts->running && facts->generation != node->generation)
        return false;
    return values_current(node);
}

static bool process_current(struct node *node)
{
    const struct facts *facts = &node->facts;
    if (!node->process)
        return true;
    if (native_is_server(node) && facts->persistent != node->spec->run.persistent)
        return false;
    return str_eq(facts->spec_hash, node->spec->spec_hash) && facts->generation == node->generation &&
           values_current(node);
}

bool node_is_current(struct node *node)
{
    if (!node->spec)
        return false;
    if (node->kind == PLAN_CONTAINER)
        return container_current(node);
    return node->kind != PLAN_PROCESS || process_current(node);
}

bool node_is_going_down(struct node *node)
{
    if (node->kind == NODE_ENGINE)
        return false;
    if (node->want == WANT_UP)
        return !node_is_current(node);
    return node->want != WANT_KEEP;
}

bool node_stops_only(struct node *node)
{
    const struct facts *facts = &node->facts;
    if (node->kind != PLAN_CONTAINER || node->want == WANT_REMOVED || facts->spoiled)
        return false;
    if (node->want == WANT_STOPPED)
        return true;
    return node->spec && str_eq(facts->spec_hash, node->spec->spec_hash) && values_current(node);
}

/* ---- shared rows ---- */

/* An engine that was never reached has nothing of ours that we know of: going down need not wait for it. */
static bool has_nothing(const struct node *node)
{
    const struct orchestrator *o = node->o;
    return node_needs_engine(node) && node->going_down && !o->connected_once && o->engine &&
           o->engine->error.code && !node->facts.object;
}

bool goal_connected_met(struct node *node)
{
    if (has_nothing(node))
        node->facts.seen = SEEN_ABSENT;
    return !node_needs_engine(node) || engine_is_listed(node->o) || has_nothing(node);
}

bool goal_waiting_met(struct node *node)
{
    if (node_needs_engine(node) && !engine_is_listed(node->o))
        return false;
    if (node_is_alive(node) || node_is_over(node))
        return true;
    if (!links_met(node))
        return false;
    bool has_values = node->kind != PLAN_CONTAINER || node->facts.seen != SEEN_UNKNOWN;
    return !has_values || values_digest(node) || secrets_missing(node);
}

static bool must_go_first(const struct node *dependant, const struct node *node)
{
    if (!dependant->going_down && dependant->want != WANT_REMOVED && dependant->want != WANT_STOPPED)
        return false;
    if (is_used(node))
        return dependant->want == WANT_REMOVED && !node_is_gone(dependant);
    return node_is_alive(dependant) && dependant->state != STATE_FAILED; /* one that cannot go holds nobody */
}

bool goal_unused_met(struct node *node)
{
    for (size_t i = 0; i < node->dependant_count; i++) {
        if (must_go_first(node->dependants[i], node))
            return false;
    }
    for (struct node *other = is_used(node) ? node->o->nodes : NULL; other; other = other->hh.next) {
        if (may_use(other, node))
            return false;
    }
    return true;
}

bool goal_calm_met(struct node *node)
{
    return node_is_alive(node) || node_now(node) >= node->facts.not_before;
}

struct limit goal_forever(struct node *node)
{
    (void)node;
    return FOREVER;
}

struct limit goal_object_limit(struct node *node)
{
    return limit_or(node->o->services.ready_timeout_ms, LIMIT_MS(OBJECT_LIMIT_MS));
}

struct limit goal_ready_limit(struct node *node)
{
    return limit_or(node_probe(node)->timeout_ms, goal_object_limit(node));
}

struct limit goal_task_limit(struct node *node)
{
    if (node->spec->run.task)
        return FOREVER;
    /* `timeout` bounds probes; running on for a while is none. */
    return node_settled_ms(node) ? goal_object_limit(node) : goal_ready_limit(node);
}

/* ---- instances ---- */

void node_instance_started(struct node *node)
{
    struct facts *facts = &node->facts;
    facts->running = true;
    facts->unborn = false;
    facts->exited = facts->over = facts->ready = facts->seeded = facts->oom = false;
    facts->exit_code = facts->exit_signal = 0;
    facts->generation = node->generation;
    facts->started_ms = node_now(node);
    facts->settled_ms = facts->started_ms + SETTLE_MS;
    facts->started_wall_ns = loop_wall_ns(node->o->services.loop);
    facts->ready_ms = 0;
    facts->health = ENGINE_HEALTH_NONE;
    node_remember_bonds(node);
}

void node_instance_ended(struct node *node)
{
    node->facts.running = node->facts.ready = false;
    sensor_stop(node);
    output_unfollow(node);
    node_wake_neighbours(node);
}

/* Exponential, jittered by a quarter so that many do not come back at once. */
static int64_t next_backoff(struct node *node, const struct plan_restart *restart)
{
    struct orchestrator *o = node->o;
    int64_t delay = restart->backoff_ms > 0 ? restart->backoff_ms : BACKOFF_MS;
    int64_t most = restart->max_backoff_ms > 0 ? restart->max_backoff_ms : MAX_BACKOFF_MS;
    for (int i = 0; i < node->facts.restarts && delay < most; i++)
        delay *= 2;
    if (delay > most)
        delay = most;
    o->random ^= o->random << 13;
    o->random ^= o->random >> 7;
    o->random ^= o->random << 17;
    return delay * 3 / 4 + (int64_t)(o->random % (uint64_t)(delay / 2 + 1));
}

char *node_exit_text(const struct node *node, const char *when)
{
    const struct facts *facts = &node->facts;
    const char *oom = facts->oom ? " (out of memory)" : "";
    if (facts->exit_signal)
        return xasprintf("was ended%s by signal %d%s", when, facts->exit_signal, oom);
    return xasprintf("ended%s with exit code %d%s", when, facts->exit_code, oom);
}

char *node_early_end_text(const struct node *node)
{
    const struct facts *facts = &node->facts;
    if (node->going_down || !facts->over || facts->completed || facts->lived_ms >= EARLY_MS)
        return NULL;
    return xasprintf("ended by itself after %.1f s, with exit code %d", (double)facts->lived_ms / 1000,
                     facts->exit_code);
}

/* By default readiness: no probe tells, and no health check. */
static bool is_ready_by_running(const struct node *node)
{
    enum plan_probe_kind kind = node_probe(node)->kind;
    if (!node->spec || node->spec->run.task)
        return false;
    if (node->kind == PLAN_PROCESS)
        return kind == PLAN_PROBE_NONE;
    bool has_no_health = node->facts.health == ENGINE_HEALTH_NONE && !node->port_count;
    return node->kind == PLAN_CONTAINER &&
           (kind == PLAN_PROBE_NONE || (kind == PLAN_PROBE_IMAGE_HEALTH && has_no_health));
}

int64_t node_settled_ms(const struct node *node)
{
    bool settles = node_now(node) < node->facts.settled_ms && is_ready_by_running(node);
    return settles && node_is_alive(node) ? node->facts.settled_ms : 0;
}

static void fail_exit(struct node *node)
{
    const char *name = node->resource ? node->resource : node->id, *when = "";
    if (node_now(node) < node->facts.settled_ms && is_ready_by_running(node))
        when = " right after its start";
    else if (!node->facts.was_ready)
        when = " before it was ready";
    cleanup_free char *how = node_exit_text(node, when);
    node_fail_text(node, ERROR_RESOURCE, "%s %s", name, how);
}

static bool may_restart(const struct node *node, bool good)
{
    const struct plan_restart *restart = &node->spec->run.restart;
    /* A server that never came up says why at once; one that did is brought back for ever. */
    if (node_is_server(node))
        return node->facts.was_ready;
    if (restart->when == MODEL_RESTART_NEVER || (restart->when == MODEL_RESTART_ON_FAILURE && good))
        return false;
    return restart->max_retries < 0 || node->facts.restarts < restart->max_retries;
}

void node_judge_exit(struct node *node)
{
    struct facts *facts = &node->facts;
    facts->exited = node->want == WANT_UP && !node->going_down && node->spec;
    node_wake(node);
    if (!facts->exited)
        return;
    bool good = node_succeeded(node), task = node->spec->run.task;
    if (task && good) {
        free(facts->completed);
        facts->completed = task_key(node);
        state_task_set(node->o->services.state, node->id, facts->completed, NULL);
        return;
    }
    facts->lived_ms = node_now(node) - facts->started_ms;
    if (facts->lived_ms >= STABLE_MS)
        facts->restarts = 0;
    bool had_begun = facts->was_ready || node_probe(node)->kind == PLAN_PROBE_NONE;
    if (may_restart(node, good)) {
        facts->not_before = node_now(node) + next_backoff(node, &node->spec->run.restart);
        facts->restarts++;
    } else if (good && had_begun)
        facts->over = true;
    else
        fail_exit(node);
}
