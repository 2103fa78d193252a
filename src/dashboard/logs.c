/* Logs as an answer: the last lines, or all of them as a text. The files are read here, as every command
 * does; they are there when no session is. */
#include "dashboard/internal.h"
#include "dashboard/text.h"

#include "base/file.h"
#include "base/mem.h"
#include "logs/logs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TAIL = 500, LONGEST_TAIL = 5000, BYTES_LIMIT = 16 << 20 };

struct log_answer {
    struct dashboard *dashboard;
    struct web_request *request;
    struct log_reader *reader;
    struct turn free_turn;
    struct strbuf out;
    regex_t pattern;
    bool has_pattern, is_text;
};

char *logs_folder(const struct dashboard *dashboard)
{
    if (dashboard->link.hello.logs)
        return xstrdup(dashboard->link.hello.logs);
    return path_join(dashboard->folder, "logs");
}

void logs_names(const char *query, const char *parameter, struct strlist *names)
{
    cleanup_free char *text = web_query_bytes(query, parameter, NULL);
    for (char *name = text; name && *name;) {
        char *end = strchr(name, ',');
        if (end)
            *end++ = '\0';
        if (*name)
            strlist_add(names, name);
        name = end;
    }
}

static void add_json(struct strbuf *out, const struct log_line *line)
{
    strbuf_adds(out, "{\"resource\":");
    text_add(out, line->resource, strlen(line->resource));
    strbuf_addf(out, ",\"stream\":%d,\"time\":%" PRId64 ".%03" PRId64 ",\"line\":", line->stream,
                line->time_ns / 1000000, line->time_ns / 1000 % 1000);
    text_add(out, line->text, line->length);
    if (line->partial)
        strbuf_adds(out, ",\"partial\":true");
    strbuf_adds(out, "}\n");
}

static void on_line(const struct log_line *line, void *data)
{
    struct log_answer *answer = data;
    if (!answer->is_text) {
        add_json(&answer->out, line);
        return;
    }
    strbuf_addf(&answer->out, "%s | ", line->resource);
    strbuf_add(&answer->out, line->text, line->length);
    strbuf_addc(&answer->out, '\n');
}

/* In a turn of its own: the reader is in the middle of something. */
static void release(void *data)
{
    struct log_answer *answer = data;
    if (answer->reader)
        log_reader_free(answer->reader);
    if (answer->has_pattern)
        regfree(&answer->pattern);
    strbuf_free(&answer->out);
    free(answer);
}

static void on_end(void *data)
{
    struct log_answer *answer = data;
    struct web_reply reply = {.type = "application/x-ndjson"};
    if (answer->is_text)
        reply = (struct web_reply){.type = "text/plain; charset=utf-8", .attachment = "apphost.log"};
    else
        strbuf_adds(&answer->out, "{\"cursor\":null}\n");
    reply.length = answer->out.length;
    reply.body = strbuf_take(&answer->out);
    web_reply(answer->request, &reply);
    loop_post(&answer->dashboard->loop, &answer->free_turn);
}

static void on_gone(void *data)
{
    struct log_answer *answer = data;
    log_reader_free(take_ptr(&answer->reader));
    loop_post(&answer->dashboard->loop, &answer->free_turn);
}

/* A text that is looked for, as a pattern that matches it and nothing else. */
static char *quote_pattern(const char *text)
{
    struct strbuf out = {0};
    for (const char *c = text; *c; c++) {
        if (strchr(".[]()*+?{}|^$\\", *c))
            strbuf_addc(&out, '\\');
        strbuf_addc(&out, *c);
    }
    return strbuf_take(&out);
}

/* False: it was answered. */
static bool read_pattern(struct log_answer *answer, const char *query)
{
    cleanup_free char *text = web_query_bytes(query, "q", NULL);
    if (!text || !*text)
        return true;
    cleanup_free char *quoted = quote_pattern(text);
    const char *pattern = quoted;
    if (web_query_flag(query, "regex"))
        pattern = text;
    answer->has_pattern = !regcomp(&answer->pattern, pattern, REG_EXTENDED | REG_NOSUB | REG_ICASE);
    if (!answer->has_pattern)
        answer_refusal(answer->request, 400, "bad-request", "q is no extended regular expression");
    return answer->has_pattern;
}

static void start(struct log_answer *answer, const char *query)
{
    struct log_reader_options options = {0};
    cleanup_free char *folder = logs_folder(answer->dashboard);
    int64_t tail = DEFAULT_TAIL;
    logs_names(query, "r", &options.resources);
    if (answer->is_text)
        tail = -1;
    options.tail = web_query_int(query, "tail", tail);
    if (options.tail > LONGEST_TAIL)
        options.tail = LONGEST_TAIL;
    options.since_ns = web_query_int(query, "since", 0) * 1000000;
    if (answer->has_pattern)
        options.grep = &answer->pattern;

    if (file_is_dir(folder))
        answer->reader =
            log_reader_start(&answer->dashboard->loop, folder, &options, on_line, on_end, answer);
    strlist_free(&options.resources);
    if (answer->reader)
        web_request_watch(answer->request, on_gone, answer);
    else
        on_end(answer);
}

void logs_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    const char *query = web_request_head(request)->query;
    struct log_answer *answer = xcalloc(1, sizeof *answer);
    cleanup_free char *format = web_query_bytes(query, "format", NULL);
    (void)rest;
    answer->dashboard = dashboard;
    answer->request = request;
    answer->out.limit = BYTES_LIMIT;
    answer->is_text = format && !strcmp(format, "text");
    turn_init(&answer->free_turn, release, answer);
    if (read_pattern(answer, query))
        start(answer, query);
    else
        loop_post(&dashboard->loop, &answer->free_turn);
}
