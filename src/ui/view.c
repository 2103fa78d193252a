/* Tables from the supervisor's view. See view.h. */
#include "ui/view.h"

#include "base/mem.h"
#include "ui/render.h"
#include "args/suggest.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const char *error_of(const cJSON *resource)
{
    const cJSON *error = json_get(resource, "error");
    return cJSON_IsString(error) ? error->valuestring : json_string(error, "message", "");
}

/* "failed, exit 4" tells more than "failed". */
static char *state_of(const cJSON *resource)
{
    const char *state = json_string(resource, "state", "?");
    const char *health = json_string(resource, "health", "");
    int64_t code = json_int(resource, "exitCode", -1);
    bool is_over = render_state_class(state) != STATE_GOOD && render_state_class(state) != STATE_ACTIVE;
    if (is_over && code > 0)
        return xasprintf("%s (exit %" PRId64 ")", state, code);
    if (!strcmp(health, "unhealthy"))
        return xasprintf("%s (unhealthy)", state);
    return xstrdup(state);
}

static char *address_of(const cJSON *resource)
{
    const char *display = json_string(resource, "display", "");
    int64_t port = json_int(resource, "port", 0);
    if (*display)
        return xstrdup(display);
    return port > 0 ? xasprintf("%s:%" PRId64, json_string(resource, "host", "127.0.0.1"), port)
                    : xstrdup("");
}

static char *where_of(const cJSON *resource)
{
    int64_t pid = json_int(resource, "pid", 0);
    const char *container = json_string(resource, "containerName", "");
    if (*container)
        return xstrdup(container);
    return pid > 0 ? xasprintf("pid %" PRId64, pid) : xstrdup("");
}

static char *detail_of(const cJSON *resource)
{
    cleanup_strbuf struct strbuf text = {0};
    int64_t restarts = json_int(resource, "restarts", 0);
    if (restarts > 0)
        strbuf_addf(&text, "%" PRId64 " restart%s", restarts, restarts == 1 ? "" : "s");
    if (!strcmp(json_string(resource, "lifetime", ""), "persistent"))
        strbuf_addf(&text, "%spersistent", text.length ? ", " : "");
    const char *error = error_of(resource);
    if (!*error && !strcmp(json_string(resource, "state", ""), "completed"))
        error = json_string(resource, "detail", "");
    if (*error)
        strbuf_addf(&text, "%s%.*s", text.length ? "; " : "", (int)strcspn(error, "\n"), error);
    return strbuf_take(&text);
}

void view_print_short(const struct output *output, const cJSON *view, FILE *stream)
{
    struct table table = {.columns = 3};
    const char *const head[] = {"NAME", "STATE", "ADDRESS"};
    const cJSON *resource;
    table_row(&table, head);
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        cleanup_free char *state = state_of(resource);
        cleanup_free char *address = address_of(resource);
        const char *const cells[] = {json_string(resource, "name", ""), state, address};
        table_row(&table, cells);
    }
    if (json_count(json_get(view, "resources")))
        table_print(&table, stream, stream == stdout ? output->colour_out : output->colour_err);
    table_free(&table);
}

void view_print_long(const struct output *output, const cJSON *view, FILE *stream)
{
    struct table table = {.columns = 6};
    const char *const head[] = {"NAME", "STATE", "ADDRESS", "KIND", "WHERE", "DETAIL"};
    const cJSON *resource;

    table_row(&table, head);
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        cleanup_free char *state = state_of(resource);
        cleanup_free char *address = address_of(resource);
        cleanup_free char *where = where_of(resource);
        cleanup_free char *detail = detail_of(resource);
        const char *const cells[] = {json_string(resource, "name", ""), state, address,
                                     json_string(resource, "kind", ""), where, detail};
        table_row(&table, cells);
    }
    table_print(&table, stream, output->colour_out);
    table_free(&table);
}

void view_print_timings(const struct output *output, const cJSON *view, FILE *stream)
{
    struct table table = {.columns = 3};
    const char *const head[] = {"RESOURCE", "GOAL", "TIME"};
    const cJSON *resource, *goal;

    table_row(&table, head);
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        cJSON_ArrayForEach(goal, json_get(resource, "timings"))
        {
            char elapsed[24];
            str_elapsed((int64_t)goal->valuedouble, elapsed);
            const char *const cells[] = {json_string(resource, "name", ""), goal->string, elapsed};
            table_row(&table, cells);
        }
    }
    table_print(&table, stream, output->colour_err);
    table_free(&table);
}

void view_print_published(const cJSON *view, FILE *stream)
{
    const cJSON *published = json_path(view, "engine.published");
    const char *host = json_string(published, "host", NULL), *how = json_string(published, "how", "");
    cleanup_free char *safe = str_printable(how);
    if (host)
        fprintf(stream, "published ports are reached at %s: %s\n", host, safe);
    else if (published)
        fprintf(stream, "published ports cannot be reached from here: %s\n", safe);
}

void view_print_explain(const struct output *output, const cJSON *view, FILE *stream)
{
    struct table table = {.columns = 3};
    const char *const head[] = {"RESOURCE", "DECISION", "WHY"};
    const cJSON *resource;
    table_row(&table, head);
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        const char *decision = json_string(resource, "decision", "");
        const char *const cells[] = {json_string(resource, "name", ""), decision,
                                     json_string(resource, "explain", "")};
        if (*decision)
            table_row(&table, cells);
    }
    table_print(&table, stream, output->colour_err);
    table_free(&table);
}

bool view_is_named(const cJSON *record, const char *name)
{
    return str_eq(json_string(record, "name", NULL), name) ||
           str_eq(json_string(record, "resource", NULL), name) ||
           str_eq(json_string(record, "replicaOf", NULL), name);
}

const cJSON *view_find(const cJSON *view, const char *name)
{
    const cJSON *resource;
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        if (view_is_named(resource, name))
            return resource;
    }
    return NULL;
}

const cJSON *view_find_one(const cJSON *view, const char *name, const struct output *output)
{
    const cJSON *found = view_find(view, name);
    const char *own = json_string(found, "name", "");
    if (found && strcmp(own, name) != 0)
        output_note(output, "%s has replicas: this is %s", name, own);
    return found;
}

void view_keep_named(cJSON *view, const struct strlist *names)
{
    cJSON *resources = json_get(view, "resources");
    for (int i = json_count(resources); names->count && i-- > 0;) {
        const cJSON *resource = cJSON_GetArrayItem(resources, i);
        bool is_named = false;
        for (size_t n = 0; n < names->count; n++)
            is_named = is_named || view_is_named(resource, names->items[n]);
        if (!is_named)
            cJSON_DeleteItemFromArray(resources, i);
    }
}

int view_unknown(const cJSON *view, const char *name, struct error *err)
{
    const cJSON *resources = json_get(view, "resources");
    const cJSON *resource;
    cleanup_free const char **names = xcalloc((size_t)json_count(resources) + 1, sizeof *names);
    size_t count = 0;
    cJSON_ArrayForEach(resource, resources) names[count++] = json_string(resource, "name", "");
    return suggest_resource(name, names, count, err);
}

int view_check_names(const cJSON *view, const struct strlist *names, struct error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (!view_find(view, names->items[i]))
            return view_unknown(view, names->items[i], err);
    return 0;
}
