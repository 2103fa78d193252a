/* Log lines as people and programs want them. See log_view.h. */
#include "ui/log_view.h"

#include "base/mem.h"
#include "base/pick.h"
#include "base/stall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

enum { NAME_WIDTH_MAX = 32 };

/* What stands before the lines of one resource. */
struct log_prefix {
    struct strbuf text;
    UT_hash_handle hh;
    char name[];
};

void log_view_init(struct log_view *view, const struct output *output, struct strbuf *out, int fd)
{
    *view = (struct log_view){.output = output, .out = out, .prefix = true};
    view->is_terminal = isatty(fd);
    if (fd == STDERR_FILENO)
        view->colours = output->colour_err;
    else
        view->colours = output->colour_out;
}

static void forget_prefixes(struct log_view *view)
{
    struct log_prefix *prefix, *next;
    HASH_ITER(hh, view->prefixes, prefix, next)
    {
        HASH_DEL(view->prefixes, prefix);
        strbuf_free(&prefix->text);
        free(prefix);
    }
    view->last = NULL;
}

void log_view_fini(struct log_view *view)
{
    forget_prefixes(view);
}

/* ---- prefixes ---- */

void log_view_add_name(struct log_view *view, const char *name)
{
    int width = str_width(name);
    if (width <= view->name_width || width > NAME_WIDTH_MAX)
        return;
    log_view_end(view);
    view->name_width = width;
    forget_prefixes(view);
}

static struct log_prefix *make_prefix(struct log_view *view, const char *name)
{
    size_t size = strlen(name) + 1;
    struct log_prefix *prefix = xcalloc(1, sizeof *prefix + size);
    int gap = int_max(view->name_width - str_width(name), 0);
    const char *bar = "|";
    if (view->output->unicode)
        bar = "│";
    memcpy(prefix->name, name, size);
    if (view->prefix)
        strbuf_addf(&prefix->text, "%s%s%*s%s%s ", output_colour(view->colours, output_name_colour(name)),
                    name, gap + 1, "", bar, output_colour(view->colours, COLOUR_NONE));
    HASH_ADD_STR(view->prefixes, name, prefix);
    return prefix;
}

static struct log_prefix *find_prefix(struct log_view *view, const char *name)
{
    struct log_prefix *prefix = view->last;
    if (prefix && !strcmp(prefix->name, name))
        return prefix;
    HASH_FIND_STR(view->prefixes, name, prefix);
    if (prefix)
        return prefix;
    if (view->prefix)
        log_view_add_name(view, name); /* forgets the others when it is longer */
    return make_prefix(view, name);
}

void log_view_time(int64_t time_ns, char out[32])
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t length = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + length, 32 - length, ".%06dZ", (int)(time_ns % 1000000000 / 1000));
}

/* Lines that came together have one time. */
static const char *time_text(struct log_view *view, int64_t time_ns)
{
    if (!*view->time_text || view->time_ns != time_ns)
        log_view_time(time_ns, view->time_text);
    view->time_ns = time_ns;
    return view->time_text;
}

static void begin_line(struct log_view *view, const struct log_prefix *prefix, int64_t time_ns)
{
    if (view->timestamps) {
        strbuf_adds(view->out, output_colour(view->colours, COLOUR_DIM));
        strbuf_adds(view->out, time_text(view, time_ns));
        strbuf_adds(view->out, output_colour(view->colours, COLOUR_NONE));
        strbuf_addc(view->out, ' ');
    }
    strbuf_add(view->out, prefix->text.data, prefix->text.length);
}

/* ---- text ---- */

static void print_json(struct log_view *view, const struct log_line *line)
{
    cleanup_free char *text = log_line_shown(line);
    cleanup_json cJSON *object = cJSON_CreateObject();
    json_add_string(object, "resource", line->resource);
    json_add_string(object, "stream", line->stream == 2 ? "stderr" : "stdout");
    json_add_string(object, "time", time_text(view, line->time_ns));
    json_add_string(object, "line", text);
    if (line->partial)
        json_add_bool(object, "partial", true);
    cleanup_free char *printed = json_print(object);
    strbuf_adds(view->out, printed);
    strbuf_addc(view->out, '\n');
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

/* Only printable ASCII, eight bytes at a time: a byte below space borrows into its top bit, DEL carries into
 * it, others have it. May say no to text that is (never the reverse): then it is looked at closely. */
static bool is_plain(const char *text, size_t length)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word, suspects = 0;
    for (; length >= sizeof word; text += sizeof word, length -= sizeof word) {
        memcpy(&word, text, sizeof word);
        suspects |= (word - ones * 0x20) | word | (word + ones);
    }
    for (; length; text++, length--) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            suspects |= 0x80;
    }
    return !(suspects & ones * 0x80);
}

/* For a terminal: colours pass, other control characters and invalid bytes are shown. True when there was a
 * colour. */
static bool add_safely(struct log_view *view, const char *text, size_t length)
{
    bool any = false;

    while (length) {
        size_t run = 0;
        while (run < length && text[run] != '\033' && text[run])
            run++;
        if (run) {
            cleanup_free char *piece = xstrndup(text, run);
            cleanup_free char *shown = str_printable(piece);
            strbuf_adds(view->out, shown);
        } else {
            run = colour_sequence(text, length);
            if (run && view->colours) {
                strbuf_add(view->out, text, run);
                any = true;
            } else if (!run) {
                strbuf_adds(view->out, *text ? "\\x1b" : "\\x00");
                run = 1;
            }
        }
        text += run;
        length -= run;
    }

    return any;
}

static void add_text(struct log_view *view, const struct log_line *line)
{
    if (!view->is_terminal || is_plain(line->text, line->length))
        strbuf_add(view->out, line->text, line->length);
    else if (add_safely(view, line->text, line->length))
        strbuf_adds(view->out, "\033[0m");
}

/* ---- lines ---- */

void log_view_end(struct log_view *view)
{
    if (view->open_stream)
        strbuf_addc(view->out, '\n');
    view->open_stream = 0;
}

void log_view_print(struct log_view *view, const struct log_line *line)
{
    if (view->output->json) {
        print_json(view, line);
        return;
    }

    struct log_prefix *prefix = find_prefix(view, line->resource);
    if (prefix != view->last || line->stream != view->open_stream) {
        log_view_end(view);
        begin_line(view, prefix, line->time_ns);
    }
    view->last = prefix;
    add_text(view, line);
    if (!line->partial)
        strbuf_addc(view->out, '\n');
    view->open_stream = 0;
    if (line->partial)
        view->open_stream = line->stream;
}

bool log_view_write(struct log_view *view, int fd)
{
    struct strbuf *out = view->out;
    if (stall_write(fd, out->data, out->length)) {
        if (errno != EPIPE && errno != EBADF && errno != ECANCELED)
            fprintf(stderr, "apphost: error: cannot write to standard output: %s\n", strerror(errno));
        return false;
    }

    strbuf_truncate(out, 0);
    return true;
}
