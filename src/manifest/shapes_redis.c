/* Shapes of the Redis family: password, data, persistence, directives, TLS, sidecars, seed.
 *
 * The objects are whole resources: these fields look at each other. Rules that concern several fields stand
 * in table_redis.c. Sources of outside facts: redis.conf's splitting of a line (sdssplitargs in redis'
 * sds.c). */
#include "manifest/field.h"
#include "manifest/mount.h"
#include "base/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PASSWORD = 16384 };

static struct model_redis *redis_of(void *object)
{
    return &((struct model_resource *)object)->redis;
}

/* --- password --- */

const char *manifest_password_fault(const char *text)
{
    size_t length = strlen(text);
    if (!length)
        return "a password cannot be empty; `password: false` is a server without one";
    if (length > MAX_PASSWORD)
        return "a password has at most 16384 bytes";
    if (strpbrk(text, "\r\n"))
        return "a password cannot have line breaks";
    if (strchr(text, ','))
        return "a password cannot have commas: a connection string could not hold it";
    if (isspace((unsigned char)*text) || isspace((unsigned char)text[length - 1]))
        return "a password cannot start or end with a blank: a connection string could not hold it";
    return NULL;
}

struct password_parameter {
    const char *parameter;
};
static const struct field password_fields[] = {
    {.name = "parameter",
     VALUE(shape_text, struct password_parameter, parameter),
     .help = "The parameter that holds it."},
};
const struct table manifest_table_password = {.name = "password",
                                              .help = "`password`",
                                              .fields = password_fields,
                                              .count = FIELD_COUNT(password_fields)};

static int read_password_parameter(struct loader *l, struct yaml_node *value, struct manifest_password *out)
{
    struct password_parameter map = {0};
    if (manifest_read_table(l, &manifest_table_password, value, &map) < 0)
        return -1;
    const struct yaml_node *node = manifest_get(value, "parameter");
    if (!map.parameter)
        return manifest_problem(l, value, "`password` needs `parameter`, the name of one");
    const struct declared *declared = manifest_declared(l->parameters, map.parameter);
    if (!declared) {
        manifest_problem(l, node, "there is no parameter `%s`", map.parameter);
        manifest_hint_declared(l, l->parameters, map.parameter, "declare it under `parameters`");
        return -1;
    }

    const struct model_parameter *parameter = &l->model->parameters[declared->index];
    const char *known = parameter->value;
    if (!known)
        known = parameter->fallback;
    const char *fault = NULL;
    if (known)
        fault = manifest_password_fault(known);
    if (fault)
        return manifest_problem(l, node, "the value of parameter `%s`: %s", map.parameter, fault);
    out->kind = MODEL_PASSWORD_PARAMETER;
    out->text = map.parameter;
    return 0;
}

static int read_password_text(struct loader *l, struct yaml_node *value, struct manifest_password *out)
{
    struct model_text text;
    if (manifest_text(l, value, &text) < 0)
        return -1;
    bool is_late = text.count && !text.parts[0].literal;
    if (is_late && text.count == 1 && text.parts[0].get == MODEL_GET_PARAMETER) {
        out->kind = MODEL_PASSWORD_PARAMETER;
        out->text = text.parts[0].resource;
        return 0;
    }
    if (is_late || text.count > 1)
        return manifest_problem(l, value, "`password` cannot be put together from references");
    const char *literal = "";
    if (text.count)
        literal = text.parts[0].literal;
    const char *fault = manifest_password_fault(literal);

    if (fault) {
        manifest_problem(l, value, "%s", fault);
        manifest_hide_source(l);
        return -1;
    }
    out->kind = MODEL_PASSWORD_TEXT;
    out->text = literal;
    return 0;
}

int manifest_read_password(struct loader *l, const struct field *field, struct yaml_node *value,
                           struct manifest_password *out)
{
    if (value->kind == NODE_MAP)
        return read_password_parameter(l, value, out);
    /* Only what the file says itself turns the password off, never what a variable happens to hold. */
    if (value->plain && strcmp(value->text, "false") == 0) {
        out->kind = MODEL_PASSWORD_NONE;
        return 0;
    }
    if (value->plain && strcmp(value->text, "true") == 0)
        return manifest_bad_value(l, field, value);
    return read_password_text(l, value, out);
}

static int read_password(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_redis *redis = redis_of(object);
    struct manifest_password password = {redis->password_kind, redis->password};
    redis->password_pos = value->pos;

    int rc = manifest_read_password(l, field, value, &password);
    redis->password_kind = password.kind;
    redis->password = password.text;
    return rc;
}

/* --- data --- */

static int set_data(struct loader *l, const struct yaml_node *node, struct model_redis *redis,
                    struct model_mount mount)
{
    if (redis->data)
        return manifest_problem(l, node,
                                "a server has one place for its data: `data_volume` or `data_bind_mount`");
    mount.target = "/data";
    mount.pos = node->pos;
    redis->data = arena_alloc(l->arena, sizeof mount);
    *redis->data = mount;
    return 0;
}

static const struct field data_volume_fields[] = {
    {.name = "name",
     VALUE(shape_text, struct model_mount, source),
     .fallback = "<resource>-data",
     .help = "The volume's name; the project's name comes before it."},
    {.name = "read_only",
     VALUE(shape_bool, struct model_mount, read_only),
     .fallback = "false",
     .help = "Whether the server may not write; then nothing is persisted."},
    {.name = "external",
     VALUE(shape_bool, struct model_mount, external),
     .fallback = "false",
     .help = "The volume exists under exactly this name; apphost neither creates nor removes it."},
};
static const struct table table_data_volume = {.name = "data_volume",
                                               .help = "`data_volume`",
                                               .fields = data_volume_fields,
                                               .count = FIELD_COUNT(data_volume_fields)};

static int read_data_volume(struct loader *l, const struct field *field, struct yaml_node *value,
                            void *object)
{
    struct model_mount mount = {.is_volume = true};
    const struct yaml_node *name = value;
    if (value->kind == NODE_MAP)
        name = manifest_get(value, "name");
    if (value->kind == NODE_MAP && manifest_read_table(l, &table_data_volume, value, &mount) < 0)
        return -1;
    if (value->kind == NODE_SCALAR && !(mount.source = manifest_final(l, value)))
        return -1;

    if (value->kind == NODE_SCALAR && manifest_meant_bool(mount.source)) { /* `yes` is no volume's name */
        bool is_wanted = true;
        int failed = manifest_read_bool_value(l, field, value, &is_wanted);
        if (failed || !is_wanted)
            return failed;
        mount.source = NULL;
    }
    if (mount.external && !mount.source)
        return manifest_problem(l, value, "an external volume needs its `name`");
    if (mount.source && manifest_check_volume_name(l, name, mount.source) < 0)
        return -1;
    return set_data(l, value, redis_of(object), mount);
}

static const struct field data_bind_fields[] = {
    {.name = "source",
     VALUE(shape_path, struct model_mount, source),
     .help = "A folder of this machine. Required."},
    {.name = "read_only",
     VALUE(shape_bool, struct model_mount, read_only),
     .fallback = "false",
     .help = "Whether the server may not write; then nothing is persisted."},
};
static const struct table table_data_bind = {.name = "data_bind_mount",
                                             .help = "`data_bind_mount`",
                                             .fields = data_bind_fields,
                                             .count = FIELD_COUNT(data_bind_fields)};

static int read_data_bind(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_mount mount = {0};
    const struct field source = {.name = field->name, VALUE(shape_path, struct model_mount, source)};
    int rc;

    if (value->kind == NODE_MAP)
        rc = manifest_read_table(l, &table_data_bind, value, &mount);
    else
        rc = shape_path.read(l, &source, value, &mount);
    if (rc < 0)
        return -1;
    if (!mount.source)
        return manifest_problem(l, value, "`data_bind_mount` needs `source`");
    const struct yaml_node *at = value;
    if (value->kind == NODE_MAP)
        at = manifest_get(value, "source");
    if (!((struct model_resource *)object)->inactive &&
        manifest_check_bind_source(l, at, mount.source, true) < 0)
        return -1;

    return set_data(l, value, redis_of(object), mount);
}

/* --- persistence --- */

static const struct field persistence_fields[] = {
    {.name = "interval",
     VALUE(shape_seconds, struct model_persistence, interval_s),
     .fallback = "60s",
     .help = "Save a snapshot after this time, when enough keys have changed."},
    {.name = "keys_changed_threshold",
     VALUE(shape_number_64, struct model_persistence, keys_changed),
     .min = 1,
     .max = 1000000000,
     .fallback = "1",
     .help = "How many changes make a snapshot due."},
    {.name = "append_only",
     VALUE(shape_bool, struct model_persistence, append_only),
     .fallback = "false",
     .help = "Also keep an append-only file."},
};
static const struct table table_persistence = {.name = "persistence",
                                               .help = "`persistence`",
                                               .fields = persistence_fields,
                                               .count = FIELD_COUNT(persistence_fields)};

static int read_persistence(struct loader *l, const struct field *field, struct yaml_node *value,
                            void *object)
{
    struct model_persistence *persistence = &redis_of(object)->persistence;
    bool on = true;
    persistence->given = true;
    persistence->pos = value->pos;
    if (value->kind == NODE_MAP)
        return manifest_read_table(l, &table_persistence, value, persistence);
    int rc = manifest_read_bool_value(l, field, value, &on);
    persistence->off = !on;
    return rc;
}

/* --- config --- */

static const struct {
    const char *name; /* a trailing * stands for any rest */
    const char *instead;
} owned[] = {
    {"port", "use `host_port`; inside the port is fixed"},
    {"bind", "use `bind_address`"},
    {"dir", "use `data_volume` or `data_bind_mount`; data is at /data"},
    {"daemonize", "leave it out; the server runs in the foreground"},
    {"requirepass", "use `password`"},
    {"save", "use `persistence`"},
    {"appendonly", "use `persistence: {append_only: true}`"},
    {"protected-mode", "leave it out; `password` and `bind_address` protect the server"},
    {"logfile", "leave it out; `apphost logs` shows the log"},
    {"tls-*", "use `tls`"},
};

static const char *find_owner(const char *name)
{
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        size_t size = strlen(owned[i].name);
        bool is_prefix = owned[i].name[size - 1] == '*';
        if (is_prefix ? strncasecmp(name, owned[i].name, size - 1) == 0
                      : strcasecmp(name, owned[i].name) == 0)
            return owned[i].instead;
    }
    return NULL;
}

/* Skips one quoted argument; NULL when redis-server would refuse it. */
static const char *skip_quoted(const char *p)
{
    char quote = *p++;
    while (*p && *p != quote) {
        if (*p == '\\' && p[1] && (quote == '"' || p[1] == '\''))
            p += 2;
        else
            p += 1;
    }
    if (*p && (!p[1] || isspace((unsigned char)p[1])))
        return p + 1;
    return NULL;
}

/* Whether redis-server can split this as the rest of a line. */
static bool is_splittable(const char *p)
{
    while (p && *p) {
        while (isspace((unsigned char)*p))
            p++;
        if (*p == '"' || *p == '\'') {
            p = skip_quoted(p);
            continue;
        }
        while (*p && !isspace((unsigned char)*p) && *p != '"' && *p != '\'')
            p++;
        if (*p == '"' || *p == '\'')
            p = skip_quoted(p);
    }
    return p != NULL;
}

static void add_directive(struct loader *l, struct model_redis *redis, const char *name,
                          const struct yaml_node *item)
{
    const char *text = NULL;
    if (item->kind == NODE_SCALAR)
        text = manifest_final(l, item);
    if (item->kind != NODE_SCALAR)
        manifest_problem(l, item, "a directive's value is text, or a list with one text a line");
    else if (text && strpbrk(text, "\r\n"))
        manifest_problem(l, item, "a directive is one line; a list gives several");
    else if (text && !is_splittable(text))
        manifest_problem(l, item, "the server could not split this line: its quotes do not match");
    else if (text)
        redis->config[redis->config_count++] = (struct model_pair){name, *text ? text : "\"\"", item->pos};
}

static int check_directive(struct loader *l, const struct yaml_node *key)
{
    const char *instead = find_owner(key->text);
    if (instead) {
        manifest_problem(l, key, "the directive `%s` belongs to apphost", key->text);
        manifest_hint(l, "%s", instead);
        return -1;
    }
    if (!*key->text ||
        strspn(key->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") !=
            strlen(key->text))
        return manifest_problem(l, key, "`%s` cannot be the name of a directive", key->text);
    return 0;
}

static size_t count_lines(const struct yaml_node *map)
{
    size_t lines = 0;
    for (size_t i = 0; i < map->count; i++)
        lines += manifest_item_count(map->items[i]);
    return lines;
}

static int read_config(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    (void)field;
    struct model_redis *redis = redis_of(object);
    redis->config = arena_alloc(l->arena, (count_lines(value) + 1) * sizeof *redis->config);
    for (size_t i = 0; i < value->count; i++) {
        if (check_directive(l, value->keys[i]) < 0)
            continue;
        for (size_t j = 0; j < manifest_item_count(value->items[i]); j++)
            add_directive(l, redis, value->keys[i]->text, manifest_item(value->items[i], j));
    }
    return 0;
}

const struct shape shape_password = {.words = "text, {parameter: name}, or false",
                                     .accept = ACCEPT_SCALAR | ACCEPT_TABLE,
                                     .read = read_password,
                                     .table = &manifest_table_password};
const struct shape shape_data_volume = {.words = "true, a volume's name, or {name, read_only, external}",
                                        .accept = ACCEPT_BOOL | ACCEPT_TEXT | ACCEPT_TABLE,
                                        .read = read_data_volume,
                                        .table = &table_data_volume};
const struct shape shape_data_bind_mount = {.words = "a path, or {source, read_only}",
                                            .accept = ACCEPT_TEXT | ACCEPT_TABLE,
                                            .read = read_data_bind,
                                            .table = &table_data_bind};
const struct shape shape_persistence = {.words =
                                            "{interval, keys_changed_threshold, append_only}, true or false",
                                        .accept = ACCEPT_BOOL | ACCEPT_TABLE,
                                        .read = read_persistence,
                                        .table = &table_persistence};
static const struct shape shape_directive = {
    .words = "text or a list of texts", .accept = ACCEPT_SCALAR | ACCEPT_LIST, .item = &shape_text};
const struct shape shape_config = {
    .words = "a map of directives", .accept = ACCEPT_MAP, .read = read_config, .item = &shape_directive};
