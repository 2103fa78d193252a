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

void facts_run_again(struct node *node)
{
    node->facts.exited = node->facts.over = false;
}

void facts_end_as(struct node *node, int code, int signal)
{
    node->facts.exit_code = code;
    node->facts.exit_signal = signal;
}

void facts_starve(struct node *node, bool is_starved)
{
    node->facts.oom = is_starved;
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
