/* `logs`: a page of what resources printed, backwards. See control/pages.h. */
#include "supervisor/internal.h"
#include "control/pages.h"
#include "control/requests.h"
#include "logs/logs.h"

#include "base/mem.h"

#include <regex.h>

static int compile(const char *pattern, regex_t *grep, struct error *err)
{
    char why[128];
    int wrong = regcomp(grep, pattern, REG_EXTENDED | REG_NOSUB);
    if (!wrong)
        return 0;
    cleanup_free char *shown = str_printable(pattern);
    regerror(wrong, grep, why, sizeof why);
    return error_set(err, ERROR_USAGE, "\"%s\" is no extended regular expression: %s", shown, why);
}

static struct view_line line_of(const struct log_line *line, struct arena *arena)
{
    cleanup_free char *text = log_line_shown(line);
    struct view_line told = {
        .resource = line->resource,
        .stream = "stdout",
        .time_ms = line->time_ns / 1000000,
        .line = arena_strdup(arena, text),
        .partial = line->partial,
    };
    if (line->stream == 2)
        told.stream = "stderr";
    return told;
}

static cJSON *page_to_json(const struct log_page *page)
{
    struct arena arena = {0};
    struct answer_logs answer = {.before = page->before};
    answer.lines = arena_alloc(&arena, (page->count + 1) * sizeof *answer.lines);
    answer.line_count = page->count;
    for (size_t i = 0; i < page->count; i++)
        answer.lines[i] = line_of(&page->lines[i], &arena);
    cJSON *json = record_to_json(&answer_logs_record, &answer);
    arena_free(&arena);
    return json;
}

static cJSON *read_page(const struct supervisor *s, const struct ask_logs *ask, struct error *err)
{
    struct log_page_options options = {
        .before = ask->before, .count = ask->count, .since_ns = ask->since_ms * 1000000};
    struct log_page page;
    regex_t grep;
    cJSON *json = NULL;

    if (ask->grep && compile(ask->grep, &grep, err))
        return NULL;
    if (ask->grep)
        options.grep = &grep;
    for (size_t i = 0; i < ask->resource_count; i++)
        strlist_add(&options.resources, ask->resources[i]);

    if (!log_page_read(s->logs_folder, &options, &page, err))
        json = page_to_json(&page);
    log_page_free(&page);
    strlist_free(&options.resources);
    if (ask->grep)
        regfree(&grep);
    return json;
}

void supervisor_tell_logs(const struct call *call)
{
    struct arena arena = {0};
    cleanup_error struct error error = {0};
    const struct ask_logs *ask = supervisor_read(call, &ask_logs_record, &arena);
    cJSON *page = NULL;
    if (ask)
        page = read_page(call->s, ask, &error);
    if (page)
        control_send_done(call->client, call->id, NULL, page);
    else if (ask)
        control_send_done(call->client, call->id, &error, NULL);
    arena_free(&arena);
}
