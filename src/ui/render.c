/* Progress: which lines there are, and the plain and JSON forms. See render.h; the live form is in
 * render_tty.c. */
#include "ui/render_internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *state;
    enum state_class class;
    enum colour colour;
} states[] = {
    {"ready", STATE_GOOD, COLOUR_GREEN},          {"completed", STATE_GOOD, COLOUR_GREEN},
    {"running", STATE_ACTIVE, COLOUR_CYAN},       {"failed", STATE_BAD, COLOUR_RED},
    {"stopped", STATE_GONE, COLOUR_DIM},          {"removed", STATE_GONE, COLOUR_DIM},
    {"manual", STATE_GONE, COLOUR_DIM},           {"restarting", STATE_ACTIVE, COLOUR_YELLOW},
    {"engine-lost", STATE_ACTIVE, COLOUR_YELLOW},
};

enum state_class render_state_class(const char *state)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!strcmp(states[i].state, state))
            return states[i].class;
    return STATE_ACTIVE;
}

enum colour render_state_colour(const char *state)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!strcmp(states[i].state, state))
            return states[i].colour;
    return COLOUR_CYAN;
}

struct render *render_new(const struct output *output, struct loop *loop, FILE *stream)
{
    struct render *render = xcalloc(1, sizeof *render);
    render->output = output;
    render->loop = loop;
    render->stream = stream;
    render->progress = output->progress == PROGRESS_TTY && !loop ? PROGRESS_PLAIN : output->progress;
    if (loop)
        render_tty_init(render);
    return render;
}

static void free_line(struct render_line *line)
{
    free(line->node);
    free(line->name);
    free(line->state);
    free(line->goal);
    free(line->detail);
    *line = (struct render_line){0};
}

static void forget_lines(struct render *render)
{
    for (size_t i = 0; i < render->count; i++)
        free_line(&render->lines[i]);
    render->count = 0;
}

/* Images are called by their reference, the rest by the user's name. NULL: of no interest to a user. */
static const char *name_of(const cJSON *record)
{
    const char *resource = json_string(record, "resource", NULL);
    const char *node = json_string(record, "node", "");
    const char *kind = json_string(record, "kind", "");
    if (!strcmp(kind, "volume") || !strcmp(kind, "network"))
        return NULL;
    if (resource && *resource)
        return resource;
    const char *colon = strchr(node, ':');
    return !strcmp(kind, "image") && colon ? colon + 1 : NULL;
}

static struct render_line *line_of(struct render *render, const cJSON *record, const char *name)
{
    const char *node = json_string(record, "node", name);
    for (size_t i = 0; i < render->count; i++)
        if (!strcmp(render->lines[i].node, node))
            return &render->lines[i];
    if (render->count == render->capacity) {
        render->capacity = render->capacity ? render->capacity * 2 : 16;
        render->lines = xreallocarray(render->lines, render->capacity, sizeof *render->lines);
    }
    struct render_line *line = &render->lines[render->count++];
    *line = (struct render_line){.node = xstrdup(node), .name = str_printable(name), .state = xstrdup("")};
    line->is_image = !strcmp(json_string(record, "kind", ""), "image");
    return line;
}

static void replace(char **text, const char *value)
{
    free(*text);
    *text = str_printable(value);
}

static bool update(struct render *render, struct render_line *line, const cJSON *record)
{
    const char *state = json_string(record, "state", "");
    bool changed = strcmp(line->state, state) != 0;
    const cJSON *error = json_get(record, "error");
    replace(&line->state, state);
    replace(&line->goal, json_string(record, "goal", ""));
    replace(&line->detail, error ? json_string(error, "message", "") : json_string(record, "detail", ""));
    line->current = json_int(record, "current", 0);
    line->total = json_int(record, "total", 0);
    line->elapsed_ms = json_int(record, "elapsedMs", 0);
    line->stamp_ms = render->loop ? loop_now_ms(render->loop) : 0;
    return changed;
}

/* Waiting is where everything begins, and an image is only of interest while it is pulled. */
static bool is_worth_a_line(const struct render *render, const struct render_line *line)
{
    if (render->output->verbose)
        return true;
    if (line->is_image)
        return !strcmp(line->state, "pulling");
    return strcmp(line->state, "waiting") && strcmp(line->state, "manual");
}

bool render_tells_cause(const struct render *render, const struct render_line *line)
{
    return render->tells_causes || render_state_class(line->state) != STATE_BAD;
}

static void begin_group(struct render *render)
{
    if (render->output->github && !render->grouped)
        fprintf(render->stream, "::group::apphost\n");
    render->grouped = true;
}

static void print_plain(struct render *render, const struct render_line *line)
{
    bool on = render->output->colour_err;
    begin_group(render);
    fprintf(render->stream, "%s  %s%s%s", line->name, output_colour(on, render_state_colour(line->state)),
            line->state, output_colour(on, COLOUR_NONE));
    if (*line->detail && render_tells_cause(render, line))
        fprintf(render->stream, ": %s", line->detail);
    if (render_state_class(line->state) == STATE_GOOD) {
        char elapsed[24];
        str_elapsed(line->elapsed_ms, elapsed);
        fprintf(render->stream, "  %s", elapsed);
    }
    fprintf(render->stream, "\n");
    fflush(render->stream);
}

void render_record(struct render *render, const cJSON *record)
{
    if (strcmp(json_string(record, "type", ""), "transition"))
        return;
    if (render->progress == PROGRESS_JSON) {
        cleanup_free char *text = json_print(record);
        fprintf(render->stream, "%s\n", text);
        fflush(render->stream);
        return;
    }

    const char *name = name_of(record);
    if (!name || render->progress == PROGRESS_QUIET)
        return;
    struct render_line *line = line_of(render, record, name);
    bool changed = update(render, line, record);
    if (render->progress == PROGRESS_TTY)
        render_tty_touch(render);
    else if (changed && is_worth_a_line(render, line))
        print_plain(render, line);
}

void render_hide(struct render *render)
{
    render_tty_erase(render);
    if (render->progress == PROGRESS_TTY && render->count)
        render_tty_touch(render);
}

void render_finish(struct render *render, bool keep)
{
    if (render->progress == PROGRESS_TTY) {
        render_tty_erase(render);
        if (keep)
            render_tty_draw_last(render);
        render_tty_stop(render);
    }
    if (render->grouped && render->output->github)
        fprintf(render->stream, "::endgroup::\n");
    render->grouped = false;
    fflush(render->stream);
    forget_lines(render);
}

void render_tell_causes(struct render *render)
{
    render->tells_causes = true;
}

void render_free(struct render *render)
{
    if (!render)
        return;
    render_finish(render, false);
    free(render->lines);
    free(render);
}
