/* Why a command failed, with what is left to see of it. See session.h. */
#include "session/session.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdio.h>
#include <string.h>

static void list_removed(const struct view_down *down, struct strbuf *out)
{
    for (size_t i = 0; i < down->removed_count; i++) {
        const struct view_object *object = &down->removed[i];
        bool has_resource = *text_or_empty(object->resource);
        strbuf_addf(out, "%s%s %s", text_if(out->length > 0, ", "), text_or_empty(object->kind),
                    text_or_empty(has_resource ? object->resource : object->name));
    }
}

static void print_line(const struct output *output, const char *line, size_t length)
{
    cleanup_free char *copy = xstrndup(line, length);
    cleanup_free char *shown = str_printable(copy);
    fprintf(stderr, "    %s%s%s %s\n", output_colour(output->colour_err, COLOUR_DIM),
            output->unicode ? "│" : "|", output_colour(output->colour_err, COLOUR_NONE), shown);
}

static void print_last_lines(const struct output *output, const char *lines)
{
    for (const char *at = lines; *at;) {
        size_t length = strcspn(at, "\n");
        print_line(output, at, length);
        at += length + (at[length] == '\n');
    }
}

/* "exit code 3", "killed by signal 9 (out of memory)". */
static void print_exit(const struct view_resource *resource, const char *name)
{
    const char *memory = text_if(resource->is_out_of_memory, ", out of memory");
    int signal = (int)resource->signal;
    if (signal > 0)
        fprintf(stderr, "  %s: ended by signal %d (%s)%s\n", name, signal, strsignal(signal), memory);
    else if (resource->exit_code.is_known)
        fprintf(stderr, "  %s: exit code %d%s\n", name, (int)resource->exit_code.value, memory);
}

/* What the error of the whole says is not said again. */
static void print_message(const struct view_resource *resource, const char *name)
{
    const char *message = text_or_empty(resource->error.message);
    cleanup_free char *consequence = str_printable(text_or_empty(resource->consequence));
    cleanup_free char *shown = str_printable(message);
    if (*consequence)
        fprintf(stderr, "  %s\n", consequence);
    if (!resource->is_told && *message)
        fprintf(stderr, "  %s: %s\n", name, shown);
}

static void print_failure(const struct output *output, const struct view_resource *resource)
{
    const char *name = text_or_empty(resource->name);
    const char *probe = text_or_empty(resource->last_probe), *lines = text_or_empty(resource->last_lines);

    print_message(resource, name);
    if (*probe && !resource->is_attempt_told) {
        cleanup_free char *shown = str_printable(probe);
        fprintf(stderr, "  %s: the last attempt: %s\n", name, shown);
    }
    print_exit(resource, name);
    if (!*lines)
        return;

    fprintf(stderr, "  %s: its last lines:\n", name);
    print_last_lines(output, lines);
}

static void print_cleaned(struct context *context, const struct view_down *removed)
{
    cleanup_strbuf struct strbuf text = {0};
    if (!removed) {
        const struct control_connection *connection = context->client.connection;
        if (connection && !context->client.is_fresh && !control_is_broken(connection))
            output_note(&context->output, "the running project is left as it is: apphost ps, apphost down");
        return;
    }

    list_removed(removed, &text);
    if (!text.length)
        strbuf_adds(&text, "nothing had been started");
    output_note(&context->output, "cleaned up: %s", strbuf_text(&text));
}

static void report_json(const struct error *error, const struct view *view, const struct view_down *removed)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *object = control_error_to_json(error);
    cJSON_AddItemToObject(document, "error", object);
    if (view && view->report.json)
        cJSON_AddItemToObject(object, "report", cJSON_Duplicate(view->report.json, 1));
    if (removed)
        cJSON_AddItemToObject(object, "removed",
                              view_objects_to_json(removed->removed, removed->removed_count));
    output_json(document);
}

void session_report(struct context *context, const struct error *error, const struct view *view,
                    const struct view_down *removed)
{
    if (context->output.json) {
        report_json(error, view, removed);
        return;
    }
    output_error(&context->output, error);
    for (size_t i = 0; view && i < view->report.resource_count; i++)
        print_failure(&context->output, &view->report.resources[i]);
    print_cleaned(context, removed);
}
