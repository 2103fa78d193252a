/* Tables from the supervisor's view. See view.h. */
#include "ui/view.h"
#include "control/documents.h"

#include "base/mem.h"
#include "base/pick.h"
#include "ui/render.h"
#include "args/suggest.h"

#include <inttypes.h>
#include <string.h>

/* "failed, exit 4" tells more than "failed". */
static char *state_of(const struct view_resource *resource)
{
    enum state_class class = render_state_class(resource->state);
    const char *state = view_state_name(resource->state);
    bool is_over = class != STATE_GOOD && class != STATE_ACTIVE;

    if (resource->state == VIEW_NO_STATE)
        state = "?";
    if (is_over && resource->exit_code.value > 0)
        return xasprintf("%s (exit %" PRId64 ")", state, resource->exit_code.value);
    if (resource->health == HEALTH_UNHEALTHY)
        return xasprintf("%s (unhealthy)", state);
    return xstrdup(state);
}

static char *address_of(const struct view_resource *resource)
{
    if (*text_or_empty(resource->display))
        return xstrdup(resource->display);
    if (resource->port <= 0)
        return xstrdup("");
    return xasprintf("%s:%" PRId64, text_or(resource->host, "127.0.0.1"), resource->port);
}

static char *where_of(const struct view_resource *resource)
{
    if (*text_or_empty(resource->container_name))
        return xstrdup(resource->container_name);
    if (resource->pid > 0)
        return xasprintf("pid %" PRId64, resource->pid);
    return xstrdup("");
}

static char *detail_of(const struct view_resource *resource)
{
    cleanup_strbuf struct strbuf text = {0};
    const char *error = text_or_empty(resource->error.message);
    if (resource->restarts > 0)
        strbuf_addf(&text, "%" PRId64 " restart%s", resource->restarts, plural_s(resource->restarts));
    if (resource->lifetime == LIFETIME_PERSISTENT)
        strbuf_addf(&text, "%spersistent", text_if(text.length > 0, ", "));
    if (resource->role)
        strbuf_addf(&text, "%s%s", text_if(text.length > 0, ", "), resource->role);
    if (!*error && resource->state == VIEW_COMPLETED)
        error = text_or_empty(resource->detail);
    if (*error)
        strbuf_addf(&text, "%s%.*s", text_if(text.length > 0, "; "), (int)strcspn(error, "\n"), error);
    return strbuf_take(&text);
}

static bool has_roles(const struct view *view)
{
    for (size_t i = 0; i < view->resource_count; i++)
        if (view->resources[i].role)
            return true;
    return false;
}

void view_print_short(const struct output *output, const struct view *view, FILE *stream)
{
    struct text_table table = {.columns = 3 + has_roles(view)};
    const char *const head[] = {"NAME", "STATE", "ADDRESS", "ROLE"};
    table_row(&table, head);
    for (size_t i = 0; i < view->resource_count; i++) {
        const struct view_resource *resource = &view->resources[i];
        cleanup_free char *state = state_of(resource);
        cleanup_free char *address = address_of(resource);
        const char *const cells[] = {text_or_empty(resource->name), state, address,
                                     text_or_empty(resource->role)};
        table_row(&table, cells);
    }
    if (view->resource_count)
        table_print(&table, stream, stream == stdout ? output->colour_out : output->colour_err);
    table_free(&table);
}

void view_print_long(const struct output *output, const struct view *view, FILE *stream)
{
    struct text_table table = {.columns = 6};
    const char *const head[] = {"NAME", "STATE", "ADDRESS", "KIND", "WHERE", "DETAIL"};
    table_row(&table, head);
    for (size_t i = 0; i < view->resource_count; i++) {
        const struct view_resource *resource = &view->resources[i];
        cleanup_free char *state = state_of(resource);
        cleanup_free char *address = address_of(resource);
        cleanup_free char *where = where_of(resource);
        cleanup_free char *detail = detail_of(resource);
        const char *const cells[] = {text_or_empty(resource->name), state, address,
                                     text_or_empty(resource->kind), where, detail};
        table_row(&table, cells);
    }
    table_print(&table, stream, output->colour_out);
    table_free(&table);
}

void view_print_timings(const struct output *output, const struct view *view, FILE *stream)
{
    struct text_table table = {.columns = 3};
    const char *const head[] = {"RESOURCE", "GOAL", "TIME"};
    table_row(&table, head);
    for (size_t i = 0; i < view->resource_count; i++) {
        const struct view_resource *resource = &view->resources[i];
        for (size_t g = 0; g < resource->timings.count; g++) {
            char elapsed[24];
            str_elapsed(resource->timings.items[g].ms, elapsed);
            const char *const cells[] = {text_or_empty(resource->name), resource->timings.items[g].goal,
                                         elapsed};
            table_row(&table, cells);
        }
    }
    table_print(&table, stream, output->colour_err);
    table_free(&table);
}

void view_print_published(const struct view *view, FILE *stream)
{
    const struct view_published *published = &view->engine.published;
    cleanup_free char *safe = str_printable(text_or_empty(published->how));
    if (published->host)
        fprintf(stream, "published ports are reached at %s: %s\n", published->host, safe);
    else if (published->how)
        fprintf(stream, "published ports cannot be reached from here: %s\n", safe);
}

void view_print_explain(const struct output *output, const struct view_resource *resources, size_t count,
                        FILE *stream)
{
    struct text_table table = {.columns = 3};
    const char *const head[] = {"RESOURCE", "DECISION", "WHY"};
    table_row(&table, head);
    for (size_t i = 0; i < count; i++) {
        const char *decision = text_or_empty(resources[i].decision);
        const char *const cells[] = {text_or_empty(resources[i].name), decision,
                                     text_or_empty(resources[i].explain)};
        if (*decision)
            table_row(&table, cells);
    }
    table_print(&table, stream, output->colour_err);
    table_free(&table);
}

bool view_is_named(const struct view_resource *resource, const char *name)
{
    return str_eq(resource->name, name) || str_eq(resource->replica_of, name);
}

bool transition_is_named(const struct transition *transition, const char *name)
{
    return str_eq(transition->resource, name) || str_eq(transition->replica_of, name);
}

const struct view_resource *view_find(const struct view *view, const char *name)
{
    for (size_t i = 0; i < view->resource_count; i++)
        if (view_is_named(&view->resources[i], name))
            return &view->resources[i];
    return NULL;
}

const struct view_resource *view_find_one(const struct view *view, const char *name,
                                          const struct output *output)
{
    const struct view_resource *found = view_find(view, name);
    if (found && !str_eq(found->name, name))
        output_note(output, "%s has replicas: this is %s", name, text_or_empty(found->name));
    return found;
}

static bool is_one_of(const struct view_resource *resource, const struct strlist *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (view_is_named(resource, names->items[i]))
            return true;
    return false;
}

void view_keep_named(struct view *view, const struct strlist *names)
{
    for (size_t i = view->resource_count; names->count && i-- > 0;)
        if (!is_one_of(&view->resources[i], names))
            view_drop_resource(view, i);
}

int view_unknown(const struct view *view, const char *name, struct error *err)
{
    cleanup_free const char **names = xcalloc(view->resource_count + 1, sizeof *names);
    for (size_t i = 0; i < view->resource_count; i++)
        names[i] = text_or_empty(view->resources[i].name);
    return suggest_resource(name, names, view->resource_count, err);
}

int view_check_names(const struct view *view, const struct strlist *names, struct error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (!view_find(view, names->items[i]))
            return view_unknown(view, names->items[i], err);
    return 0;
}
