/* Log lines as people and programs want them. See log_view.h. */
#include "cli/log_view.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void log_view_init(struct log_view *view, const struct output *output, FILE *stream)
{
    *view = (struct log_view){.output = output, .stream = stream, .prefix = true};
    view->is_terminal = isatty(fileno(stream));
}

void log_view_add_name(struct log_view *view, const char *name)
{
    int width = str_width(name);
    if (width > view->name_width && width <= 32)
        view->name_width = width;
}

void log_view_time(int64_t time_ns, char out[32])
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t length = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + length, 32 - length, ".%06dZ", (int)(time_ns % 1000000000 / 1000));
}

static void print_json(struct log_view *view, const struct log_line *line)
{
    char time[32];
    log_view_time(line->time_ns, time);
    cleanup_free char *text = xstrndup(line->text, line->length);
    /* NUL, and what is no UTF-8, cannot stand in JSON. */
    if (!str_is_utf8(line->text, line->length)) {
        cleanup_free char *raw = xmalloc(line->length + 1);
        for (size_t i = 0; i < line->length; i++)
            raw[i] = line->text[i] ? line->text[i] : '\1';
        raw[line->length] = '\0';
        free(text);
        text = str_printable(raw);
    }
    cleanup_json cJSON *object = cJSON_CreateObject();
    json_add_string(object, "resource", line->resource);
    json_add_string(object, "stream", line->stream == 2 ? "stderr" : "stdout");
    json_add_string(object, "time", time);
    json_add_string(object, "line", text);
    if (line->partial)
        json_add_bool(object, "partial", true);
    cleanup_free char *printed = json_print(object);
    fprintf(view->stream, "%s\n", printed);
}

/* Length of a colour sequence ("ESC [ digits and semicolons m") at text, or 0. */
static size_t colour_sequence(const char *text, size_t length)
{
    if (length < 3 || text[0] != '\033' || text[1] != '[')
        return 0;
    for (size_t i = 2; i < length && i < 32; i++) {
        if (text[i] == 'm')
            return i + 1;
        if (!strchr("0123456789;:", text[i]) || !text[i])
            return 0;
    }
    return 0;
}

/* For a terminal: colours pass, other control characters and invalid bytes are shown. True when there was a
 * colour. */
static bool print_safely(FILE *stream, const char *text, size_t length, bool colours)
{
    bool any = false;
    while (length) {
        size_t run = 0;
        while (run < length && text[run] != '\033' && text[run])
            run++;
        if (run) {
            cleanup_free char *piece = xstrndup(text, run);
            cleanup_free char *shown = str_printable(piece);
            fputs(shown, stream);
        } else {
            run = colour_sequence(text, length);
            if (run && colours) {
                fwrite(text, 1, run, stream);
                any = true;
            } else if (!run) {
                fputs(*text ? "\\x1b" : "\\x00", stream);
                run = 1;
            }
        }
        text += run;
        length -= run;
    }
    return any;
}

static void print_prefix(struct log_view *view, const struct log_line *line)
{
    bool on = view->output->colour_out;
    if (view->timestamps) {
        char time[32];
        log_view_time(line->time_ns, time);
        fprintf(view->stream, "%s%s%s ", output_colour(on, COLOUR_DIM), time, output_colour(on, COLOUR_NONE));
    }
    if (!view->prefix)
        return;
    log_view_add_name(view, line->resource);
    fprintf(
        view->stream, "%s%s%*s%s%s ", output_colour(on, output_name_colour(line->resource)), line->resource,
        view->name_width - str_width(line->resource) > 0 ? view->name_width - str_width(line->resource) + 1
                                                         : 1,
        "", view->output->unicode ? "│" : "|", output_colour(on, COLOUR_NONE));
}

void log_view_end(struct log_view *view)
{
    if (*view->open)
        fputc('\n', view->stream);
    *view->open = '\0';
}

void log_view_print(struct log_view *view, const struct log_line *line)
{
    char key[128];
    if (view->output->json) {
        print_json(view, line);
        return;
    }
    snprintf(key, sizeof key, "%s/%d", line->resource, line->stream);
    if (strcmp(key, view->open)) {
        log_view_end(view);
        print_prefix(view, line);
    }
    if (!view->is_terminal)
        fwrite(line->text, 1, line->length, view->stream);
    else if (print_safely(view->stream, line->text, line->length, view->output->colour_out))
        fputs("\033[0m", view->stream);
    if (line->partial)
        memcpy(view->open, key, sizeof key);
    else
        fputc('\n', view->stream);
    if (!line->partial)
        *view->open = '\0';
}
