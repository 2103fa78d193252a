/* Circles: resources that wait for each other, and connection strings that are made of each other.
 *
 * Both are walks over a list of edges sorted by where they start; the walk keeps its own stack, since a
 * manifest may hold very long chains. Every edge that closes a circle is reported once, with the whole
 * circle. */
#include "manifest/loader.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

struct edge {
    size_t from, to;
    struct model_pos pos;
    int length;
    const char *word; /* what stands in the manifest: "references", "wait_for" */
    bool can_let_go;  /* `wait: false` would take it away */
};

struct graph {
    struct loader *l;
    struct edge *edges;
    size_t count, capacity;
    size_t *first; /* of each node; first[n] is the end */
};

enum state { FRESH, OPEN, DONE };

struct step {
    size_t node, next; /* next edge to follow */
};

struct walk {
    struct graph *graph;
    unsigned char *state;
    struct step *stack;
    size_t depth;
    const char *sentence;
    void (*hint)(struct loader *l, bool can_let_go);
};

static void add_edge(struct graph *g, struct edge edge)
{
    if (g->count == g->capacity) {
        g->capacity = grown(g->capacity, 64);
        g->edges = xreallocarray(g->edges, g->capacity, sizeof *g->edges);
    }
    g->edges[g->count++] = edge;
}

static int compare_edges(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->pos.line != b->pos.line)
        return a->pos.line < b->pos.line ? -1 : 1;
    return (a->pos.column > b->pos.column) - (a->pos.column < b->pos.column);
}

static void sort_edges(struct graph *g)
{
    size_t nodes = g->l->model->resource_count;
    if (g->count)
        qsort(g->edges, g->count, sizeof *g->edges, compare_edges);
    g->first = xcalloc(nodes + 1, sizeof *g->first);
    for (size_t i = 0, at = 0; i <= nodes; i++) {
        while (at < g->count && g->edges[at].from < i)
            at++;
        g->first[i] = at;
    }
}

static void report_circle(struct walk *w, const struct edge *last)
{
    const struct model_resource *resources = w->graph->l->model->resources;
    struct strbuf text = {0};
    bool can_let_go = last->can_let_go;
    size_t at = w->depth;

    while (at && w->stack[at - 1].node != last->to)
        at--;
    if (at)
        at--;
    for (; at < w->depth; at++) {
        const struct edge *edge = last;
        if (at + 1 < w->depth)
            edge = &w->graph->edges[w->stack[at].next - 1];
        strbuf_addf(&text, "%s -(%s)-> ", resources[edge->from].name, edge->word);
        can_let_go = can_let_go || edge->can_let_go;
    }

    strbuf_adds(&text, resources[last->to].name);
    manifest_problem_at(w->graph->l, last->pos, last->length, "%s: %s", w->sentence, strbuf_text(&text));
    w->hint(w->graph->l, can_let_go);
    strbuf_free(&text);
}

static void push(struct walk *w, size_t node)
{
    w->state[node] = OPEN;
    w->stack[w->depth++] = (struct step){node, w->graph->first[node]};
}

static void walk_from(struct walk *w, size_t root)
{
    push(w, root);
    while (w->depth) {
        struct step *top = &w->stack[w->depth - 1];
        if (top->next == w->graph->first[top->node + 1]) {
            w->state[top->node] = DONE;
            w->depth--;
            continue;
        }
        const struct edge *edge = &w->graph->edges[top->next++];
        if (w->state[edge->to] == OPEN)
            report_circle(w, edge);
        else if (w->state[edge->to] == FRESH)
            push(w, edge->to);
    }
}

static void find_circles(struct graph *g, const char *sentence,
                         void (*hint)(struct loader *l, bool can_let_go))
{
    size_t nodes = g->l->model->resource_count;
    struct walk walk = {.graph = g, .sentence = sentence, .hint = hint};
    sort_edges(g);
    walk.state = xcalloc(nodes + 1, 1);
    walk.stack = xcalloc(nodes + 1, sizeof *walk.stack);
    for (size_t i = 0; i < nodes; i++)
        if (walk.state[i] == FRESH)
            walk_from(&walk, i);
    free(walk.state);
    free(walk.stack);
    free(g->first);
    free(g->edges);
}

/* --- waiting --- */

static void add_named(struct graph *g, size_t from, const char *name, struct edge edge)
{
    const struct model *model = g->l->model;
    const struct model_resource *target = model_find(model, name);
    if (!target || target == &model->resources[from]) /* both are reported elsewhere */
        return;
    edge.from = from;
    edge.to = (size_t)(target - model->resources);
    edge.length = int_or(edge.length, (int)strlen(name));
    add_edge(g, edge);
}

static void add_waits(struct graph *g, size_t index)
{
    const struct model_resource *resource = &g->l->model->resources[index];
    for (size_t i = 0; i < resource->reference_count; i++) {
        const struct model_reference *reference = &resource->references[i];
        if (reference->wait)
            add_named(g, index, reference->resource,
                      (struct edge){.pos = reference->pos, .word = "references", .can_let_go = true});
    }
    for (size_t i = 0; i < resource->wait_count; i++)
        add_named(g, index, resource->wait_for[i].resource,
                  (struct edge){.pos = resource->wait_for[i].pos, .word = "wait_for"});
}

/* The address of a process or a container is known before it starts; a server's is not, and a connection
 * string waits for what it is made of. */
static void add_text_wait(struct graph *g, const struct late_use *use)
{
    const struct model *model = g->l->model;
    const struct model_resource *target = model_find(model, use->part.resource);
    bool from_text = model_kind_info(model->resources[use->consumer].kind)->is_elsewhere;
    bool to_text = target && model_kind_info(target->kind)->is_elsewhere;
    if (!target || !(from_text || model_is_server(target->kind)) || (from_text && to_text))
        return;
    add_named(g, use->consumer, use->part.resource,
              (struct edge){.pos = use->part.pos, .length = use->length, .word = "${…}"});
}

static void hint_waiting(struct loader *l, bool can_let_go)
{
    if (can_let_go)
        manifest_hint(l, "one of the references must not wait: {resource: …, wait: false}");
    else
        manifest_hint(l, "one of them must not wait for the next");
}

/* --- connection strings --- */

static void add_text_edges(struct graph *g, size_t index, const struct model_text *text)
{
    const struct model *model = g->l->model;
    for (size_t i = 0; i < text->count; i++) {
        const struct model_part *part = &text->parts[i];
        if (part->literal || part->get == MODEL_GET_PARAMETER || part->endpoint)
            continue;
        const struct model_resource *target = model_find(model, part->resource);
        bool is_made = target && (model_kind_info(target->kind)->is_elsewhere ||
                                  part->get == MODEL_GET_CONNECTION_STRING);
        if (is_made)
            add_edge(g, (struct edge){.from = index,
                                      .to = (size_t)(target - model->resources),
                                      .pos = part->pos,
                                      .length = (int)strlen(part->resource) + 3,
                                      .word = "${…}"});
    }
}

static void hint_strings(struct loader *l, bool can_let_go)
{
    (void)can_let_go;
    manifest_hint(l, "one of them must be written out");
}

void manifest_check_cycles(struct loader *l)
{
    const struct model *model = l->model;
    struct graph waits = {.l = l}, strings = {.l = l};
    for (size_t i = 0; i < model->resource_count; i++) {
        const struct model_resource *resource = &model->resources[i];
        add_waits(&waits, i);
        if (model_made_of(resource))
            add_text_edges(&strings, i, model_made_of(resource));
    }
    for (size_t i = 0; i < l->use_count; i++)
        add_text_wait(&waits, &l->uses[i]);
    find_circles(&waits, "these wait for each other", hint_waiting);
    find_circles(&strings, "this connection string is made of itself", hint_strings);
}
