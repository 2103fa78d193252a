/* Tables of edges. See details.h. */
#include "control/details.h"

#include <stdlib.h>

#define ROW(text, member, kind) RECORD_CALLED(text, struct view_edge, member, kind)
static const struct record_field edge_rows[] = {
    ROW("from", from, FIELD_STRING),
    ROW("to", to, FIELD_STRING),
    ROW("fromNode", from_node, FIELD_STRING),
    ROW("toNode", to_node, FIELD_STRING),
    ROW("until", until, FIELD_STRING),
    RECORD_ALWAYS("required", struct view_edge, is_required, FIELD_BOOL),
    RECORD_ALWAYS("met", struct view_edge, is_met, FIELD_BOOL),
    ROW("why", why, FIELD_STRING),
};
#undef ROW
static RECORD(edge_record, struct view_edge, edge_rows);

static const struct record_field edges_rows[] = {
    RECORD_ARRAY(struct view_edges, edges, edge_count, edge_record, false, .always = true),
};
static RECORD(edges_record, struct view_edges, edges_rows);

cJSON *view_edges_to_json(const struct view_edges *edges)
{
    cJSON *json = cJSON_CreateObject();
    record_write(&edges_record, edges, false, json);
    return json;
}

struct view_edges *view_edges_read(cJSON *json, struct error *err)
{
    struct view_edges *edges = xcalloc(1, sizeof *edges);
    edges->json = json;
    if (!record_read(&edges_record, json, &edges->arena, edges, err))
        return edges;
    error_wrap(err, "the answer to edges");
    view_edges_free_ptr(&edges);
    return NULL;
}

void view_edges_free_ptr(struct view_edges **edges)
{
    if (!*edges)
        return;
    cJSON_Delete((*edges)->json);
    arena_free(&(*edges)->arena);
    free(*edges);
}
