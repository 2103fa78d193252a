/* The writers of facts that are learnt in many places: one function a fact, so that where it is written is
 * one place. Nothing follows from a note by itself; whoever learns something wakes the node. What is written
 * here is written nowhere else (scripts/check-facts). Texts have theirs in facts_note.c. */
#ifndef ORCHESTRATOR_FACTS_NOTE_H
#define ORCHESTRATOR_FACTS_NOTE_H

#include "orchestrator/node.h"

/* ---- texts ---- */

void facts_name(struct node *node, const char *id); /* the engine's; NULL: none */
void facts_make_of(struct node *node, const char *spec_hash);
void facts_resolve(struct node *node, const char *digest); /* of its values */
void facts_label_ports(struct node *node, const char *label);
/* These take over. */
void facts_complete(struct node *node, char *key); /* NULL: it is not */
void facts_use(struct node *node, char *users, struct strlist names);
/* Of everything: what backoff and readers of the last run need stays. */
void facts_clear(struct facts *facts);

/* ---- what is there ---- */

static inline void facts_see(struct node *node, enum seen seen)
{
    node->facts.seen = seen;
}

static inline void facts_spoil(struct node *node, bool is_spoiled)
{
    node->facts.spoiled = is_spoiled;
}

static inline void facts_join(struct node *node, bool is_joined)
{
    node->facts.joined = is_joined;
}

static inline void facts_inspect(struct node *node)
{
    node->facts.inspected = true;
}

static inline void facts_last(struct node *node, bool persistent, bool ephemeral)
{
    node->facts.persistent = persistent;
    node->facts.ephemeral = ephemeral;
}

static inline void facts_disturb(struct node *node, bool is_disturbed)
{
    node->facts.disturbed = is_disturbed;
}

/* 0: whenever it comes. */
static inline void facts_answer_by(struct node *node, int64_t due_ms)
{
    node->facts.answer_due_ms = due_ms;
}

/* An image. */
static inline void facts_lack(struct node *image, bool is_absent)
{
    image->facts.absent = is_absent;
}

/* ---- an instance, from its begin to what its end meant ---- */

static inline void facts_bear(struct node *node, bool is_unborn)
{
    node->facts.unborn = is_unborn;
}

static inline void facts_start(struct node *node, int64_t ms, int64_t wall_ns)
{
    node->facts.started_ms = ms;
    node->facts.started_wall_ns = wall_ns;
}

static inline void facts_run(struct node *node, bool is_running)
{
    node->facts.running = is_running;
}

static inline void facts_settle_at(struct node *node, int64_t ms)
{
    node->facts.settled_ms = ms;
}

static inline void facts_feel(struct node *node, enum engine_health health)
{
    node->facts.health = health;
}

static inline void facts_ready(struct node *node, bool is_ready)
{
    node->facts.ready = is_ready;
}

/* 0: it has not been yet. */
static inline void facts_ready_since(struct node *node, int64_t ms, int64_t wall_ns)
{
    node->facts.ready_ms = ms;
    node->facts.ready_wall_ns = wall_ns;
}

static inline void facts_was_ready(struct node *node, bool was_ready)
{
    node->facts.was_ready = was_ready;
}

static inline void facts_seed(struct node *node, bool is_seeded)
{
    node->facts.seeded = is_seeded;
}

static inline void facts_form(struct node *node, bool is_formed)
{
    node->facts.formed = is_formed;
}

static inline void facts_save(struct node *node, bool is_saved)
{
    node->facts.saved = is_saved;
}

static inline void facts_end_as(struct node *node, int code, int signal)
{
    node->facts.exit_code = code;
    node->facts.exit_signal = signal;
}

static inline void facts_exit(struct node *node, bool has_exited)
{
    node->facts.exited = has_exited;
}

static inline void facts_over(struct node *node)
{
    node->facts.over = true;
}

/* Neither exited nor over. */
static inline void facts_run_again(struct node *node)
{
    node->facts.exited = node->facts.over = false;
}

/* Of memory. */
static inline void facts_starve(struct node *node, bool is_starved)
{
    node->facts.oom = is_starved;
}

/* ---- tries ---- */

/* What was tried, and when it may be tried again; 0: at once. */
static inline void facts_pause_until(struct node *node, int64_t ms)
{
    node->facts.not_before = ms;
}

static inline void facts_count_restarts(struct node *node, int count)
{
    node->facts.restarts = count;
}

static inline void facts_count_retries(struct node *node, int count)
{
    node->facts.retries = count;
}

/* One more; how many there were before. */
static inline int facts_retry(struct node *node)
{
    return node->facts.retries++;
}

/* ---- the engine ---- */

static inline void facts_reach(struct node *root)
{
    root->facts.reachable = true;
}

static inline void facts_locate(struct node *root)
{
    root->facts.located = true;
}

static inline void facts_subscribe(struct node *root)
{
    root->facts.subscribed = true;
}

static inline void facts_list(struct node *root, bool is_listed)
{
    root->facts.listed = is_listed;
}

static inline void facts_survey(struct node *root, bool is_surveyed)
{
    root->facts.surveyed = is_surveyed;
}

/* None of these. */
static inline void facts_lose(struct node *root)
{
    struct facts *facts = &root->facts;
    facts->reachable = facts->located = facts->subscribed = facts->listed = facts->surveyed = false;
}

#endif
