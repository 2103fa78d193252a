/* Parameters: reading them, and finding their values. First wins: --parameter, the environment, .env. What is
 * remembered and what is generated is the plan's business; the default stays beside the value. */
#include "manifest/field.h"
#include "base/file.h"
#include "base/ours.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUE_BYTES = 1024 * 1024 };

/* The names under which a parameter may stand among the variables. */
static void list_variables(const char *name, struct strlist *names)
{
    strlist_addf(names, "Parameters__%s", name);
    strlist_addf(names, "Parameters__%s", name);
    strlist_addf(names, VARIABLE_PARAM "%s", name);
    strlist_addf(names, VARIABLE_PARAM "%s", name);
    for (size_t i = 1; i < names->count; i++)
        for (char *p = names->items[i]; *p; p++) {
            if (*p == '-')
                *p = '_';
        }
    for (char *p = names->items[3]; *p; p++)
        *p = (char)toupper((unsigned char)*p);
}

static const char *find_value(struct loader *l, const char *name)
{
    cleanup_strlist struct strlist names = {0};
    list_variables(name, &names);
    for (int from_file = 0; from_file < 2; from_file++)
        for (size_t i = 0; i < names.count; i++) {
            const char *value = manifest_variable_of(l, names.items[i], from_file);
            if (value)
                return value;
        }
    return NULL;
}

/* --- --parameter K=V, K=@file, K=- --- */

static int complain(struct loader *l, const char *name, const char *text)
{
    return manifest_problem_at(l, (struct model_pos){0}, 0, "--parameter %s: %s", name, text);
}

static void trim_line_end(char *text)
{
    size_t length = strlen(text);
    if (length && text[length - 1] == '\n')
        text[--length] = '\0';
    if (length && text[length - 1] == '\r')
        text[length - 1] = '\0';
}

static const char *read_value(struct loader *l, const char *name, const char *path)
{
    cleanup_error struct error err = {0};
    size_t length = 0;
    cleanup_free char *text = file_read_text(path, MAX_VALUE_BYTES, &length, &err);
    if (!text) {
        complain(l, name, err.text);
        return NULL;
    }
    if (strlen(text) != length) {
        complain(l, name, "the value has a NUL character");
        return NULL;
    }
    trim_line_end(text);
    const char *value = arena_strdup(l->arena, text);
    mem_wipe(text, length);
    return value;
}

static void apply_flag(struct loader *l, const char *flag)
{
    const char *equals = strchr(flag, '=');
    cleanup_free char *name = NULL;
    if (equals)
        name = xstrndup(flag, (size_t)(equals - flag));
    else
        name = xstrdup(flag);
    if (!equals) {
        complain(l, name, "expected NAME=VALUE, NAME=@FILE or NAME=-");
        return;
    }
    const struct declared *declared = manifest_declared(l->parameters, name);
    if (!declared) {
        complain(l, name, "there is no parameter of this name");
        manifest_hint_declared(l, l->parameters, name, NULL);
        return;
    }

    const char *value = equals + 1;
    bool is_stdin = strcmp(value, "-") == 0;
    if (is_stdin && strlist_has(&l->options->files, "-"))
        complain(l, name, "standard input is the manifest already");
    else {
        if (*value == '@' || is_stdin)
            l->model->parameters[declared->index].value = read_value(l, name, value + (*value == '@'));
        else
            l->model->parameters[declared->index].value = arena_strdup(l->arena, value);
    }
}

/* --- reading --- */

static void read_parameter(struct loader *l, const struct declared *declared,
                           struct model_parameter *parameter)
{
    struct yaml_node *value = declared->value;
    *parameter =
        (struct model_parameter){.name = declared->name, .pos = declared->key->pos, .generate_length = 22};
    if (value->kind == NODE_MAP)
        manifest_read_table(l, &table_parameter, value, parameter);
    else if (!manifest_is_null(value))
        manifest_problem(l, value, "a parameter must be a map such as {secret: true}");
    parameter->value = find_value(l, parameter->name);
}

/* Whether a value will come from the manifest itself, or from what is wrong there. */
static bool has_source(const struct yaml_node *value)
{
    if (value->kind != NODE_MAP)
        return !manifest_is_null(value);
    const struct yaml_node *generate = manifest_get(value, "generate");
    bool is_off = generate && generate->kind == NODE_SCALAR && strcmp(generate->text, "false") == 0;
    return manifest_get(value, "default") || (generate && !is_off);
}

static void report_missing(struct loader *l, const struct declared *declared)
{
    const char *name = declared->name;
    cleanup_strlist struct strlist names = {0};
    list_variables(name, &names);
    manifest_problem(l, declared->key, "the parameter `%s` has no value", name);
    manifest_hint(
        l,
        "give it with --parameter %s=@FILE, in the environment or .env as %s or %s, or write `default` or "
        "`generate`",
        name, names.items[1], names.items[3]);
}

void manifest_read_parameters(struct loader *l)
{
    struct model *model = l->model;
    model->parameter_count = HASH_COUNT(l->parameters);
    model->parameters = arena_alloc(l->arena, (model->parameter_count + 1) * sizeof *model->parameters);
    for (struct declared *entry = l->parameters; entry; entry = entry->hh.next)
        read_parameter(l, entry, &model->parameters[entry->index]);
    for (size_t i = 0; i < l->options->parameters.count; i++)
        apply_flag(l, l->options->parameters.items[i]);
    for (struct declared *entry = l->parameters; entry; entry = entry->hh.next) {
        const struct model_parameter *parameter = &model->parameters[entry->index];
        if (!parameter->value && !has_source(entry->value))
            report_missing(l, entry);
    }
}
