/* The view as a whole, and what has changed since when: each record of the view has a revision, drawn from
 * one counter with the transitions.
 *
 * A node that was stepped, or said something, is touched. Only when somebody asks are touched nodes looked
 * at: a record that differs from the one that was looked at last gets the next revision. What a node is freed
 * with stays in a list of names, of bounded length; who asks for more than it remembers takes the view. */
#include "orchestrator/internal.h"

#include "base/digest.h"

#include <string.h>

static uint64_t print_of(const cJSON *json)
{
    cleanup_free char *text = json_print(json);
    return digest_fnv1a_64(text);
}

/* 0: nothing is shown of it. */
static uint64_t fingerprint(struct node *node)
{
    struct arena arena = {0};
    cleanup_json cJSON *json = NULL;
    if (node == node->o->engine) {
        struct view_engine engine = engine_record(node->o, &arena);
        json = view_engine_to_json(&engine);
    } else if (node_is_shown(node)) {
        struct view_resource record = node_record(node, &arena);
        json = view_resource_to_json(&record);
    }
    arena_free(&arena);
    if (!json)
        return 0;
    return print_of(json);
}

static void look(struct node *node)
{
    node->is_touched = false;
    uint64_t now = fingerprint(node);
    if (now == node->shown)
        return;
    node->shown = now;
    node->rev = ++node->o->rev;
}

int64_t orchestrator_rev(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next)
        if (node->is_touched)
            look(node);
    return o->rev;
}

void changes_whole(struct orchestrator *o)
{
    o->whole_rev = ++o->rev;
}

void changes_forget(struct node *node)
{
    struct orchestrator *o = node->o;
    if (!node->rev || o->closing)
        return;
    if (o->gone_count == GONE_KEPT) {
        o->whole_rev = o->gone[0].rev;
        free(o->gone[0].id);
        memmove(o->gone, o->gone + 1, sizeof *o->gone * --o->gone_count);
    }
    o->gone[o->gone_count].id = xstrdup(node->id);
    o->gone[o->gone_count++].rev = ++o->rev;
}

void changes_free(struct orchestrator *o)
{
    for (size_t i = 0; i < o->gone_count; i++)
        free(o->gone[i].id);
}

void orchestrator_follow(struct orchestrator *o, bool is_followed)
{
    o->is_followed = is_followed;
}

void changes_tell(struct orchestrator *o)
{
    if (o->is_followed && o->services.on_change)
        o->services.on_change(o->services.data);
}

/* A node of this name came back: it is not gone. */
static bool is_back(const struct orchestrator *o, const char *id)
{
    const struct node *node = node_find(o, id);
    return node && node_is_shown(node);
}

static void add_gone(struct orchestrator *o, int64_t since, struct view_changes *changes)
{
    for (size_t i = 0; i < o->gone_count; i++)
        if (o->gone[i].rev > since && !is_back(o, o->gone[i].id))
            changes->gone[changes->gone_count++] = o->gone[i].id;
}

static void add_change(struct node *node, struct arena *arena, struct view_changes *changes)
{
    if (!node->shown)
        changes->gone[changes->gone_count++] = node->id;
    else if (node_is_shown_as_resource(node))
        changes->resources[changes->resource_count++] = node_record(node, arena);
    else
        changes->others[changes->other_count++] = node_record(node, arena);
}

static void add_engine(struct orchestrator *o, struct arena *arena, struct view_changes *changes)
{
    struct view_engine *engine = arena_alloc(arena, sizeof *engine);
    *engine = engine_record(o, arena);
    changes->engine = engine;
}

static size_t count_changes(const struct orchestrator *o, int64_t since)
{
    size_t count = 0;
    for (const struct node *node = o->nodes; node; node = node->hh.next)
        count += node->rev > since;
    return count;
}

bool orchestrator_changes(struct orchestrator *o, int64_t since, struct arena *arena,
                          struct view_changes *changes)
{
    *changes = (struct view_changes){.rev = orchestrator_rev(o), .session = o->services.session};
    if (since < o->whole_rev || since > o->rev)
        return false;
    size_t count = count_changes(o, since);
    changes->resources = arena_alloc(arena, (count + 1) * sizeof *changes->resources);
    changes->others = arena_alloc(arena, (count + 1) * sizeof *changes->others);
    changes->gone = arena_alloc(arena, (count + o->gone_count + 1) * sizeof *changes->gone);

    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node->rev <= since)
            continue;
        if (node == o->engine)
            add_engine(o, arena, changes);
        else
            add_change(node, arena, changes);
    }
    add_gone(o, since, changes);
    return true;
}

/* ---- the whole ---- */

static void add_resource(struct view *view, struct node *node)
{
    view->resources[view->resource_count++] = node_record(node, &view->arena);
}

static void add_planned(struct view *view, struct orchestrator *o, const struct plan *plan)
{
    for (size_t i = 0; i < plan->resource_count; i++) {
        const struct plan_node *spec = plan_node_of(plan, &plan->resources[i], 0);
        for (size_t next = 1; spec; spec = plan_node_of(plan, &plan->resources[i], next++)) {
            struct node *node = node_find(o, spec->id);
            if (node)
                add_resource(view, node);
        }
    }
}

static void add_found(struct view *view, struct orchestrator *o, const struct plan *plan)
{
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        bool is_in_plan = node->kind->is_main && plan && plan_find(plan, node->id);
        if (node == o->engine || !node_is_shown(node) || is_in_plan)
            continue;
        if (node_is_shown_as_resource(node))
            add_resource(view, node);
        else
            view->others[view->other_count++] = node_record(node, &view->arena);
    }
}

struct view *orchestrator_snapshot(struct orchestrator *o)
{
    struct view *view = xcalloc(1, sizeof *view);
    const struct plan *plan = NULL;
    size_t most = HASH_COUNT(o->nodes) + 1;

    if (o->plan)
        plan = o->plan->plan;
    if (plan) {
        view->project = plan->project;
        view->hash = plan->project_hash;
        view->manifest = plan->manifest_file;
    }
    view->session = o->services.session;
    view->rev = orchestrator_rev(o);
    view->engine = engine_record(o, &view->arena);
    view->resources = arena_alloc(&view->arena, most * sizeof *view->resources);
    view->others = arena_alloc(&view->arena, most * sizeof *view->others);
    if (plan)
        add_planned(view, o, plan);
    add_found(view, o, plan);
    return view;
}

cJSON *orchestrator_view(struct orchestrator *o)
{
    cleanup_view struct view *view = orchestrator_snapshot(o);
    return view_to_json(view);
}
