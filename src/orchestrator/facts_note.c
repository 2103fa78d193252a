/* The writers of facts that are learnt in many places: one function a fact, so that where it is written is
 * one place. Nothing follows from a note by itself; whoever learns something wakes the node. What is written
 * here is written nowhere else (scripts/check-facts). */
#include "orchestrator/internal.h"

void facts_see(struct node *node, enum seen seen)
{
    node->facts.seen = seen;
}

void facts_name(struct node *node, const char *id)
{
    char *copy = xstrdup_null(id);
    free(node->facts.object);
    node->facts.object = copy;
}

void facts_spoil(struct node *node, bool is_spoiled)
{
    node->facts.spoiled = is_spoiled;
}

void facts_join(struct node *node, bool is_joined)
{
    node->facts.joined = is_joined;
}

void facts_inspect(struct node *node)
{
    node->facts.inspected = true;
}

void facts_last(struct node *node, bool persistent, bool ephemeral)
{
    node->facts.persistent = persistent;
    node->facts.ephemeral = ephemeral;
}

void facts_make_of(struct node *node, const char *spec_hash)
{
    char *copy = xstrdup_null(spec_hash);
    free(node->facts.spec_hash);
    node->facts.spec_hash = copy;
}

void facts_resolve(struct node *node, const char *digest)
{
    char *copy = xstrdup_null(digest);
    free(node->facts.digest);
    node->facts.digest = copy;
}

void facts_bear(struct node *node, bool is_unborn)
{
    node->facts.unborn = is_unborn;
}

void facts_start(struct node *node, int64_t ms, int64_t wall_ns)
{
    node->facts.started_ms = ms;
    node->facts.started_wall_ns = wall_ns;
}

void facts_run(struct node *node, bool is_running)
{
    node->facts.running = is_running;
}

void facts_settle_at(struct node *node, int64_t ms)
{
    node->facts.settled_ms = ms;
}

void facts_ready_since(struct node *node, int64_t ms, int64_t wall_ns)
{
    node->facts.ready_ms = ms;
    node->facts.ready_wall_ns = wall_ns;
}

void facts_was_ready(struct node *node, bool was_ready)
{
    node->facts.was_ready = was_ready;
}

void facts_end_as(struct node *node, int code, int signal)
{
    node->facts.exit_code = code;
    node->facts.exit_signal = signal;
}

void facts_exit(struct node *node, bool has_exited)
{
    node->facts.exited = has_exited;
}

void facts_over(struct node *node)
{
    node->facts.over = true;
}

void facts_run_again(struct node *node)
{
    node->facts.exited = node->facts.over = false;
}

void facts_complete(struct node *node, char *key)
{
    free(node->facts.completed);
    node->facts.completed = key;
}

void facts_starve(struct node *node, bool is_starved)
{
    node->facts.oom = is_starved;
}

void facts_pause_until(struct node *node, int64_t ms)
{
    node->facts.not_before = ms;
}

void facts_count_restarts(struct node *node, int count)
{
    node->facts.restarts = count;
}

void facts_count_retries(struct node *node, int count)
{
    node->facts.retries = count;
}

int facts_retry(struct node *node)
{
    return node->facts.retries++;
}

void facts_feel(struct node *node, enum engine_health health)
{
    node->facts.health = health;
}

void facts_ready(struct node *node, bool is_ready)
{
    node->facts.ready = is_ready;
}

void facts_disturb(struct node *node, bool is_disturbed)
{
    node->facts.disturbed = is_disturbed;
}

void facts_save(struct node *node, bool is_saved)
{
    node->facts.saved = is_saved;
}

void facts_answer_by(struct node *node, int64_t due_ms)
{
    node->facts.answer_due_ms = due_ms;
}

void facts_seed(struct node *node, bool is_seeded)
{
    node->facts.seeded = is_seeded;
}

void facts_form(struct node *node, bool is_formed)
{
    node->facts.formed = is_formed;
}

void facts_use(struct node *node, char *users, struct strlist names)
{
    free(node->facts.users);
    strlist_free(&node->facts.user_names);
    node->facts.users = users;
    node->facts.user_names = names;
}

void facts_label_ports(struct node *node, const char *label)
{
    char *copy = xstrdup_null(label);
    free(node->facts.port_label);
    node->facts.port_label = copy;
}

void facts_lack(struct node *image, bool is_absent)
{
    image->facts.absent = is_absent;
}

/* ---- the engine ---- */

void facts_reach(struct node *root)
{
    root->facts.reachable = true;
}

void facts_locate(struct node *root)
{
    root->facts.located = true;
}

void facts_subscribe(struct node *root)
{
    root->facts.subscribed = true;
}

void facts_list(struct node *root, bool is_listed)
{
    root->facts.listed = is_listed;
}

void facts_survey(struct node *root, bool is_surveyed)
{
    root->facts.surveyed = is_surveyed;
}

void facts_lose(struct node *root)
{
    struct facts *facts = &root->facts;
    facts->reachable = facts->located = facts->subscribed = facts->listed = facts->surveyed = false;
}

/* ---- all of them ---- */

void facts_clear(struct facts *facts)
{
    free(facts->object);
    free(facts->spec_hash);
    free(facts->digest);
    free(facts->port_label);
    free(facts->users);
    free(facts->role);
    free(facts->gateway);
    strlist_free(&facts->user_names);

    struct facts kept = {
        .not_before = facts->not_before,
        .restarts = facts->restarts,
        .retries = facts->retries,
        .trouble_ms = facts->trouble_ms,
        .was_ready = facts->was_ready,
        .completed = facts->completed,
        .exit_code = facts->exit_code,
        .exit_signal = facts->exit_signal,
        .oom = facts->oom,
        .absent = facts->absent,
        .pulled = facts->pulled,
    };
    *facts = kept;
}
