/* Logs as an answer: a page of lines, the last ones or those before a place; or all of them as a text, which
 * goes out as it is read, however long it is. The files are read here, as every command does; they are there
 * when no session is. */
#include "dashboard/internal.h"
#include "dashboard/text.h"

#include "base/file.h"
#include "base/mem.h"
#include "logs/logs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TAIL = 500, LONGEST_TAIL = 10000, QUEUE = 1 << 20, MUCH = 256 << 10 };

/* What was asked for. */
struct log_question {
    struct strlist resources;
    char *before;
    int64_t tail, since_ns;
    regex_t pattern;
    bool has_pattern;
};

/* A text that is under way. */
struct log_text {
    struct loop *loop;
    struct web_stream *stream; /* NULL: the client left */
    struct log_reader *reader;
    struct log_question question;
    struct turn release;
    bool is_paused;
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

/* "MS" or "MS.FRACTION": what a stream told last is told as exactly. */
int64_t logs_since_ns(const char *query)
{
    cleanup_free char *text = web_query_bytes(query, "since", NULL);
    int64_t ms = 0, ns = 0, unit = 100000;
    char *point = NULL;
    if (text)
        point = strchr(text, '.');
    if (point)
        *point++ = '\0';
    if (!text || !str_to_int64(text, 0, INT64_MAX / 1000000 - 1, &ms))
        return 0;
    for (; point && *point >= '0' && *point <= '9' && unit; point++, unit /= 10)
        ns += (*point - '0') * unit;
    return ms * 1000000 + ns;
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
static bool read_pattern(struct log_question *question, struct web_request *request, const char *query)
{
    cleanup_free char *text = web_query_bytes(query, "q", NULL);
    if (!text || !*text)
        return true;
    cleanup_free char *quoted = quote_pattern(text);
    const char *pattern = quoted;
    if (web_query_flag(query, "regex"))
        pattern = text;
    question->has_pattern = !regcomp(&question->pattern, pattern, REG_EXTENDED | REG_NOSUB | REG_ICASE);
    if (!question->has_pattern)
        answer_refusal(request, 400, "bad-request", "q is no extended regular expression");
    return question->has_pattern;
}

static void read_question(struct log_question *question, const char *query, int64_t tail)
{
    question->tail = web_query_int(query, "tail", tail);
    question->since_ns = logs_since_ns(query);
    question->before = web_query_bytes(query, "before", NULL);
    logs_names(query, "r", &question->resources);
}

static void question_free(struct log_question *question)
{
    strlist_free(&question->resources);
    free(question->before);
    if (question->has_pattern)
        regfree(&question->pattern);
}

/* ---- a page ---- */

static void answer_lines(struct web_request *request, const struct log_page *page)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < page->count; i++)
        add_json(&out, &page->lines[i]);
    strbuf_adds(&out, "{\"cursor\":");
    if (page->before)
        text_add(&out, page->before, strlen(page->before));
    else
        strbuf_adds(&out, "null");
    strbuf_adds(&out, "}\n");
    struct web_reply reply = {.type = "application/x-ndjson", .length = out.length};
    reply.body = strbuf_take(&out);
    web_reply(request, &reply);
}

static void answer_page(struct web_request *request, const char *folder, const struct log_question *question)
{
    struct log_page_options options = {
        .resources = question->resources,
        .before = question->before,
        .count = question->tail,
        .since_ns = question->since_ns,
    };
    struct log_page page = {0};
    cleanup_error struct error error = {0};
    if (options.count > LONGEST_TAIL)
        options.count = LONGEST_TAIL;
    if (question->has_pattern)
        options.grep = &question->pattern;

    if (file_is_dir(folder) && options.count > 0 && log_page_read(folder, &options, &page, &error))
        answer_error(request, &error);
    else
        answer_lines(request, &page);
    log_page_free(&page);
}

/* ---- all of it ---- */

/* In a turn of its own: the reader is in the middle of something. */
static void release(void *data)
{
    struct log_text *text = data;
    if (text->reader)
        log_reader_free(text->reader);
    question_free(&text->question);
    free(text);
}

static void end_text(struct log_text *text)
{
    if (text->stream)
        web_stream_end(take_ptr(&text->stream));
    loop_post(text->loop, &text->release);
}

/* What does not fit ends it, without the end that a whole text has: a reader is paused long before. */
static void on_line(const struct log_line *line, void *data)
{
    struct log_text *text = data;
    cleanup_strbuf struct strbuf out = {0};
    if (!text->stream)
        return;
    strbuf_addf(&out, "%s | ", line->resource);
    strbuf_add(&out, line->text, line->length);
    strbuf_addc(&out, '\n');
    web_stream_write(text->stream, out.data, out.length);
    text->is_paused = web_stream_waiting(text->stream) > MUCH;
    if (text->is_paused)
        log_reader_pause(text->reader, true);
}

static void on_drain(void *data)
{
    struct log_text *text = data;
    if (text->is_paused && text->reader)
        log_reader_pause(text->reader, false);
    text->is_paused = false;
}

static void on_end(void *data)
{
    end_text(data);
}

static void on_gone(void *data)
{
    struct log_text *text = data;
    text->stream = NULL;
    log_reader_free(take_ptr(&text->reader));
    end_text(text);
}

static struct log_text *log_text_new(struct loop *loop, const struct log_question *question)
{
    struct log_text *text = xcalloc(1, sizeof *text);
    *text = (struct log_text){.loop = loop, .question = *question};
    turn_init(&text->release, release, text);
    return text;
}

static void answer_text(struct dashboard *dashboard, struct web_request *request, const char *folder,
                        const struct log_question *question)
{
    struct log_text *text = log_text_new(&dashboard->loop, question);
    const struct web_stream_options options = {.type = "text/plain; charset=utf-8",
                                               .attachment = "apphost.log",
                                               .limit = QUEUE,
                                               .on_drain = on_drain,
                                               .on_gone = on_gone,
                                               .data = text};
    struct log_reader_options which = {
        .resources = question->resources,
        .tail = question->tail,
        .since_ns = question->since_ns,
    };
    if (question->has_pattern)
        which.grep = &text->question.pattern;

    text->stream = web_reply_stream(request, &options);
    if (file_is_dir(folder))
        text->reader = log_reader_start(&dashboard->loop, folder, &which, on_line, on_end, text);
    if (!text->reader)
        end_text(text);
}

void logs_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    const char *query = web_request_head(request)->query;
    cleanup_free char *format = web_query_bytes(query, "format", NULL);
    cleanup_free char *folder = logs_folder(dashboard);
    struct log_question question = {0};
    (void)rest;
    bool is_text = format && !strcmp(format, "text");
    if (!read_pattern(&question, request, query))
        return;

    read_question(&question, query, is_text ? -1 : DEFAULT_TAIL);
    if (is_text) {
        answer_text(dashboard, request, folder, &question); /* takes the question */
        return;
    }
    answer_page(request, folder, &question);
    question_free(&question);
}
