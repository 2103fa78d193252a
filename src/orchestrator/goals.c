/* The rows that several tables share, and what they are made of: edges, values, users.
 *
 * Table: wanted up and current, then up; else down. Current: nothing is there, or what is there has the hash,
 * the resolved values and the restart generation that are wanted. Changed, removed, renamed, adopted, gc and
 * down are all this one question. Row one is always `waiting` and is recomputed, never counted; it does not
 * hold back what runs already. */
#include "orchestrator/internal.h"

#include <string.h>

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

struct node *node_waits_for(const struct node *node)
{
    for (size_t i = 0; i < node->link_count; i++) {
        if (!link_is_met(&node->links[i]))
            return node->links[i].to;
    }
    return NULL;
}

/* It may use networks and volumes without saying so: what is found in no plan has no links. */
static bool is_user_that_goes(const struct node *user, const struct node *shared)
{
    return user->want == WANT_REMOVED && node_may_use(user, shared) && !node_is_gone(user);
}

static struct node *failed_user(const struct node *node)
{
    if (!node->kind->is_shared)
        return NULL;
    for (struct node *other = node->o->nodes; other; other = other->hh.next) {
        if (other->state == STATE_FAILED && is_user_that_goes(other, node))
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

bool node_has_current_values(const struct node *node)
{
    if (!node->facts.digest || !links_met(node))
        return true;
    const char *digest = values_known_digest(node);
    return !digest || !strcmp(digest, node->facts.digest);
}

/* ---- shared rows ---- */

/* An engine that was never reached has nothing of ours that we know of: going down need not wait for it. */
static bool has_nothing(const struct node *node)
{
    const struct orchestrator *o = node->o;
    return node_needs_engine(node) && node->going_down && !o->connected_once && o->engine &&
           o->engine->error.code && !node->facts.object;
}

void node_learn_nothing(struct node *node)
{
    if (has_nothing(node))
        facts_see(node, SEEN_ABSENT);
}

bool goal_connected_met(const struct node *node)
{
    return !node_needs_engine(node) || engine_is_listed(node->o) || has_nothing(node);
}

bool goal_waiting_met(const struct node *node)
{
    if (node_needs_engine(node) && !engine_is_listed(node->o))
        return false;
    if (node_is_alive(node) || node_is_over(node))
        return true;
    if (!links_met(node))
        return false;
    /* What is there may know its ports and secrets: it has to be looked at first. */
    bool is_unclear = node->kind->at_engine && node->facts.seen == SEEN_UNKNOWN;
    return is_unclear || values_known_digest(node) || secrets_missing(node);
}

static bool must_go_first(const struct node *dependant, const struct node *node)
{
    if (!dependant->going_down && dependant->want != WANT_REMOVED && dependant->want != WANT_STOPPED)
        return false;
    if (node->kind->is_shared)
        return dependant->want == WANT_REMOVED && !node_is_gone(dependant);
    return node_is_alive(dependant) && dependant->state != STATE_FAILED; /* one that cannot go holds nobody */
}

bool goal_unused_met(const struct node *node)
{
    for (size_t i = 0; i < node->dependant_count; i++) {
        if (must_go_first(node->dependants[i], node))
            return false;
    }
    for (struct node *other = node->o->nodes; other && node->kind->is_shared; other = other->hh.next) {
        if (is_user_that_goes(other, node))
            return false;
    }
    return true;
}

bool goal_calm_met(const struct node *node)
{
    return node_is_alive(node) || node_now(node) >= node->facts.not_before;
}
