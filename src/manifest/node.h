/* The tree that a YAML file becomes: scalars, lists and maps with their positions, before any typing.
 *
 * Nodes live in the load's arena and are immutable once built. An alias is the same node in a second place,
 * so code that walks the tree must not write to it; `weight` counts a subtree as if aliases were copies,
 * which is what the bound on expansion looks at. Merge keys ("<<") are resolved by the builder: readers never
 * see them. */
#ifndef MANIFEST_NODE_H
#define MANIFEST_NODE_H

#include "model/model.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP, NODE_KINDS };

enum { NODE_MAX_DEPTH = 50, NODE_MAX_COUNT = 1000000, NODE_MAX_BYTES = 8 * 1024 * 1024 };

struct yaml_node {
    enum node_kind kind;
    bool plain;               /* scalar without quotes */
    int length;               /* columns from pos to its end on that line, at least 1 */
    int height;               /* of the subtree; a scalar's is 1 */
    size_t weight;            /* nodes in the subtree, aliases counted as copies */
    struct model_pos pos;     /* where it starts */
    const char *text;         /* scalar, NUL-terminated, not interpolated */
    struct yaml_node **keys;  /* map: scalars */
    struct yaml_node **items; /* list: items; map: values */
    size_t count;
};

struct loader;

/* Reads one YAML document. `file` is the name for messages. NULL after a problem was reported; *empty tells
 * an empty document, for which nothing was reported. */
struct yaml_node *manifest_parse_yaml(struct loader *l, const char *file, const char *text, size_t length);
/* The value of a key, or NULL. Linear: for maps that are small. */
struct yaml_node *manifest_get(const struct yaml_node *map, const char *key);
/* The key's own node, or NULL. */
struct yaml_node *manifest_get_key(const struct yaml_node *map, const char *key);
/* Plain "", "~", "null". */
bool manifest_is_null(const struct yaml_node *node);
/* Merges an override over a base and returns the result: maps merge, everything else replaces, null deletes.
 */
struct yaml_node *manifest_override(struct loader *l, struct yaml_node *base, struct yaml_node *over);

#endif
