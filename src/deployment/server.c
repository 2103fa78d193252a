/* Servers of the Redis family on another engine: the configuration is one file with everything in it, the
 * password a second one that only the health check reads. Nothing secret stands in arguments, variables or
 * labels.
 *
 * The images' own entrypoint is used: it drops root for a server that is given a configuration file. */
#include "deployment/internal.h"
#include "base/ours.h"
#include "base/pick.h"
#include "redis/redis.h"

#include <string.h>

enum { MOST_FILES = 8 };

static const struct plan_text *configuration(const struct plan_node *node)
{
    static const struct plan_text none;
    for (size_t i = 0; i < node->run.environment_count; i++)
        if (strcmp(node->run.environment[i].name, VARIABLE_REDIS_CONF) == 0)
            return &node->run.environment[i].value;
    return &none;
}

static struct deployment_file *add_file(struct lowering *l, struct deployment_service *service,
                                        const char *suffix, const char *file)
{
    struct deployment_file *out = &service->files[service->file_count++];
    out->name = arena_printf(l->arena, "%s-%s", service->name, suffix);
    out->file = arena_strdup(l->arena, file);
    out->path = arena_printf(l->arena, "%s/%s", lowering_folder(l), file);
    return out;
}

/* ---- users: made by the configuration, since nobody is there to make them ---- */

static struct plan_text user_line(struct lowering *l, const struct plan_user *user)
{
    struct plan_text parts[4];
    size_t count = 0;
    parts[count++] = lowering_literal(l, arena_printf(l->arena, "user %s on ", user->name));
    if (user->password.count) {
        struct plan_text password = lowering_join(l, &user->password, 1);
        for (size_t i = 0; i < password.count; i++)
            password.parts[i].filter = PLAN_FILTER_REDIS_CONF;
        parts[count++] = lowering_literal(l, ">");
        parts[count++] = password;
    } else {
        parts[count++] = lowering_literal(l, "nopass");
    }
    parts[count++] = lowering_literal(l, arena_printf(l->arena, " %s\n", user->acl));
    return lowering_join(l, parts, count);
}

static struct plan_text with_users(struct lowering *l, const struct plan_node *node, struct plan_text conf)
{
    for (size_t i = 0; i < node->run.user_count; i++) {
        struct plan_text both[2] = {conf, user_line(l, &node->run.users[i])};
        conf = lowering_join(l, both, 2);
    }
    return conf;
}

static void check_users(struct lowering *l, const struct deployment_service *service,
                        const struct plan_node *node)
{
    if (service->kind == MODEL_GARNET && node->run.user_count)
        lowering_problem(l, &service->pos, "leave `users` out",
                         "users of a Garnet server cannot be made where apphost does not run: \"%s\"",
                         service->name);
}

/* ---- certificates: the user's own files ---- */

static void add_certificates(struct lowering *l, struct deployment_service *service, struct plan_text *conf)
{
    const struct model_resource *resource = model_find(l->model, text_or(service->node_of, service->name));
    const struct model_tls *tls = &resource->redis.tls;
    const char *cert = arena_printf(l->arena, "%s-tls.crt", service->name);
    const char *key = arena_printf(l->arena, "%s-tls.key", service->name);
    if (!tls->on || !tls->cert)
        return;

    struct deployment_file *file = add_file(l, service, "tls-cert", cert);
    lowering_add_pem(l, file, tls->cert, &tls->pos);
    lowering_move_path(l, conf, REDIS_TLS_CERT_FILE, file->path);
    file = add_file(l, service, "tls-key", key);
    lowering_add_pem(l, file, tls->key, &tls->pos);
    lowering_move_path(l, conf, REDIS_TLS_KEY_FILE, file->path);
}

/* ---- how it is started ---- */

static void set_words(struct lowering *l, struct plan_text **words, size_t *count, const char *const *texts)
{
    *count = 0;
    while (texts[*count])
        ++*count;
    *words = arena_alloc(l->arena, (*count + 1) * sizeof **words);
    for (size_t i = 0; i < *count; i++)
        (*words)[i] = lowering_literal(l, texts[i]);
}

static void launch(struct lowering *l, struct deployment_service *service, const char *conf)
{
    if (service->kind != MODEL_GARNET) {
        const char *const command[] = {redis_server_name(service->kind), conf, NULL};
        service->entrypoint_count = 0;
        set_words(l, &service->command, &service->command_count, command);
        return;
    }

    /* Its image has the server where others have it on the PATH. */
    const char *const entrypoint[] = {"/bin/sh", "-c", NULL};
    const char *const command[] = {
        arena_printf(l->arena,
                     "server=/app/GarnetServer; [ -x \"$server\" ] || server=GarnetServer; "
                     "exec \"$server\" --config-import-path %s",
                     conf),
        NULL};
    set_words(l, &service->entrypoint, &service->entrypoint_count, entrypoint);
    set_words(l, &service->command, &service->command_count, command);
}

void lowering_add_server(struct lowering *l, struct deployment_service *service, const struct plan_node *node)
{
    service->files = arena_alloc(l->arena, MOST_FILES * sizeof *service->files);
    struct plan_text conf = lowering_join(l, configuration(node), 1);
    const char *conf_name = arena_printf(l->arena, "%s.conf", service->name);
    struct deployment_file *file = add_file(l, service, "conf", conf_name);

    check_users(l, service, node);
    add_certificates(l, service, &conf);
    file->text = with_users(l, node, conf);
    if (node->run.ready.password.count) {
        const char *name = arena_printf(l->arena, "%s-password", service->name);
        struct deployment_file *password = add_file(l, service, "password", name);
        password->text = node->run.ready.password;
        password->is_check_only = true;
    }
    /* Root gives its folder away by the image's entrypoint. */
    if (str_eq(service->user, "0:0"))
        service->user = NULL;
    launch(l, service, file->path);
}
