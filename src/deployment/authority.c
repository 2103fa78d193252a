/* Whom consumers of a server with TLS have to trust: locally a file of this machine that is mounted into
 * them, there a file of the service like others, under the folder that such files have; whatever names the
 * path follows. */
#include "deployment/internal.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

enum { PEM_LIMIT = 1 << 20 };

/* Is it NAME with a suffix? "cache2.pem" is none of cache's, which may have the same authority. */
static bool is_called(const char *path, const char *name)
{
    const char *file = path_basename(path);
    size_t length = strlen(name);
    return strncmp(file, name, length) == 0 && file[length] == '.';
}

/* The server whose authority this is, by where the lowering puts it. */
static const struct model_resource *server_of(const struct lowering *l, const struct plan_mount *mount)
{
    for (size_t i = 0; !mount->is_volume && mount->read_only && i < l->model->resource_count; i++) {
        const struct model_resource *r = &l->model->resources[i];
        bool has_authority = model_is_server(r->kind) && r->redis.tls.on && r->redis.tls.ca;
        if (has_authority && strcmp(r->redis.tls.ca, mount->source) == 0 && is_called(mount->target, r->name))
            return r;
    }
    return NULL;
}

static const char *replaced(struct lowering *l, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at)
        return text;
    const char *rest = replaced(l, at + strlen(from), from, to);
    return arena_printf(l->arena, "%.*s%s%s", (int)(at - text), text, to, rest);
}

void lowering_move_path(struct lowering *l, struct plan_text *text, const char *from, const char *to)
{
    for (size_t i = 0; i < text->count; i++)
        if (text->parts[i].kind == PLAN_LITERAL)
            text->parts[i].text = replaced(l, text->parts[i].text, from, to);
}

void lowering_add_pem(struct lowering *l, struct deployment_file *file, const char *path,
                      const struct model_pos *pos)
{
    struct error cause = {0};
    size_t length = 0;
    char *text = file_read(path, PEM_LIMIT, &length, &cause);
    if (!text) {
        lowering_problem(l, pos, NULL, "%s", cause.text);
        error_clear(&cause);
        return;
    }
    file->text = lowering_literal(l, text);
    mem_wipe(text, length);
    free(text);
}

static void follow(struct lowering *l, struct deployment_service *service, const char *from, const char *to)
{
    for (size_t i = 0; i < service->environment_count; i++)
        lowering_move_path(l, &service->environment[i].value, from, to);
    for (size_t i = 0; i < service->command_count; i++)
        lowering_move_path(l, &service->command[i], from, to);
    for (size_t i = 0; i < service->entrypoint_count; i++)
        lowering_move_path(l, &service->entrypoint[i], from, to);
}

bool lowering_is_authority(const struct lowering *l, const struct plan_mount *mount)
{
    return server_of(l, mount) != NULL;
}

void lowering_add_authorities(struct lowering *l, struct deployment_service *service,
                              const struct plan_node *node)
{
    if (!service->files)
        service->files = arena_alloc(l->arena, (node->run.mount_count + 1) * sizeof *service->files);
    for (size_t i = 0; i < node->run.mount_count; i++) {
        const struct plan_mount *mount = &node->run.mounts[i];
        const struct model_resource *server = server_of(l, mount);
        if (!server)
            continue;

        struct deployment_file *file = &service->files[service->file_count++];
        file->name = arena_printf(l->arena, "%s-ca-%s", service->name, server->name);
        file->file = arena_printf(l->arena, "%s-ca.pem", server->name);
        file->path = arena_printf(l->arena, "%s/%s", lowering_folder(l), file->file);
        lowering_add_pem(l, file, mount->source, &server->redis.tls.pos);
        follow(l, service, mount->target, file->path);
    }
}
