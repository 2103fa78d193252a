/* Why things are as they are: `edges` says who waits for whom, `details` what a resource is made of.
 *
 *   edges     {}; {"edges":[{"from","to","fromNode","toNode","until","required","met","why"?}]}
 *             of everything that is in the plan or was found, images and networks too; why: of one that is
 * not met, what the other end does instead details   {resource}; {"name","node","kind","spec"?,"container"?}
 *             spec: what it is made of, as in the plan; of its environment the names alone
 *             container: from the engine: id, image, command, user, folder, status, times, mounts, networks,
 *             limits, and the last health checks with what they printed
 *
 * No secret that the supervisor knows stands in either. Ownership as in view.h. */
#ifndef CONTROL_DETAILS_H
#define CONTROL_DETAILS_H

#include "record/record.h"

struct view_edge {
    const char *from, *to;           /* the user's names, where there are some */
    const char *from_node, *to_node; /* ids */
    const char *until;               /* plan_until_name() */
    bool is_required, is_met;
    const char *why; /* NULL: it is met */
};
struct view_edges {
    struct view_edge *edges;
    size_t edge_count;

    cJSON *json; /* what it was read from, or NULL */
    struct arena arena;
};
cJSON *view_edges_to_json(const struct view_edges *edges);
/* Takes the document. NULL, with ERROR_PROTOCOL, when it is none. */
struct view_edges *view_edges_read(cJSON *json, struct error *err);
void view_edges_free_ptr(struct view_edges **edges);
#define cleanup_view_edges __attribute__((cleanup(view_edges_free_ptr)))

#endif
