/* See application.h. */
#include "application.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

int application_setup(void **state)
{
    struct application *a = calloc(1, sizeof *a);
    strcpy(a->folder, "/tmp/apphost-publish-XXXXXX");
    if (!mkdtemp(a->folder))
        return -1;
    a->d = (struct deployment){
        .project = "shop", .services = a->services, .secrets = a->secrets, .volumes = a->volumes};
    memset(a->d.key, 'a', sizeof a->d.key - 1);
    *state = a;
    return 0;
}

int application_teardown(void **state)
{
    struct application *a = *state;
    publish_free(&a->files);
    error_clear(&a->error);
    arena_free(&a->d.arena);
    int rc = file_remove_tree(a->folder, NULL);
    free(a);
    return rc;
}

/* ---- services ---- */

struct deployment_service *application_add(struct application *a, const char *name, const char *image)
{
    struct arena *arena = &a->d.arena;
    struct deployment_service *s = &a->services[a->d.service_count++];
    *s = (struct deployment_service){.name = name,
                                     .kind = MODEL_CONTAINER,
                                     .pos = {"apphost.yaml", 10 + (int)a->d.service_count, 3},
                                     .image = image,
                                     .restart = {.when = MODEL_RESTART_ALWAYS, .max_retries = -1},
                                     .stop_signal = SIGTERM,
                                     .stop_timeout_ms = 10000,
                                     .replicas = 1};
    s->environment = arena_alloc(arena, APPLICATION_PARTS * sizeof *s->environment);
    s->files = arena_alloc(arena, APPLICATION_PARTS * sizeof *s->files);
    s->mounts = arena_alloc(arena, APPLICATION_PARTS * sizeof *s->mounts);
    s->ports = arena_alloc(arena, APPLICATION_PARTS * sizeof *s->ports);
    s->needs = arena_alloc(arena, APPLICATION_PARTS * sizeof *s->needs);
    s->command = arena_alloc(arena, APPLICATION_PARTS * sizeof *s->command);
    return s;
}

struct deployment_service *application_add_server(struct application *a, const char *name, const char *value)
{
    struct arena *arena = &a->d.arena;
    const char *secret = arena_printf(arena, "%s-password", name);
    struct deployment_service *s = application_add(a, name, "example/redis:8");
    application_add_secret(a, secret, value)->is_generated = true;
    s->kind = MODEL_REDIS;
    s->is_server = s->has_data = true;
    application_set_command(a, s, "redis-server");

    application_add_file(a, s, arena_printf(arena, "%s.conf", name),
                         application_text(a, "requirepass ", secret, PLAN_FILTER_REDIS_CONF));
    application_add_file(a, s, secret, application_text(a, NULL, secret, PLAN_FILTER_NONE))->is_check_only =
        true;
    application_add_mount(a, s, arena_printf(arena, "%s-data", name), "/data");
    application_add_port(a, s, "tcp", 6379);
    s->check = (struct deployment_check){.kind = DEPLOYMENT_CHECK_PING,
                                         .shell = "[ \"$(redis-cli ping)\" = PONG ]",
                                         .alive = "redis-cli ping >/dev/null",
                                         .port = 6379,
                                         .interval_ms = 2000,
                                         .timeout_ms = 3500,
                                         .start_ms = 600000,
                                         .retries = 10};
    return s;
}

struct deployment_secret *application_add_secret(struct application *a, const char *name, const char *value)
{
    struct deployment_secret *secret = &a->secrets[a->d.secret_count++];
    *secret = (struct deployment_secret){.name = name, .value = arena_strdup(&a->d.arena, value)};
    return secret;
}

/* ---- what a service has ---- */

static void know_volume(struct application *a, const char *name, const char *resource)
{
    for (size_t i = 0; i < a->d.volume_count; i++)
        if (strcmp(a->volumes[i].name, name) == 0)
            return;
    a->volumes[a->d.volume_count++] = (struct deployment_volume){.name = name, .resource = resource};
}

struct deployment_mount *application_add_mount(struct application *a, struct deployment_service *s,
                                               const char *volume, const char *target)
{
    struct deployment_mount *mount = &s->mounts[s->mount_count++];
    know_volume(a, volume, s->name);
    s->has_data = true;
    *mount = (struct deployment_mount){
        .source = volume, .is_volume = true, .target = target, .pos = {"apphost.yaml", 40, 5}};
    return mount;
}

struct deployment_port *application_add_port(struct application *a, struct deployment_service *s,
                                             const char *name, int inside)
{
    struct deployment_port *port = &s->ports[s->port_count++];
    (void)a;
    *port = (struct deployment_port){.name = name, .scheme = "tcp", .inside = inside};
    return port;
}

struct deployment_file *application_add_file(struct application *a, struct deployment_service *s,
                                             const char *file, struct plan_text text)
{
    struct deployment_file *out = &s->files[s->file_count++];
    char *name = arena_strdup(&a->d.arena, file);
    for (char *p = name; *p; p++)
        if (*p == '.')
            *p = '-';
    *out = (struct deployment_file){
        .name = name, .file = file, .path = arena_printf(&a->d.arena, "/run/secrets/%s", file), .text = text};
    return out;
}

void application_add_variable(struct application *a, struct deployment_service *s, const char *name,
                              struct plan_text value)
{
    (void)a;
    s->environment[s->environment_count++] = (struct deployment_variable){name, value};
}

void application_add_need(struct application *a, struct deployment_service *s, const char *name,
                          enum plan_until until)
{
    (void)a;
    s->needs[s->need_count++] = (struct deployment_need){name, until, true};
}

void application_set_command(struct application *a, struct deployment_service *s, const char *word)
{
    s->command[s->command_count++] = application_text(a, word, NULL, PLAN_FILTER_NONE);
}

struct plan_text application_text(struct application *a, const char *literal, const char *secret,
                                  enum plan_filter filter)
{
    struct plan_text text = {arena_alloc(&a->d.arena, 2 * sizeof *text.parts), 0};
    if (literal)
        text.parts[text.count++] = (struct plan_part){.kind = PLAN_LITERAL, .text = literal};
    if (secret)
        text.parts[text.count++] = (struct plan_part){.kind = PLAN_SECRET, .text = secret, .filter = filter};
    return text;
}

/* ---- what is made of it ---- */

int application_publish(struct application *a, application_writer *writer)
{
    publish_free(&a->files);
    error_clear(&a->error);
    a->files.folder = a->folder;
    return writer(&a->files, &a->d, &a->error);
}

void application_write(struct application *a, application_writer *writer)
{
    assert_int_equal(application_publish(a, writer), 0);
    assert_int_equal(publish_write(&a->files, false, &a->error), 0);
}

const char *application_file(const struct application *a, const char *name)
{
    for (size_t i = 0; i < a->files.count; i++)
        if (strcmp(a->files.items[i].name, name) == 0)
            return a->files.items[i].text;
    fail_msg("no file \"%s\" is published", name);
    return NULL;
}

char *application_read(const struct application *a, const char *name)
{
    cleanup_free char *path = path_join(a->folder, name);
    return file_read(path, 1 << 20, NULL, NULL);
}

void application_put(const struct application *a, const char *name, const char *text)
{
    cleanup_free char *path = path_join(a->folder, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

char *application_block(const char *text, const char *head)
{
    cleanup_free char *line = xasprintf("\n%s\n", head);
    const char *found = strstr(text, line);
    size_t indent = strspn(head, " ");
    if (!found)
        fail_msg("no line \"%s\" in:\n%s", head, text);

    const char *begin = found + 1, *end = begin + strlen(head) + 1;
    while (*end && strspn(end, " ") > indent)
        end += strcspn(end, "\n") + 1;
    return xstrndup(begin, (size_t)(end - begin));
}

void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("there is no\n%s\nin:\n%s", part, text);
}

void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("there is\n%s\nin:\n%s", part, text);
}
