/* See app.h. */
#include "app.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *get(const char *name, void *data)
{
    return strlist_getenv(data, name);
}

static int set(const char *name, const char *value, void *data, struct error *err)
{
    (void)err;
    strlist_setenv(data, name, value);
    return 0;
}

int app_setup(void **state)
{
    struct app *app = calloc(1, sizeof *app);
    app->model = (struct model){
        .name = "shop", .file = "/x/apphost.yaml", .folder = "/x", .resources = app->resources};
    app->options = (struct deployment_options){.project = "shop"};
    app->store = (struct deployment_store){get, set, &app->kept};
    *state = app;
    return 0;
}

static void forget(struct app *app)
{
    deployment_free(app->d);
    for (size_t i = 0; i < app->problem_count; i++)
        error_clear(&app->problems[i]);
    free(app->problems);
    app->d = NULL;
    app->problems = NULL;
    app->problem_count = 0;
}

int app_teardown(void **state)
{
    struct app *app = *state;
    forget(app);
    arena_free(&app->model.arena);
    strlist_free(&app->kept);
    free(app);
    return 0;
}

/* ---- the model ---- */

struct model_resource *app_add(struct app *app, const char *name, enum model_kind kind)
{
    struct model_resource *r = &app->resources[app->model.resource_count++];
    int line = APP_LINES * (int)app->model.resource_count;
    *r = (struct model_resource){.name = name, .kind = kind, .pos = {"apphost.yaml", line, 3}};
    if (kind == MODEL_PROCESS)
        r->publish = (struct model_publish){.given = true, .image = "example/process:1"};
    else if (kind == MODEL_CONTAINER)
        r->image = "example/container:1";
    else if (model_is_server(kind))
        r->redis.bind_address = "127.0.0.1";
    else if (kind == MODEL_CONNECTION_STRING)
        r->connection.value = app_text(app, "redis://db:6379");
    else
        r->external = (struct model_external){app_text(app, "http://far"), "http", app_text(app, "far"),
                                              app_text(app, "80")};
    return r;
}

struct model_reference *app_refer(struct app *app, struct model_resource *of, const char *to)
{
    struct arena *arena = &app->model.arena;
    of->references = arena_grow(arena, of->references, of->reference_count, of->reference_count + 1,
                                sizeof *of->references);
    of->references[of->reference_count] = (struct model_reference){.resource = to, .wait = true};
    return &of->references[of->reference_count++];
}

struct model_wait *app_wait(struct app *app, struct model_resource *of, const char *for_whom,
                            enum model_until until)
{
    struct arena *arena = &app->model.arena;
    of->wait_for = arena_grow(arena, of->wait_for, of->wait_count, of->wait_count + 1, sizeof *of->wait_for);
    of->wait_for[of->wait_count] = (struct model_wait){.resource = for_whom, .until = until};
    return &of->wait_for[of->wait_count++];
}

struct model_endpoint *app_endpoint(struct app *app, struct model_resource *of, const char *name)
{
    struct arena *arena = &app->model.arena;
    of->endpoints =
        arena_grow(arena, of->endpoints, of->endpoint_count, of->endpoint_count + 1, sizeof *of->endpoints);
    of->endpoints[of->endpoint_count] =
        (struct model_endpoint){.name = name, .scheme = "http", .pos = {"apphost.yaml", 77, 5}};
    return &of->endpoints[of->endpoint_count++];
}

static struct model_text one_part(struct app *app, struct model_part part)
{
    struct model_text text = {
        .parts = arena_alloc(&app->model.arena, sizeof part), .count = 1, .given = true};
    text.parts[0] = part;
    return text;
}

struct model_text app_text(struct app *app, const char *literal)
{
    return one_part(app, (struct model_part){.literal = literal});
}

struct model_text app_part(struct app *app, enum model_get what, const char *name)
{
    return one_part(app, (struct model_part){.get = what, .resource = name});
}

void app_variable(struct app *app, struct model_resource *of, const char *name, struct model_text value)
{
    struct arena *arena = &app->model.arena;
    of->environment = arena_grow(arena, of->environment, of->environment_count, of->environment_count + 1,
                                 sizeof *of->environment);
    of->environment[of->environment_count++] = (struct model_variable){.name = name, .value = value};
}

/* ---- what it is lowered to ---- */

struct deployment *app_lower(struct app *app, enum deployment_target target)
{
    forget(app);
    app->options.target = target;
    app->d = deployment_lower(&app->model, &app->options, &app->problems, &app->problem_count);
    return app->d;
}

void app_settle(struct app *app, enum deployment_target target)
{
    if (!app_lower(app, target))
        fail_msg("it is refused: %s", app->problems[0].text);
    assert_int_equal(deployment_settle(app->d, &app->store, NULL), 0);
}

const struct deployment_service *app_find(const struct app *app, const char *name)
{
    const struct deployment_service *s = deployment_find(app->d, name);
    if (!s)
        fail_msg("there is no service \"%s\"", name);
    return s;
}

char *app_value(const struct app *app, const char *service, const char *variable)
{
    const struct deployment_service *s = app_find(app, service);
    for (size_t i = 0; i < s->environment_count; i++)
        if (strcmp(s->environment[i].name, variable) == 0)
            return deployment_text(app->d, &s->environment[i].value);
    return NULL;
}

char *app_content(const struct app *app, const char *service, const char *file)
{
    const struct deployment_service *s = app_find(app, service);
    for (size_t i = 0; i < s->file_count; i++)
        if (strcmp(s->files[i].file, file) == 0)
            return deployment_text(app->d, &s->files[i].text);
    return NULL;
}

static const struct error *find(const struct error *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(list[i].text, text))
            return &list[i];
    return NULL;
}

const struct error *app_problem(const struct app *app, const char *text)
{
    return find(app->problems, app->problem_count, text);
}

const struct error *app_note(const struct app *app, const char *text)
{
    return app->d ? find(app->d->notes, app->d->note_count, text) : NULL;
}

void app_refuses(struct app *app, enum deployment_target target, const char *text, int line)
{
    assert_null(app_lower(app, target));
    const struct error *problem = app_problem(app, text);
    if (!problem)
        fail_msg("no problem says \"%s\"; the first one says \"%s\"", text, app->problems[0].text);
    assert_int_equal(problem->code, ERROR_MANIFEST);
    assert_string_equal(problem->source.file, "apphost.yaml");
    assert_int_equal(problem->source.line, line);
}
