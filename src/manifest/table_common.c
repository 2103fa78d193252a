/* Fields that several kinds of resources share. */
#include "manifest/tables.h"

/* The kind was looked up before its table was chosen. */
static int skip_type(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    (void)l, (void)field, (void)value, (void)object;
    return 0;
}

typedef struct model_resource shape_type_value;
static const struct shape shape_type = {
    .words = "a kind of resource", .accept = ACCEPT_TEXT, .read = skip_type};

static const struct field common_fields[] = {
    {.name = "type", WHOLE(shape_type, struct model_resource), .help = "What it is. Required."},
    {.name = "profiles",
     RESOURCE_LIST(shape_texts, profiles, profile_count),
     .fallback = "always there",
     .help = "It is there only when one of these profiles is on."},
    {.name = "start",
     RESOURCE(shape_start, manual),
     .fallback = "automatic",
     .help = "`manual`: only when it is named."},
    {.name = "optional",
     RESOURCE(shape_bool, optional),
     .fallback = "false",
     .help = "Its failure is not the application's; a container is left out on the native engine."},
};
const struct table table_common = {
    .name = "common", .help = "a resource", .fields = common_fields, .count = FIELD_COUNT(common_fields)};

static const struct field running_fields[] = {
    {.name = "environment",
     WHOLE(shape_environment, struct model_resource),
     .help = "Variables; a name alone takes apphost's own value."},
    {.name = "wait_for",
     WHOLE(shape_wait_for, struct model_resource),
     .help = "Start after these; a task must have completed."},
    {.name = "restart",
     RESOURCE(shape_restart, restart),
     .fallback = "never",
     .help = "Whether it is started again when it ends."},
    {.name = "stop", RESOURCE(shape_stop, stop), .help = "How it is asked to end, and for how long."},
    {.name = "mask",
     RESOURCE(shape_bool, mask),
     .fallback = "false",
     .help =
         "Whether secrets that apphost knows are replaced by *** in what it prints, before that reaches its "
         "log. A beginning of a secret is held back until it is known what it is."},
    {.name = "publish",
     WHOLE(shape_publish, struct model_resource),
     .fallback = "as it is",
     .help =
         "What `publish` and `deploy` make of it where that is something else; false leaves it out. Without "
         "effect on this machine."},
};
const struct table table_running = {.name = "running",
                                    .help = "a resource",
                                    .fields = running_fields,
                                    .count = FIELD_COUNT(running_fields),
                                    .base = &table_common};

static const struct field hosted_fields[] = {
    {.name = "pull", RESOURCE(shape_pull, pull), .fallback = "missing", .help = "When the image is pulled."},
    {.name = "lifetime",
     RESOURCE(shape_lifetime, lifetime),
     .fallback = "session",
     .help = "`persistent`: it stays when the session ends."},
    {.name = "memory",
     RESOURCE(shape_size, memory),
     .min = 6 * 1024 * 1024,
     .fallback = "no limit",
     .help = "Most memory that it may use. Without effect on the native engine."},
    {.name = "user",
     RESOURCE(shape_text, user),
     .fallback = "the image's",
     .help = "Runs as this user, name or uid[:gid]. Without effect on the native engine."},
    {.name = "labels", RESOURCE_LIST(shape_labels, labels, label_count), .help = "Labels of the container."},
};
const struct table table_hosted = {.name = "hosted",
                                   .help = "a resource",
                                   .fields = hosted_fields,
                                   .count = FIELD_COUNT(hosted_fields),
                                   .base = &table_running};
