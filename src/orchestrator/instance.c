/* Instances of what runs: their begin, their end, and what the end means: asked for, completed, restarted
 * after a while, failed. */
#include "orchestrator/internal.h"

/* What has no readiness of its own is ready when it has run on for SETTLE_MS: on a busy machine a python or
 * node that misses a module takes half a second to say so, npm up to 1.4 (supervisord's startsecs is the same
 * second). */
enum { SETTLE_MS = 1000, EARLY_MS = 10000, STABLE_MS = 60000, BACKOFF_MS = 1000, MAX_BACKOFF_MS = 60000 };

char *task_key(const struct node *node)
{
    cleanup_strbuf struct strbuf text = {0};
    strbuf_addf(&text, "%s %s %llu", node->o->services.session, node->spec->spec_hash,
                (unsigned long long)node->generation);
    for (size_t i = 0; i < node->link_count; i++) {
        const struct node *to = node->links[i].to;
        if (to->kind->at_engine)
            strbuf_addf(&text, " %s=%s", to->id, text_or_empty(to->facts.object));
    }
    return strbuf_take(&text);
}

void node_instance_started(struct node *node)
{
    int64_t now = node_now(node);
    facts_run(node, true);
    facts_bear(node, false);
    facts_seed(node, false);
    facts_form(node, false);
    facts_run_again(node);
    facts_ready(node, false);
    facts_starve(node, false);
    facts_save(node, false);

    users_forget(node);
    facts_end_as(node, 0, 0);

    node->facts.generation = node->generation;
    facts_start(node, now, loop_wall_ns(node->o->services.loop));
    facts_settle_at(node, now + SETTLE_MS);
    facts_ready_since(node, 0, 0);
    facts_feel(node, ENGINE_HEALTH_NONE);
    node_remember_bonds(node);
}

void node_instance_ended(struct node *node)
{
    facts_run(node, false);
    facts_ready(node, false);
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

static void fail_exit(struct node *node)
{
    const char *name = node_exact_name(node), *when = "";
    if (node_now(node) < node->facts.settled_ms && node_is_ready_by_running(node))
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
    facts_exit(node, node->want == WANT_UP && !node->going_down && node->spec);
    node_wake(node);
    if (!facts->exited)
        return;

    bool good = node_succeeded(node), task = node->spec->run.task;
    if (task && good) {
        facts_complete(node, task_key(node));
        state_task_set(node->o->services.state, node->id, facts->completed, NULL);
        return;
    }

    facts->lived_ms = node_now(node) - facts->started_ms;
    if (facts->lived_ms >= STABLE_MS)
        facts_count_restarts(node, 0);

    bool had_begun = facts->was_ready || node_probe(node)->kind == PLAN_PROBE_NONE;
    if (may_restart(node, good)) {
        facts_pause_until(node, node_now(node) + next_backoff(node, &node->spec->run.restart));
        facts_count_restarts(node, facts->restarts + 1);
    } else if (good && had_begun)
        facts_over(node);
    else
        fail_exit(node);
}
