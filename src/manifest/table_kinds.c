/* Which table of fields a kind of resource has. */
#include "manifest/field.h"

static const struct table *const kind_tables[] = {
    [MODEL_REDIS] = &table_redis,       [MODEL_VALKEY] = &table_valkey,
    [MODEL_GARNET] = &table_garnet,     [MODEL_CONNECTION_STRING] = &table_connection,
    [MODEL_PROCESS] = &table_process,   [MODEL_CONTAINER] = &table_container,
    [MODEL_EXTERNAL] = &table_external,
};
static_assert(FIELD_COUNT(kind_tables) == MODEL_KIND_COUNT, "a kind has no table");

const struct table *manifest_kind_table(enum model_kind kind)
{
    return kind_tables[kind];
}
