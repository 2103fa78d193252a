/* The tables that kinds of resources are built from. Internal to the room. */
#ifndef MANIFEST_TABLES_H
#define MANIFEST_TABLES_H

#include "manifest/field.h"

/* common: every resource; running: what has a life; hosted: what an engine runs. Each extends the one before.
 */
extern const struct table table_common, table_running, table_hosted;
/* How often and how long: what every `ready` has. */
extern const struct table table_ping;

/* Where a field of a resource is kept; lists have a counter. */
#define RESOURCE(makes, member) VALUE(makes, struct model_resource, member)
#define RESOURCE_LIST(makes, member, counter) LIST(makes, struct model_resource, member, counter)

/* Rows of whatever refers to others: process and container, which have different bases. */
#define ROW_ENV_FILE                                                                                         \
    {                                                                                                        \
        .name = "env_file", WHOLE(shape_env_file, struct model_resource),                                    \
        .help = "Files of variables; injected ones win over them."                                           \
    }
#define ROW_REFERENCES                                                                                       \
    {                                                                                                        \
        .name = "references", WHOLE(shape_references, struct model_resource),                                \
        .help = "Resources whose addresses it gets, and for which it waits."                                 \
    }
#define ROW_READY(otherwise)                                                                                 \
    {                                                                                                        \
        .name = "ready", RESOURCE(shape_ready, ready), .fallback = otherwise,                                \
        .help = "How to tell that it is ready."                                                              \
    }

/* What goes with several servers that are one; shapes_topology.c. */
void manifest_finish_topology(struct loader *l, struct yaml_node *map, const struct model_resource *resource);
/* Garnet's own rules, after those of all servers. */
void manifest_finish_garnet(struct loader *l, struct yaml_node *map, void *object);
/* The settings that it knows. */
const char *const *manifest_garnet_settings(size_t *count);
bool manifest_is_garnet_setting(const char *name);

#endif
