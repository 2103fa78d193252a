/* Who waits for whom, and why: the links of all nodes as they are now. */
#include "orchestrator/internal.h"
#include "control/details.h"

#include "base/pick.h"

#include <string.h>

/* What the other end does, instead of being as it is waited for. */
static char *what_it_does(const struct node *to)
{
    struct strbuf text = {0};
    strbuf_addf(&text, "%s is %s", node_shown_name(to), node_state_name(to->state));
    if (to->goal && strcmp(to->goal->name, node_state_name(to->state)) != 0)
        strbuf_addf(&text, " (%s)", to->goal->name);
    if (to->state == STATE_FAILED && to->error.text)
        strbuf_addf(&text, ": %s", to->error.text);
    else if (to->detail && *to->detail)
        strbuf_addf(&text, ": %s", to->detail);
    return strbuf_take(&text);
}

static struct view_edge edge_of(const struct node *node, const struct link *link, struct arena *arena)
{
    struct view_edge edge = {
        .from = node_shown_name(node),
        .to = node_shown_name(link->to),
        .from_node = node->id,
        .to_node = link->to->id,
        .until = plan_until_name(link->until),
        .is_required = link->required,
        .is_met = link_is_met(link),
    };
    if (!edge.is_met) {
        cleanup_free char *why = what_it_does(link->to);
        edge.why = arena_strdup(arena, why);
    }
    return edge;
}

cJSON *orchestrator_edges(struct orchestrator *o)
{
    struct view_edges edges = {0};
    size_t count = 0;
    for (struct node *node = o->nodes; node; node = node->hh.next)
        count += node->link_count;
    edges.edges = arena_alloc(&edges.arena, (count + 1) * sizeof *edges.edges);

    for (struct node *node = o->nodes; node; node = node->hh.next)
        for (size_t i = 0; i < node->link_count; i++)
            edges.edges[edges.edge_count++] = edge_of(node, &node->links[i], &edges.arena);

    cJSON *json = view_edges_to_json(&edges);
    arena_free(&edges.arena);
    return json;
}

/* ---- details ---- */

/* Of the environment the names: values are what `env` is for. */
static void keep_names_only(cJSON *spec)
{
    cJSON *environment = json_get(json_get(spec, "run"), "environment"), *item;
    if (!environment)
        environment = json_get(spec, "environment");
    cJSON_ArrayForEach(item, environment)
    {
        if (cJSON_IsObject(item))
            cJSON_DeleteItemFromObjectCaseSensitive(item, "value");
    }
}

cJSON *orchestrator_details(struct orchestrator *o, const char *resource, struct error *err)
{
    struct node *node = node_of_resource(o, resource);
    for (struct node *other = o->nodes; other && !node; other = other->hh.next)
        if (str_eq(other->id, resource) || str_eq(other->resource, resource))
            node = other;
    if (!node) {
        cleanup_free char *shown = str_printable(resource);
        error_set(err, ERROR_NOT_RUNNING, "no such resource: %s", shown);
        return NULL;
    }

    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "name", node_shown_name(node));
    json_add_string(json, "node", node->id);
    json_add_string(json, "kind", node->kind->name);
    if (node->kind->at_engine)
        json_add_string(json, "containerId", node->facts.object);
    if (node->spec) {
        cJSON *spec = plan_node_spec(node->spec);
        keep_names_only(spec);
        cJSON_AddItemToObject(json, "spec", spec);
    }
    return json;
}

char *orchestrator_mask(struct orchestrator *o, const char *text)
{
    struct scrub *scrub = secrets_scrub(o);
    size_t length;
    char *masked = scrub_text(scrub, text, strlen(text), &length);
    scrub_free(scrub);
    free(scrub);
    return masked;
}
