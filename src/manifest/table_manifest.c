/* Fields at the top of a manifest, and of a parameter. */
#include "manifest/root.h"

#include <string.h>

/* Parameters, resources and the files of variables are read in an order of their own: see load.c. */
static int skip(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    (void)l, (void)field, (void)value, (void)object;
    return 0;
}

static int read_endpoint_url(struct loader *l, const struct field *field, struct yaml_node *value,
                             void *object)
{
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    if (!str_starts(text, "http://") && !str_starts(text, "https://"))
        return manifest_bad_value(l, field, value);
    *(const char **)manifest_slot(object, field->offset) = text;
    return 0;
}

static int read_telemetry(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    return manifest_read_table(l, field->shape->table, value, object);
}

static int read_engine(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    int index = manifest_read_choice(l, field, value);

    if (index >= 0)
        *(const char **)manifest_slot(object, field->offset) = field->shape->choices->texts[index];
    if (index < 0)
        return -1;
    return 0;
}

static int read_project_name(struct loader *l, const struct field *field, struct yaml_node *value,
                             void *object)
{
    const char *text = manifest_final(l, value);
    if (!text || manifest_check_name(l, value, "project", text) < 0)
        return -1;
    *(const char **)manifest_slot(object, field->offset) = text;
    return 0;
}

/* --- a parameter --- */

struct generate {
    int length;
    bool special;
};
static const struct field generate_fields[] = {
    {.name = "length",
     VALUE(shape_number, struct generate, length),
     .min = 1,
     .max = 1024,
     .fallback = "22",
     .help = "How many characters."},
    {.name = "special",
     VALUE(shape_bool, struct generate, special),
     .fallback = "false",
     .help = "Characters beyond letters and digits too."},
};
static const struct table table_generate = {.name = "generate",
                                            .help = "`generate`",
                                            .fields = generate_fields,
                                            .count = FIELD_COUNT(generate_fields)};

static int read_generate(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_parameter *parameter = object;
    struct generate generate = {.length = 22};
    if (value->kind == NODE_SCALAR)
        return manifest_read_bool_value(l, field, value, &parameter->generate);
    if (manifest_read_table(l, &table_generate, value, &generate) < 0)
        return -1;
    parameter->generate = true;
    parameter->generate_length = generate.length;
    parameter->generate_special = generate.special;
    return 0;
}

static int read_fallback(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    *(const char **)manifest_slot(object, field->offset) = text;
    return 0;
}

static void finish_parameter(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_parameter *parameter = object;
    if (parameter->generate && parameter->fallback)
        manifest_problem(l, manifest_get_key(map, "generate"),
                         "a parameter has `default` or `generate`, not both");
}

typedef struct model_parameter shape_generate_value;
static const struct shape shape_generate = {.words = "true, or {length, special}",
                                            .accept = ACCEPT_BOOL | ACCEPT_TABLE,
                                            .read = read_generate,
                                            .table = &table_generate};
typedef const char *shape_default_value;
static const struct shape shape_default = {.words = "text", .accept = ACCEPT_SCALAR, .read = read_fallback};
static const struct field parameter_fields[] = {
    {.name = "secret",
     VALUE(shape_bool, struct model_parameter, secret),
     .fallback = "false",
     .help = "Its value is masked wherever it would be shown."},
    {.name = "default",
     VALUE(shape_default, struct model_parameter, fallback),
     .help = "The value when none is given."},
    {.name = "generate",
     WHOLE(shape_generate, struct model_parameter),
     .help = "Generate a value, and remember it."},
    {.name = "description",
     VALUE(shape_text, struct model_parameter, description),
     .help = "What it is for."},
};
const struct table table_parameter = {.name = "parameter",
                                      .help = "a parameter",
                                      .fields = parameter_fields,
                                      .count = FIELD_COUNT(parameter_fields),
                                      .finish = finish_parameter};

/* --- the top --- */

typedef const char *shape_otlp_value;
static const struct shape shape_otlp = {.words = "a URL that starts with http:// or https://",
                                        .accept = ACCEPT_TEXT,
                                        .read = read_endpoint_url,
                                        .pattern = "^(https?://|.*\\$)"};
static const struct field telemetry_fields[] = {
    {.name = "otlp_endpoint",
     VALUE(shape_otlp, struct manifest_root, otlp_endpoint),
     .help = "Where consumers send their telemetry (OTLP)."},
};
static const struct table table_telemetry = {.name = "telemetry",
                                             .help = "`telemetry`",
                                             .fields = telemetry_fields,
                                             .count = FIELD_COUNT(telemetry_fields)};

static const struct shape shape_parameter_item = {
    .words = "a map", .accept = ACCEPT_TABLE | ACCEPT_NULL, .table = &table_parameter};
static const struct shape shape_resource_item = {.words = "a kind of resource, or a map with its `type`",
                                                 .accept = ACCEPT_TEXT | ACCEPT_TABLE};
typedef struct manifest_root shape_parameters_value;
static const struct shape shape_parameters = {.words = "a map from names to parameters",
                                              .accept = ACCEPT_MAP,
                                              .read = skip,
                                              .item = &shape_parameter_item};
typedef struct manifest_root shape_resources_value;
static const struct shape shape_resources = {.words = "a map from names to resources",
                                             .accept = ACCEPT_MAP,
                                             .read = skip,
                                             .item = &shape_resource_item};
static NAMES(engines, 2, "docker", "native");
typedef const char *shape_engine_value;
static const struct shape shape_engine = {
    .words = "`docker` or `native`", .accept = ACCEPT_TEXT, .read = read_engine, .choices = &engines};
typedef const char *shape_project_name_value;
static const struct shape shape_project_name = {
    .words = "a name", .accept = ACCEPT_SCALAR, .read = read_project_name};
typedef struct manifest_root shape_telemetry_value;
static const struct shape shape_telemetry = {
    .words = "a map", .accept = ACCEPT_TABLE, .read = read_telemetry, .table = &table_telemetry};

static const struct field manifest_fields[] = {
    {.name = "name",
     VALUE(shape_project_name, struct manifest_root, name),
     .fallback = "the folder's name",
     .help = "The project's name."},
    {.name = "parameters",
     WHOLE(shape_parameters, struct manifest_root),
     .help = "Values that are given from outside."},
    {.name = "resources",
     WHOLE(shape_resources, struct manifest_root),
     .help = "What the application is made of. Required."},
    {.name = "engine",
     VALUE(shape_engine, struct manifest_root, engine),
     .fallback = "docker",
     .help = "What runs servers. `native`: programs of this machine, without containers; a volume is "
             "a folder of the project's state, and what only containers have (`image`, `pull`, `labels`, "
             "`network`) means nothing."},
    {.name = "env_file",
     WHOLE(shape_variables_file, struct manifest_root),
     .fallback = ".env beside the manifest",
     .help = "Files with variables for ${NAME}."},
    {.name = "profiles",
     LIST(shape_texts, struct manifest_root, profiles, profile_count),
     .fallback = "none",
     .help = "Profiles that are on unless the command line names some."},
    {.name = "dashboard",
     VALUE(shape_bool, struct manifest_root, dashboard),
     .fallback = "false",
     .help = "`up` starts the web page too (`apphost dashboard`). It stays when the session ends."},
    {.name = "telemetry", WHOLE(shape_telemetry, struct manifest_root), .help = "Where telemetry goes."},
};
const struct table table_manifest = {.name = "manifest",
                                     .help = "a manifest",
                                     .fields = manifest_fields,
                                     .count = FIELD_COUNT(manifest_fields)};
