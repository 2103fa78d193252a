/* The variables of ${NAME}: the environment, then the .env files. The environment wins; of two files the
 * later one. */
#include "manifest/loader.h"
#include "base/dotenv.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ENV_BYTES = 1024 * 1024 };

static struct variable *find(const struct loader *l, const char *name)
{
    struct variable *variable = NULL;
    HASH_FIND_STR(l->variables, name, variable);
    return variable;
}

const char *manifest_variable(const struct loader *l, const char *name)
{
    const struct variable *variable = find(l, name);
    if (variable)
        return variable->value;
    return NULL;
}

const char *manifest_variable_of(const struct loader *l, const char *name, bool from_file)
{
    const struct variable *variable = find(l, name);
    if (variable && variable->from_file == from_file)
        return variable->value;
    return NULL;
}

static void add_variable(struct loader *l, const char *name, const char *value, bool from_file)
{
    struct variable *variable = arena_alloc(l->arena, sizeof *variable);
    variable->name = arena_strdup(l->arena, name);
    variable->value = arena_strdup(l->arena, value);
    variable->from_file = from_file;
    HASH_ADD_KEYPTR(hh, l->variables, variable->name, strlen(variable->name), variable);
}

void manifest_load_environment(struct loader *l)
{
    for (char *const *entry = l->options->environment; entry && *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        if (!equals || equals == *entry)
            continue;
        cleanup_free char *name = xstrndup(*entry, (size_t)(equals - *entry));
        if (!find(l, name))
            add_variable(l, name, equals + 1, false);
    }
}

static void on_pair(const char *name, const char *value, int line, void *data)
{
    struct loader *l = data;
    (void)line;
    struct variable *known = find(l, name);
    if (!value)
        return; /* a name alone means the environment's value, which is there already */
    if (!known)
        add_variable(l, name, value, true);
    else if (known->from_file)
        known->value = arena_strdup(l->arena, value);
}

int manifest_load_env_file(struct loader *l, const char *path, const struct yaml_node *node)
{
    cleanup_error struct error err = {0};
    size_t length;
    cleanup_free char *text = file_read_text(path, MAX_ENV_BYTES, &length, &err);
    int rc = -1;
    if (text)
        rc = dotenv_read(path, text, on_pair, l, &err);
    if (rc == 0)
        return 0;
    if (node)
        return manifest_problem(l, node, "%s", err.text);
    struct model_pos pos = {err.source.file ? arena_strdup(l->arena, path) : NULL, err.source.line,
                            err.source.column};
    return manifest_problem_at(l, pos, 1, "%s", err.text);
}
