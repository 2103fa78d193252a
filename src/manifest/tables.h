/* The tables that kinds of resources are built from. Internal to the room. */
#ifndef MANIFEST_TABLES_H
#define MANIFEST_TABLES_H

#include "manifest/field.h"

/* common: every resource; running: what has a life; hosted: what an engine runs. Each extends the one before.
 */
extern const struct table table_common, table_running, table_hosted;

/* Where a field of a resource is kept; lists have a counter. */
#define RESOURCE(member) .offset = offsetof(struct model_resource, member)
#define RESOURCE_LIST(member, counter)                                                                       \
    RESOURCE(member), .count_offset = offsetof(struct model_resource, counter)

/* Rows of whatever refers to others: process and container, which have different bases. */
#define ROW_ENV_FILE                                                                                         \
    {                                                                                                        \
        .name = "env_file", .shape = &shape_env_file,                                                        \
        .help = "Files of variables; injected ones win over them."                                           \
    }
#define ROW_REFERENCES                                                                                       \
    {                                                                                                        \
        .name = "references", .shape = &shape_references,                                                    \
        .help = "Resources whose addresses it gets, and for which it waits."                                 \
    }
#define ROW_READY(otherwise)                                                                                 \
    {                                                                                                        \
        .name = "ready", .shape = &shape_ready, RESOURCE(ready), .fallback = otherwise,                      \
        .help = "How to tell that it is ready."                                                              \
    }

/* Garnet's own rules, after those of all servers. */
void manifest_finish_garnet(struct loader *l, struct node *map, void *object);

#endif
