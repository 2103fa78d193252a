/* The stream and the logs: what is told, to whom, in which order; over a session's end, and to whoever
 * leaves. */
#include "rig.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "logs/logs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void leave(struct reply *stream)
{
    close(stream->fd);
    reply_free(stream);
}

static void states(void **state)
{
    struct rig *rig = *state;
    struct reply stream = rig_open(rig, "events?topics=state");
    rig_wait_said(rig, &stream, "event: hello");
    assert_non_null(strstr(stream.text, "text/event-stream"));
    rig_begin_session(rig);
    rig_wait_said(rig, &stream, "event: view");
    rig_tell(rig, "{\"type\":\"transition\",\"node\":\"process:api\",\"state\":\"failed\",\"timeMs\":5}");
    rig_wait_said(rig, &stream, "event: state");
    rig_wait_said(rig, &stream, "\"state\":\"failed\"");
    leave(&stream);
}

/* Records that change come as they are, and are what the next view is made of. */
static void records(void **state)
{
    struct rig *rig = *state;
    rig_begin_session(rig);
    struct reply stream = rig_open(rig, "events");
    rig_tell(rig, "{\"type\":\"view\",\"rev\":40,\"view\":{\"project\":\"shop\",\"engine\":{},\"others\":[],"
                  "\"resources\":[{\"name\":\"one\",\"node\":\"process:one\"}]}}");
    rig_wait_said(rig, &stream, "\"rev\":40");
    rig_tell(rig,
             "{\"type\":\"changes\",\"rev\":41,\"resources\":[{\"name\":\"two\",\"node\":\"process:two\"}],"
             "\"gone\":[\"process:one\"]}");
    rig_wait_said(rig, &stream, "id: 41\nevent: changes");
    leave(&stream);

    cleanup_json cJSON *view = rig_get(rig, "view", 200);
    assert_int_equal(json_int(view, "rev", 0), 41);
    assert_int_equal(json_count(json_get(view, "resources")), 1);
    cJSON_Delete(rig_get(rig, "resources/two", 200));
    cJSON_Delete(rig_get(rig, "resources/one", 404));
}

static void sessions(void **state)
{
    struct rig *rig = *state;
    struct reply stream = rig_open(rig, "events?topics=state");
    rig_begin_session(rig);
    rig_wait_said(rig, &stream, "event: session\ndata: {\"state\":\"running\"");
    rig_end_session(rig);
    rig_wait_said(rig, &stream, "event: session\ndata: {\"state\":\"no-session\"");
    rig_begin_session(rig);
    leave(&stream);
}

static void figures(void **state)
{
    struct rig *rig = *state;
    rig_begin_session(rig);
    rig_answers(rig, "usage",
                "{\"timeMs\":1000,\"clockMs\":1000,\"resources\":[{\"name\":\"api\",\"node\":\"process:api\","
                "\"pid\":1,\"cpuUs\":0,\"memoryBytes\":4096,\"processes\":1}]}");
    struct reply stream = rig_open(rig, "events?topics=stats");
    rig_wait_said(rig, &stream, "\"points\":{\"api\":[0,4096,1]}");
    rig_answers(rig, "usage",
                "{\"timeMs\":3000,\"clockMs\":3000,\"resources\":[{\"name\":\"api\",\"node\":\"process:api\","
                "\"pid\":1,\"cpuUs\":500000,\"memoryBytes\":8192,\"processes\":2}]}");
    rig_wait_said(rig, &stream, "\"points\":{\"api\":[25,8192,2]}");
    leave(&stream);

    cleanup_json cJSON *all = rig_get(rig, "stats", 200), *later = rig_get(rig, "stats?since=1000", 200);
    assert_true(json_count(json_get(json_get(all, "points"), "api")) >= 2);
    assert_true(json_count(json_get(json_get(later, "points"), "api")) >= 1);
}

static void write_lines(struct rig *rig, const char *resource, const char *text)
{
    cleanup_free char *folder = path_join(rig->folder, "logs");
    struct log_writer *writer = log_writer_new(&rig->loop, folder, resource, 0, NULL);
    assert_non_null(writer);
    log_writer_add(writer, 1, text, strlen(text));
    log_writer_free(writer);
}

static void logs(void **state)
{
    struct rig *rig = *state;
    write_lines(rig, "api", "one\n<img src=x>\n\x1b[31mred\xff\n");
    write_lines(rig, "worker", "two\n");
    struct reply all = rig_ask(rig, "GET /api/v1/logs", NULL, NULL);
    assert_non_null(strstr(all.text, "application/x-ndjson"));
    assert_non_null(strstr(all.text, "\"line\":\"two\""));
    assert_non_null(strstr(all.text, "\"line\":\"\\u001b[31mred\xef\xbf\xbd\""));
    assert_non_null(strstr(all.text, "{\"cursor\":null}"));
    struct reply one = rig_ask(rig, "GET /api/v1/logs?r=api&tail=1", NULL, NULL);
    assert_null(strstr(one.text, "two"));
    assert_null(strstr(one.text, "\"one\""));
    struct reply found = rig_ask(rig, "GET /api/v1/logs?q=O.E&regex=1", NULL, NULL);
    assert_non_null(strstr(found.text, "\"one\""));
    assert_null(strstr(found.text, "two"));
    struct reply literal = rig_ask(rig, "GET /api/v1/logs?q=o.e", NULL, NULL);
    assert_null(strstr(literal.text, "\"one\""));
    struct reply text = rig_ask(rig, "GET /api/v1/logs?format=text&r=worker", NULL, NULL);
    assert_non_null(strstr(text.body, "worker | two\n"));
    assert_non_null(strstr(text.text, "attachment"));
    cJSON_Delete(rig_get(rig, "logs?q=(&regex=1", 400));

    struct reply *replies[] = {&all, &one, &found, &literal, &text};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        reply_free(replies[i]);
}

/* The cursor that a page of lines ends with; NULL: none. The caller frees. */
static char *cursor_of(const struct reply *page)
{
    const char *last = strstr(page->text, "{\"cursor\":");
    assert_non_null(last);
    cleanup_json cJSON *json = json_parse(last, strcspn(last, "\n"), NULL);
    const char *text = json_string(json, "cursor", NULL);
    if (!text)
        return NULL;
    return xstrdup(text);
}

static struct reply ask_before(struct rig *rig, const char *query, const char *cursor)
{
    cleanup_free char *line = xasprintf("GET /api/v1/logs?%s&before=%s", query, cursor);
    return rig_ask(rig, line, NULL, NULL);
}

/* Back from the end, over all resources and for one; what is before the first line is nothing. */
static void logs_by_pages(void **state)
{
    struct rig *rig = *state;
    write_lines(rig, "api", "one\ntwo\nthree\n");
    write_lines(rig, "worker", "four\nfive\n");
    struct reply last = rig_ask(rig, "GET /api/v1/logs?tail=3", NULL, NULL);
    assert_non_null(strstr(last.text, "\"three\""));
    assert_null(strstr(last.text, "\"two\""));
    cleanup_free char *cursor = cursor_of(&last);
    assert_non_null(cursor);
    struct reply first = ask_before(rig, "tail=3", cursor);
    assert_non_null(strstr(first.text, "\"one\""));
    assert_non_null(strstr(first.text, "\"two\""));
    assert_null(strstr(first.text, "\"three\""));
    assert_null(cursor_of(&first));

    struct reply own = rig_ask(rig, "GET /api/v1/logs?r=api&tail=1", NULL, NULL);
    cleanup_free char *place = cursor_of(&own);
    struct reply before = ask_before(rig, "r=api&tail=1", place);
    assert_non_null(strstr(before.text, "\"two\""));
    assert_null(strstr(before.text, "\"one\""));
    cJSON_Delete(rig_get(rig, "logs?before=nowhere", 400));

    struct reply *replies[] = {&last, &first, &own, &before};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        reply_free(replies[i]);
}

/* A text is as long as the files are: 17 MiB here. */
static void a_long_log(void **state)
{
    enum { LINES = 17 << 10 };
    struct rig *rig = *state;
    struct strbuf lines = {0};
    for (int i = 0; i < LINES; i++)
        strbuf_addf(&lines, "%01022d\n", i);
    write_lines(rig, "api", strbuf_text(&lines));
    strbuf_free(&lines);

    struct reply text = rig_ask(rig, "GET /api/v1/logs?format=text&r=api", NULL, NULL);
    assert_true(strlen(text.body) > LINES * strlen("api | \n") + LINES * 1022);
    reply_free(&text);
}

static void followed_logs(void **state)
{
    struct rig *rig = *state;
    write_lines(rig, "api", "before\n");
    write_lines(rig, "worker", "other\n");
    struct reply stream = rig_open(rig, "events?topics=logs:api&tail=5");
    rig_wait_said(rig, &stream, "\"before\"");
    write_lines(rig, "api", "after\n");
    rig_wait_said(rig, &stream, "\"after\"");
    assert_null(strstr(stream.text, "other"));
    assert_null(strstr(stream.text, "event: view"));
    leave(&stream);
}

/* A stream that nobody reads any more is forgotten, and there are only so many. */
static void many(void **state)
{
    struct rig *rig = *state;
    struct reply streams[32];
    for (int i = 0; i < 32; i++)
        streams[i] = rig_open(rig, "events?topics=state");
    cJSON_Delete(rig_get(rig, "events", 503));
    for (int i = 0; i < 32; i++)
        leave(&streams[i]);
    struct reply again = {0};
    for (int i = 0; i < 1000 && again.status != 200; i++) {
        reply_free(&again);
        again = rig_ask(rig, "HEAD /api/v1/events", NULL, NULL);
    }
    assert_int_equal(again.status, 200);
    reply_free(&again);
}

static int start(void **state)
{
    *state = rig_start();
    return 0;
}

static int end(void **state)
{
    rig_end(*state);
    return 0;
}
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(states),        WITH_RIG(records),       WITH_RIG(sessions),
        WITH_RIG(figures),       WITH_RIG(logs),          WITH_RIG(many),
        WITH_RIG(followed_logs), WITH_RIG(logs_by_pages), WITH_RIG(a_long_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
