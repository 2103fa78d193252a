/* The renderer: plain lines, JSON, silence, and the live block as a terminal would end up showing it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ui/log_view.h"
#include "ui/render.h"
#include "ui/view.h"
#include "loop/testing.h"

struct screen {
    char *text;
    size_t length;
    FILE *stream;
};

static void screen_open(struct screen *screen)
{
    screen->stream = open_memstream(&screen->text, &screen->length);
}

static const char *screen_text(struct screen *screen)
{
    fflush(screen->stream);
    return screen->text;
}

static void screen_close(struct screen *screen)
{
    fclose(screen->stream);
    free(screen->text);
}

static void tell(struct render *render, const char *json)
{
    cJSON *record = json_parse(json, strlen(json), NULL);
    assert_non_null(record);
    struct arena arena = {0};
    struct transition transition;
    assert_int_equal(transition_read(record, &arena, &transition), 0);
    render_record(render, &transition);
    arena_free(&arena);
    cJSON_Delete(record);
}

static void tell_story(struct render *render)
{
    tell(
        render,
        "{\"type\":\"transition\",\"resource\":\"cache\",\"node\":\"container:cache\",\"kind\":\"container\","
        "\"state\":\"waiting\",\"elapsedMs\":0}");
    tell(render,
         "{\"type\":\"transition\",\"node\":\"image:redis:8.6\",\"kind\":\"image\",\"state\":\"pulling\","
         "\"current\":1000000,\"total\":40000000,\"elapsedMs\":5}");
    tell(render,
         "{\"type\":\"transition\",\"node\":\"image:redis:8.6\",\"kind\":\"image\",\"state\":\"pulling\","
         "\"current\":2000000,\"total\":40000000,\"elapsedMs\":6}");
    tell(render, "{\"type\":\"transition\",\"node\":\"image:redis:8.6\",\"kind\":\"image\",\"state\":"
                 "\"ready\",\"elapsedMs\":7}");
    tell(render,
         "{\"type\":\"transition\",\"node\":\"network:x\",\"kind\":\"network\",\"state\":\"creating\"}");
    tell(
        render,
        "{\"type\":\"transition\",\"resource\":\"cache\",\"node\":\"container:cache\",\"kind\":\"container\","
        "\"state\":\"starting\",\"elapsedMs\":9}");
    tell(
        render,
        "{\"type\":\"transition\",\"resource\":\"cache\",\"node\":\"container:cache\",\"kind\":\"container\","
        "\"state\":\"starting\",\"goal\":\"healthy\",\"elapsedMs\":9}");
    tell(
        render,
        "{\"type\":\"transition\",\"resource\":\"cache\",\"node\":\"container:cache\",\"kind\":\"container\","
        "\"state\":\"ready\",\"elapsedMs\":420}");
    tell(render,
         "{\"type\":\"transition\",\"resource\":\"api\",\"node\":\"process:api\",\"kind\":\"process\","
         "\"state\":\"failed\",\"elapsedMs\":500,\"error\":{\"code\":\"failed\",\"message\":\"bad "
         "\\u001b[31m\"}}");
    tell(render, "{\"type\":\"lost\"}");
}

static void test_plain(void **state)
{
    (void)state;
    struct output output = {.progress = PROGRESS_PLAIN};
    struct screen screen;
    screen_open(&screen);
    struct render *render = render_new(&output, NULL, screen.stream);
    tell_story(render);
    render_free(render);
    assert_string_equal(screen_text(&screen), "redis:8.6  pulling\n"
                                              "cache  starting\n"
                                              "cache  ready  0.42s\n"
                                              "api  failed\n");
    screen_close(&screen);
    screen_open(&screen); /* no report follows: the line says why */
    render = render_new(&output, NULL, screen.stream);
    render_tell_causes(render);
    tell_story(render);
    render_free(render);
    assert_true(str_ends(screen_text(&screen), "api  failed: bad \\x1b[31m\n"));
    screen_close(&screen);
}

static void test_github_groups(void **state)
{
    (void)state;
    struct output output = {.progress = PROGRESS_PLAIN, .github = true};
    struct screen screen;
    screen_open(&screen);
    struct render *render = render_new(&output, NULL, screen.stream);
    tell_story(render);
    render_finish(render, false);
    const char *text = screen_text(&screen);
    assert_true(str_starts(text, "::group::apphost\n"));
    assert_true(str_ends(text, "::endgroup::\n"));
    render_free(render);
    screen_close(&screen);
}

static void test_json_and_quiet(void **state)
{
    (void)state;
    struct output output = {.progress = PROGRESS_JSON};
    struct screen screen;
    screen_open(&screen);
    struct render *render = render_new(&output, NULL, screen.stream);
    tell_story(render);
    render_free(render);
    int lines = 0;
    for (const char *at = screen_text(&screen); *at; at += strcspn(at, "\n") + 1) {
        cJSON *record = json_parse(at, strcspn(at, "\n"), NULL);
        assert_string_equal(json_string(record, "type", ""), "transition");
        cJSON_Delete(record);
        lines++;
    }
    assert_int_equal(lines, 9);
    screen_close(&screen);
    output.progress = PROGRESS_QUIET;
    screen_open(&screen);
    render = render_new(&output, NULL, screen.stream);
    tell_story(render);
    render_free(render);
    assert_string_equal(screen_text(&screen), "");
    screen_close(&screen);
}

/* As much of a terminal as the live block uses: lines, carriage return, cursor up, erase to the end of line
 * and screen. */
struct terminal {
    char rows[40][200];
    int row, column;
};

static void terminal_feed(struct terminal *terminal, const char *text)
{
    for (; *text; text++) {
        char *row = terminal->rows[terminal->row];
        if (*text == '\n') {
            terminal->row++;
            terminal->column = 0;
        } else if (*text == '\r') {
            terminal->column = 0;
        } else if (str_starts(text, "\033[K")) {
            memset(row + terminal->column, 0, sizeof terminal->rows[0] - (size_t)terminal->column);
            text += 2;
        } else if (str_starts(text, "\033[J")) {
            memset(row + terminal->column, 0, sizeof terminal->rows[0] - (size_t)terminal->column);
            for (int i = terminal->row + 1; i < 40; i++)
                memset(terminal->rows[i], 0, sizeof terminal->rows[i]);
            text += 2;
        } else if (*text == '\033') {
            terminal->row -= atoi(text + 2);
            text += strcspn(text, "A");
        } else {
            row[terminal->column++] = *text;
        }
        assert_in_range(terminal->row, 0, 38);
        assert_in_range(terminal->column, 0, 198);
    }
}

static void test_live_block(void **state)
{
    (void)state;
    struct output output = {.progress = PROGRESS_TTY};
    struct screen screen;
    struct loop loop;
    struct terminal terminal = {0};
    setenv("COLUMNS", "60", 1);
    screen_open(&screen);
    assert_int_equal(loop_init_virtual(&loop, NULL), 0);
    struct render *render = render_new(&output, &loop, screen.stream);
    tell(render,
         "{\"type\":\"transition\",\"resource\":\"cache\",\"node\":\"c\",\"kind\":\"container\",\"state\":"
         "\"waiting\","
         "\"detail\":\"waiting for an engine with a very long name that does not fit\",\"elapsedMs\":0}");
    tell(render, "{\"type\":\"transition\",\"node\":\"image:r\",\"kind\":\"image\",\"state\":\"pulling\","
                 "\"current\":1500000,"
                 "\"total\":3000000,\"elapsedMs\":0}");
    for (int i = 0; i < 12; i++)
        loop_run_once(&loop);
    terminal_feed(&terminal, screen_text(&screen));
    assert_non_null(strstr(terminal.rows[0], "cache"));
    assert_non_null(strstr(terminal.rows[0], "waiting for an engine"));
    assert_null(strstr(terminal.rows[0], "waiting: waiting"));
    assert_true(strlen(terminal.rows[0]) < 60);
    assert_non_null(strstr(terminal.rows[1], "pulling 1.5 MB of 3.0 MB"));
    assert_string_equal(terminal.rows[2], "");
    tell(render, "{\"type\":\"transition\",\"node\":\"image:r\",\"kind\":\"image\",\"state\":\"ready\","
                 "\"elapsedMs\":5}");
    tell(render, "{\"type\":\"transition\",\"resource\":\"cache\",\"node\":\"c\",\"kind\":\"container\","
                 "\"state\":\"ready\","
                 "\"elapsedMs\":1250}");
    for (int i = 0; i < 4; i++)
        loop_run_once(&loop);
    render_finish(render, true);
    fprintf(screen.stream, "after\n");
    memset(&terminal, 0, sizeof terminal);
    terminal_feed(&terminal, screen_text(&screen));
    assert_true(str_starts(terminal.rows[0], "+ cache"));
    assert_true(str_ends(terminal.rows[0], "1.25s"));
    assert_string_equal(terminal.rows[1], "after");
    assert_string_equal(terminal.rows[2], "");
    render_free(render);
    assert_int_equal(loop_fini(&loop), 0);
    screen_close(&screen);
}

static void test_logs(void **state)
{
    (void)state;
    struct output output = {0};
    struct strbuf out = {0};
    struct log_view view;
    log_view_init(&view, &output, &out, -1);
    log_view_add_name(&view, "longer");
    struct log_line line = {
        .resource = "app", .stream = 1, .time_ns = 1500000000123456789, .text = "one", .length = 3};
    log_view_print(&view, &line);
    line.partial = true;
    line.text = "ab";
    line.length = 2;
    log_view_print(&view, &line);
    log_view_print(&view, &line);
    line.resource = "longer";
    line.partial = false;
    view.timestamps = true;
    log_view_print(&view, &line);
    view.is_terminal = true;
    view.timestamps = false;
    line.text = "\033[31mred\033[0m\033]0;t\a\0x";
    line.length = 20;
    log_view_print(&view, &line);
    assert_string_equal(strbuf_text(&out), "app    | one\n"
                                           "app    | abab\n"
                                           "2017-07-14T02:40:00.123456Z longer | ab\n"
                                           "longer | red\\x1b]0;t\\x07\\x00x\n");
    strbuf_truncate(&out, 0);
    output.json = true;
    line.text = "a\377\"b";
    line.length = 4;
    log_view_print(&view, &line);
    cJSON *record = json_parse(out.data, out.length - 1, NULL);
    assert_string_equal(json_string(record, "resource", ""), "longer");
    assert_string_equal(json_string(record, "stream", ""), "stdout");
    assert_string_equal(json_string(record, "line", ""), "a\\xff\"b");
    cJSON_Delete(record);
    log_view_fini(&view);
    strbuf_free(&out);
}

/* Whatever the position of a byte that a terminal must not get, it is found; and what is plain stays. */
static void test_log_bytes(void **state)
{
    (void)state;
    static const char plain[] = "0123456789 abcdefghijklmnopqrstuvwxyz ~";
    struct output output = {0};
    struct strbuf out = {0};
    struct log_view view;
    log_view_init(&view, &output, &out, -1);
    view.prefix = false;
    view.is_terminal = true;
    for (size_t i = 0; i < sizeof plain - 1; i++)
        for (int byte = 1; byte < 256; byte++) {
            char text[sizeof plain];
            memcpy(text, plain, sizeof text);
            text[i] = (char)byte;
            const struct log_line line = {
                .resource = "a", .stream = 1, .text = text, .length = sizeof plain - 1};
            cleanup_free char *shown = str_printable(text);
            strbuf_truncate(&out, 0);
            log_view_print(&view, &line);
            assert_memory_equal(out.data, shown, strlen(shown));
            assert_string_equal(out.data + strlen(shown), "\n");
        }
    log_view_fini(&view);
    strbuf_free(&out);
}

static void test_tables(void **state)
{
    (void)state;
    static const char json[] =
        "{\"resources\":["
        "{\"name\":\"cache\",\"state\":\"ready\",\"display\":\"127.0.0.1:1,password=***\",\"kind\":\"redis\","
        "\"containerName\":\"x-cache\",\"lifetime\":\"persistent\"},"
        "{\"name\":\"b\\u00e9\",\"state\":\"failed\",\"exitCode\":4,\"kind\":\"process\",\"error\":{"
        "\"message\":\"it ended\\nmore\"}},"
        "{\"name\":\"api\",\"state\":\"ready\",\"kind\":\"process\",\"host\":\"127.0.0.1\",\"port\":5000,"
        "\"pid\":42,\"restarts\":1}]}";
    struct output output = {0};
    struct screen screen;
    screen_open(&screen);
    struct view *view = view_read(json_parse(json, sizeof json - 1, NULL), NULL);
    assert_non_null(view);
    view_print_long(&output, view, screen.stream);
    assert_string_equal(
        screen_text(&screen),
        "NAME   STATE            ADDRESS                   KIND     WHERE    DETAIL\n"
        "cache  ready            127.0.0.1:1,password=***  redis    x-cache  persistent\n"
        "b\303\251     failed (exit 4)                            process           it ended\n"
        "api    ready            127.0.0.1:5000            process  pid 42   1 restart\n");
    struct error error = {0};
    assert_int_equal(view_unknown(view, "cahce", &error), -1);
    assert_int_equal(error.code, ERROR_NOT_RUNNING);
    assert_string_equal(error.hint, "did you mean cache?");
    error_clear(&error);
    view_free(view);
    screen_close(&screen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),          cmocka_unit_test(test_github_groups),
        cmocka_unit_test(test_json_and_quiet), cmocka_unit_test(test_live_block),
        cmocka_unit_test(test_logs),           cmocka_unit_test(test_log_bytes),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
