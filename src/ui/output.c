/* Streams, colours, notes and errors. See output.h. */
#include "ui/output.h"

#include "base/mem.h"
#include "base/pick.h"
#include "control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

static bool is_set(char *const *environment, const char *name)
{
    const char *value = variable(environment, name);
    return value && *value;
}

const char *output_ci(char *const *environment)
{
    static const char *const systems[] = {
        "GITHUB_ACTIONS",     "TF_BUILD",
        "JENKINS_URL",        "GITLAB_CI",
        "CIRCLECI",           "TRAVIS",
        "BUILDKITE",          "APPVEYOR",
        "TEAMCITY_VERSION",   "BITBUCKET_BUILD_NUMBER",
        "CODEBUILD_BUILD_ID",
    };
    const char *ci = variable(environment, "CI");
    if (ci && (!strcmp(ci, "true") || !strcmp(ci, "1")))
        return "CI";
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++)
        if (is_set(environment, systems[i]))
            return systems[i];
    return NULL;
}

static bool has_colour(const char *flag, char *const *environment, int fd)
{
    if (flag && strcmp(flag, "auto"))
        return !strcmp(flag, "always");
    if (is_set(environment, "NO_COLOR"))
        return false;
    const char *forced = variable(environment, "CLICOLOR_FORCE");
    if (is_set(environment, "FORCE_COLOR") || (forced && *forced && strcmp(forced, "0")))
        return true;
    const char *wanted = variable(environment, "CLICOLOR");
    const char *term = variable(environment, "TERM");
    if ((wanted && !strcmp(wanted, "0")) || (term && !strcmp(term, "dumb")))
        return false;
    return isatty(fd);
}

static bool has_utf8(char *const *environment)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = variable(environment, names[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

static NAMES(progress_names, PROGRESS_COUNT, [PROGRESS_TTY] = "tty", [PROGRESS_PLAIN] = "plain",
             [PROGRESS_JSON] = "json", [PROGRESS_QUIET] = "quiet");

static enum progress choose_progress(const struct output *output, const char *flag, char *const *environment)
{
    int asked = names_find(&progress_names, flag);
    if (output->quiet)
        return PROGRESS_QUIET;
    if (asked >= 0)
        return (enum progress)asked;
    const char *term = variable(environment, "TERM");
    bool is_live = isatty(STDERR_FILENO) && !output_ci(environment) && term && *term && strcmp(term, "dumb");
    if (is_live)
        return PROGRESS_TTY;
    return PROGRESS_PLAIN;
}

void output_init(struct output *output, const struct args *args, char *const *environment)
{
    const char *form = args_value(args, "output");
    const char *colour = args_value(args, "color");
    const char *github = variable(environment, "GITHUB_ACTIONS");
    output->json = form && !strcmp(form, "json");
    output->debug = args_flag(args, "debug");
    output->verbose = output->debug || args_flag(args, "verbose");
    output->quiet = args_flag(args, "quiet");
    output->interactive = isatty(STDIN_FILENO) && !output_ci(environment);
    output->github = github && !strcmp(github, "true");
    output->unicode = has_utf8(environment);
    output->colour_out = has_colour(colour, environment, STDOUT_FILENO);
    output->colour_err = has_colour(colour, environment, STDERR_FILENO);
    output->progress = choose_progress(output, args_value(args, "progress"), environment);
}

const char *output_colour(bool on, enum colour colour)
{
    static const char *const sequences[] = {
        [COLOUR_NONE] = "\033[0m",    [COLOUR_RED] = "\033[31m",  [COLOUR_GREEN] = "\033[32m",
        [COLOUR_YELLOW] = "\033[33m", [COLOUR_BLUE] = "\033[34m", [COLOUR_MAGENTA] = "\033[35m",
        [COLOUR_CYAN] = "\033[36m",   [COLOUR_DIM] = "\033[2m",   [COLOUR_BOLD] = "\033[1m",
    };
    EACH_OF(sequences, COLOUR_COUNT);
    if (on)
        return sequences[colour];
    return "";
}

enum colour output_name_colour(const char *name)
{
    static const enum colour palette[] = {COLOUR_CYAN, COLOUR_YELLOW, COLOUR_GREEN, COLOUR_MAGENTA,
                                          COLOUR_BLUE};
    unsigned sum = 0;
    for (; *name; name++)
        sum = sum * 31 + (unsigned char)*name;
    return palette[sum % (sizeof palette / sizeof *palette)];
}

int output_width(int fd)
{
    struct winsize size;
    int64_t columns;
    const char *value = getenv("COLUMNS");
    if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col > 0)
        return size.ws_col;
    if (value && str_to_int64(value, 20, 10000, &columns))
        return (int)columns;
    return 80;
}

static void say(const struct output *output, const char *label, enum colour colour, const char *text)
{
    bool on = output->colour_err;
    fprintf(stderr, "apphost: %s%s%s%s\n", output_colour(on && *label, colour), label,
            output_colour(on && *label, COLOUR_NONE), text);
}

void output_note(const struct output *output, const char *format, ...)
{
    if (output->quiet || output->progress == PROGRESS_QUIET)
        return;
    va_list list;
    va_start(list, format);
    cleanup_free char *text = xvasprintf(format, list);
    va_end(list);
    say(output, "", COLOUR_NONE, text);
}

void output_warn(const struct output *output, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    cleanup_free char *text = xvasprintf(format, list);
    va_end(list);
    cleanup_free char *shown = str_printable(text);
    say(output, "warning: ", COLOUR_YELLOW, shown);
}

/* The characters that GitHub's commands give a meaning. */
static void add_escaped(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '%' || *text == '\n' || *text == '\r')
            strbuf_addf(out, "%%%02X", (unsigned char)*text);
        else
            strbuf_addc(out, *text);
    }
}

static bool lacks_resource(const struct error *error)
{
    return error->resource && error->text && !strstr(error->text, error->resource);
}

static void annotate(const struct error *error, bool is_warning)
{
    cleanup_strbuf struct strbuf line = {0};
    strbuf_addf(&line, "::%s ", is_warning ? "warning" : "error");
    if (error->source.file && error->source.line > 0)
        strbuf_addf(&line, "file=%s,line=%d,col=%d", error->source.file, error->source.line,
                    error->source.column);
    else
        strbuf_adds(&line, "title=apphost");
    strbuf_adds(&line, "::");
    if (lacks_resource(error))
        strbuf_addf(&line, "%s: ", error->resource);
    add_escaped(&line, error->text);
    fprintf(stderr, "%s\n", strbuf_text(&line));
}

/* Several lines of text: the later ones are indented to stand under the first. */
static void print_hint(const struct output *output, const char *hint)
{
    fprintf(stderr, "  %shint:%s ", output_colour(output->colour_err, COLOUR_CYAN),
            output_colour(output->colour_err, COLOUR_NONE));
    for (const char *at = hint; *at;) {
        size_t length = strcspn(at, "\n");
        cleanup_free char *line = xstrndup(at, length);
        cleanup_free char *shown = str_printable(line);
        fprintf(stderr, "%s%s\n", text_if(at != hint, "        "), shown);
        at += length + (at[length] == '\n');
    }
}

static void print_text(const char *text)
{
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "\n");
        cleanup_free char *line = xstrndup(at, length);
        cleanup_free char *shown = str_printable(line);
        fprintf(stderr, "%s%s\n", text_if(at != text, "  "), shown);
        at += length + (at[length] == '\n');
    }
}

/* "file:line:column: " as compilers write it (a column of 0 is not known), or the program's name. */
static void print_position(const struct source *source)
{
    if (!source->file || source->line <= 0)
        fprintf(stderr, "apphost: ");
    else if (source->column > 0)
        fprintf(stderr, "%s:%d:%d: ", source->file, source->line, source->column);
    else
        fprintf(stderr, "%s:%d: ", source->file, source->line);
}

void output_error(const struct output *output, const struct error *error)
{
    fflush(stdout);
    if (output->json) {
        cleanup_json cJSON *document = cJSON_CreateObject();
        cJSON_AddItemToObject(document, "error", control_error_to_json(error));
        output_json(document);
        fflush(stdout);
        return;
    }

    if (output->github)
        annotate(error, false);
    bool on = output->colour_err;
    print_position(&error->source);
    fprintf(stderr, "%serror:%s ", output_colour(on, COLOUR_RED), output_colour(on, COLOUR_NONE));
    if (lacks_resource(error))
        fprintf(stderr, "%s: ", error->resource);
    print_text(error->text && *error->text ? error->text : error_name(error->code));
    if (error->hint && *error->hint)
        print_hint(output, error->hint);
}

void output_problems(const struct output *output, const struct manifest_problems *problems)
{
    if (output->json || !problems->count)
        return;
    cleanup_strbuf struct strbuf text = {0};
    manifest_problems_print(problems, output->colour_err, &text);
    for (size_t i = 0; output->github && i < problems->count; i++)
        annotate(&problems->items[i].error, problems->items[i].is_warning);
    fputs(strbuf_text(&text), stderr);
}

void output_json(const cJSON *value)
{
    cleanup_free char *text = json_print(value);
    printf("%s\n", text);
}

void output_json_pretty(const cJSON *value)
{
    char *text = cJSON_Print(value);
    printf("%s\n", text_or(text, "null"));
    cJSON_free(text);
}

bool output_flush(void)
{
    if (!fflush(stdout) && !ferror(stdout))
        return true;
    if (errno != EPIPE && errno != EBADF && errno != ECANCELED)
        fprintf(stderr, "apphost: error: cannot write to standard output: %s\n", strerror(errno));
    return false;
}
