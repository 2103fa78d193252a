/* Progress: which lines there are, and the plain and JSON forms. See render.h; the live form is in
 * render_tty.c. */
#include "ui/render_internal.h"

#include "base/mem.h"
#include "base/names.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    enum state_class class;
    enum colour colour;
} states[] = {
    [VIEW_NO_STATE] = {STATE_ACTIVE, COLOUR_CYAN},
    [VIEW_WAITING] = {STATE_ACTIVE, COLOUR_CYAN},
    [VIEW_PULLING] = {STATE_ACTIVE, COLOUR_CYAN},
    [VIEW_CREATING] = {STATE_ACTIVE, COLOUR_CYAN},
    [VIEW_STARTING] = {STATE_ACTIVE, COLOUR_CYAN},
    [VIEW_RUNNING] = {STATE_ACTIVE, COLOUR_CYAN},
    [VIEW_READY] = {STATE_GOOD, COLOUR_GREEN},
    [VIEW_COMPLETED] = {STATE_GOOD, COLOUR_GREEN},
    [VIEW_FAILED] = {STATE_BAD, COLOUR_RED},
    [VIEW_RESTARTING] = {STATE_ACTIVE, COLOUR_YELLOW},
    [VIEW_STOPPING] = {STATE_ACTIVE, COLOUR_CYAN},
    [VIEW_STOPPED] = {STATE_GONE, COLOUR_DIM},
    [VIEW_REMOVED] = {STATE_GONE, COLOUR_DIM},
    [VIEW_MANUAL] = {STATE_GONE, COLOUR_DIM},
    [VIEW_ENGINE_LOST] = {STATE_ACTIVE, COLOUR_YELLOW},
};
EACH_OF(states, VIEW_STATE_COUNT);

enum state_class render_state_class(enum view_state state)
{
    return states[state].class;
}

enum colour render_state_colour(enum view_state state)
{
    return states[state].colour;
}

struct render *render_new(const struct output *output, struct loop *loop, FILE *stream)
{
    struct render *render = xcalloc(1, sizeof *render);
    render->output = output;
    render->loop = loop;
    render->stream = stream;
    if (output->progress == PROGRESS_TTY && !loop)
        render->progress = PROGRESS_PLAIN;
    else
        render->progress = output->progress;
    if (loop)
        render_tty_init(render);
    return render;
}

static void free_line(struct render_line *line)
{
    free(line->node);
    free(line->name);
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
static const char *name_of(const struct transition *transition)
{
    if (transition->kind == VIEW_VOLUME || transition->kind == VIEW_NETWORK)
        return NULL;
    if (*text_or_empty(transition->resource))
        return transition->resource;
    if (transition->kind != VIEW_IMAGE)
        return NULL;

    const char *colon = strchr(text_or_empty(transition->node), ':');
    if (colon)
        return colon + 1;
    return NULL;
}

static struct render_line *line_of(struct render *render, const struct transition *transition,
                                   const char *name)
{
    const char *node = text_or(transition->node, name);
    for (size_t i = 0; i < render->count; i++)
        if (!strcmp(render->lines[i].node, node))
            return &render->lines[i];
    if (render->count == render->capacity) {
        render->capacity = grown(render->capacity, 16);
        render->lines = xreallocarray(render->lines, render->capacity, sizeof *render->lines);
    }
    struct render_line *line = &render->lines[render->count++];
    *line = (struct render_line){.node = xstrdup(node), .name = str_printable(name)};
    line->is_image = transition->kind == VIEW_IMAGE;
    return line;
}

static void replace(char **text, const char *value)
{
    free(*text);
    *text = str_printable(value);
}

static bool update(struct render *render, struct render_line *line, const struct transition *transition)
{
    bool changed = line->state != transition->state;
    const char *message = transition->error.message;
    if (!message && transition->cause)
        message = transition->cause->text;

    line->state = transition->state;
    replace(&line->goal, text_or_empty(transition->goal));
    replace(&line->detail, text_or_empty(message ? message : transition->detail));
    line->current = transition->current.value;
    line->total = transition->total.value;
    line->elapsed_ms = transition->elapsed_ms;
    line->stamp_ms = 0;
    if (render->loop)
        line->stamp_ms = loop_now_ms(render->loop);
    return changed;
}

/* Waiting is where everything begins, and an image is only of interest while it is pulled. */
static bool is_worth_a_line(const struct render *render, const struct render_line *line)
{
    if (render->output->verbose)
        return true;
    if (line->is_image)
        return line->state == VIEW_PULLING;
    return line->state != VIEW_WAITING && line->state != VIEW_MANUAL;
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
            view_state_name(line->state), output_colour(on, COLOUR_NONE));
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

/* As it came, where it came from somebody. */
static void print_json(struct render *render, const struct transition *transition)
{
    cleanup_json cJSON *made = NULL;
    if (!transition->json)
        made = transition_to_json(transition);
    cleanup_free char *text = json_print(made ? made : transition->json);
    fprintf(render->stream, "%s\n", text);
    fflush(render->stream);
}

void render_record(struct render *render, const struct transition *transition)
{
    if (transition->type != NEWS_TRANSITION)
        return;
    if (render->progress == PROGRESS_JSON) {
        print_json(render, transition);
        return;
    }

    const char *name = name_of(transition);
    if (!name || render->progress == PROGRESS_QUIET)
        return;
    struct render_line *line = line_of(render, transition, name);
    bool changed = update(render, line, transition);
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
