/* Fields of connection-string: a server that exists already. Where its value comes from. */
#include "manifest/tables.h"

#include <string.h>

static const char *environment_value(struct loader *l, const char *name)
{
    cleanup_free char *variable = xasprintf("ConnectionStrings__%s", name);
    const char *value = manifest_variable(l, variable);
    for (char *p = variable; *p; p++)
        if (*p == '-')
            *p = '_';
    if (value)
        return value;
    return manifest_variable(l, variable);
}

static void finish_connection(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_resource *resource = object;
    struct model_connection_string *connection = &resource->connection;
    const struct yaml_node *given = manifest_get(map, "value");
    if (given && !manifest_is_null(given)) {
        if (!connection->value.count && given->kind == NODE_SCALAR && !strchr(given->text, '$'))
            manifest_problem(l, given, "`value` cannot be empty");
        return;
    }
    const char *value = environment_value(l, resource->name);
    if (value && *value) {
        connection->value = model_literal(l->arena, value);
        connection->value.pos = resource->pos;
    }
    connection->missing = !connection->value.count;
}

static const struct field connection_fields[] = {
    {.name = "value",
     VALUE(shape_late, struct model_resource, connection.value),
     .fallback = "the environment's ConnectionStrings__NAME",
     .help = "host:port[,password=…][,ssl=true], or redis[s]://… ."},
    {.name = "check",
     VALUE(shape_bool, struct model_resource, connection.check),
     .fallback = "false",
     .help = "Wait until the server answers a PING."},
};
const struct table table_connection = {.name = "connection-string",
                                       .help = "a `connection-string`",
                                       .fields = connection_fields,
                                       .count = FIELD_COUNT(connection_fields),
                                       .base = &table_common,
                                       .finish = finish_connection};
