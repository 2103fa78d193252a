/* The live form of progress: a block of lines at the bottom of the terminal, erased and drawn again in one
 * write.
 *
 * Changes are drawn together, at most every 80 ms, and while something is under way the clock alone redraws.
 * Lines never wrap (they are cut at the terminal's width), so that moving up by their number finds the
 * block's first one; what does not fit the height is counted instead. Nothing else is asked of the terminal:
 * no alternate screen, no raw mode. */
#include "ui/render_internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FRAME_MS = 80, ELAPSED = 8, NAME_LEAST = 6, NAME_MOST = 40, DETAIL_LEAST = 6 };

static int terminal_height(void)
{
    struct winsize size;
    if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_row > 3)
        return size.ws_row;
    return 24;
}

static const char *glyph_of(const struct render *render, const struct render_line *line)
{
    static const char *const spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    static const char *const ascii[] = {"|", "/", "-", "\\"};
    bool unicode = render->output->unicode;
    switch (render_state_class(line->state)) {
    case STATE_GOOD:
        if (unicode)
            return "✔";
        return "+";
    case STATE_BAD:
        if (unicode)
            return "✘";
        return "x";
    case STATE_GONE:
        if (unicode)
            return "·";
        return ".";
    default:
        if (unicode)
            return spinner[render->frame % 10];
        return ascii[render->frame % 4];
    }
}

/* Adds text up to `room` columns and returns how many it took. */
static int add_cut(struct strbuf *out, const char *text, int room)
{
    int width = str_width(text);
    if (width <= room) {
        strbuf_adds(out, text);
        return width;
    }

    size_t length = strlen(text);
    while (length > 0 && width > room - 1) {
        do
            length--;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80);
        cleanup_free char *head = xstrndup(text, length);
        width = str_width(head);
    }
    strbuf_add(out, text, length);
    if (room > width)
        strbuf_addc(out, '~');
    return room;
}

/* An image that is there is of no interest. */
static bool is_live(const struct render_line *line)
{
    return !line->is_image || line->state == VIEW_PULLING;
}

/* What stands beside a name: how wide, and whether for the last time. */
struct layout {
    int room; /* columns of the terminal; the last one stays free */
    int name_width;
    bool is_last;
};

static void describe(const struct render_line *line, bool with_detail, struct strbuf *text)
{
    bool says_state = str_starts(line->detail, view_state_name(line->state)); /* "waiting for cache" */
    if (!says_state || line->total > 0 || !with_detail)
        strbuf_adds(text, view_state_name(line->state));
    if (line->total > 0) {
        char current[24], total[24];
        str_bytes(line->current, current);
        str_bytes(line->total, total);
        strbuf_addf(text, " %s of %s", current, total);
    } else if (*line->detail && with_detail) {
        strbuf_addf(text, "%s%s", text_if(!says_state, ": "), line->detail);
    } else if (*line->goal && render_state_class(line->state) == STATE_ACTIVE) {
        strbuf_addf(text, " (%s)", line->goal);
    }
}

/* A detail of which hardly anything is seen is left out. */
static int add_description(struct strbuf *out, const struct render_line *line, bool with_detail, int room)
{
    cleanup_strbuf struct strbuf text = {0};
    describe(line, with_detail, &text);
    if (str_width(strbuf_text(&text)) <= room ||
        str_width(view_state_name(line->state)) + DETAIL_LEAST <= room)
        return add_cut(out, strbuf_text(&text), room);
    return add_cut(out, view_state_name(line->state), room);
}

static void draw_line(struct render *render, const struct render_line *line, const struct layout *layout,
                      struct strbuf *out)
{
    bool on = render->output->colour_err;
    int room = layout->room - 2;
    bool is_active = render_state_class(line->state) == STATE_ACTIVE;
    char elapsed[24];
    str_elapsed(line->elapsed_ms + (is_active ? loop_now_ms(render->loop) - line->stamp_ms : 0), elapsed);
    strbuf_addf(out, "%s%s%s ", output_colour(on, render_state_colour(line->state)), glyph_of(render, line),
                output_colour(on, COLOUR_NONE));
    int used = add_cut(out, line->name, layout->name_width);
    strbuf_addf(out, "%*s  ", layout->name_width - used, "");
    room -= layout->name_width + 2;

    used = add_description(out, line, !layout->is_last || render_tells_cause(render, line),
                           room > ELAPSED ? room - ELAPSED : room);
    if (room > ELAPSED)
        strbuf_addf(out, "%*s%s%s%s", room - used - (int)strlen(elapsed), "", output_colour(on, COLOUR_DIM),
                    elapsed, output_colour(on, COLOUR_NONE));
    strbuf_adds(out, "\033[K\n");
}

/* Names give way to states: on a narrow terminal a name is cut, never the word that says how it is. */
static struct layout lay_out(const struct render *render, bool is_last)
{
    struct layout layout = {.room = output_width(STDERR_FILENO) - 1, .is_last = is_last};
    int state_width = 0;
    for (size_t i = 0; i < render->count; i++) {
        const struct render_line *line = &render->lines[i];
        if (!is_live(line))
            continue;
        int name = str_width(line->name), state = str_width(view_state_name(line->state));
        if (name > layout.name_width)
            layout.name_width = name;
        if (state > state_width)
            state_width = state;
    }

    int most = layout.room - 4 - state_width - ELAPSED;
    if (most < NAME_LEAST)
        most = NAME_LEAST;
    if (most > NAME_MOST)
        most = NAME_MOST;
    if (layout.name_width > most)
        layout.name_width = most;
    return layout;
}

static int draw_block(struct render *render, struct strbuf *out, int height, bool is_last)
{
    int drawn = 0, hidden = 0;
    struct layout layout = lay_out(render, is_last);

    /* Where not all fit, those under way go first. */
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < render->count; i++) {
            const struct render_line *line = &render->lines[i];
            bool is_active = render_state_class(line->state) == STATE_ACTIVE;
            bool fits_all = (int)render->count <= height;
            if (!is_live(line) || (fits_all ? pass > 0 : is_active != (pass == 0)))
                continue;
            if (drawn >= height) {
                hidden++;
                continue;
            }
            draw_line(render, line, &layout, out);
            drawn++;
        }

    if (hidden) {
        strbuf_addf(out, "  and %d more\033[K\n", hidden);
        drawn++;
    }
    return drawn;
}

static void go_back(struct render *render, struct strbuf *out)
{
    if (render->drawn)
        strbuf_addf(out, "\r\033[%dA", render->drawn);
}

static void put(struct render *render, const struct strbuf *out)
{
    fwrite(strbuf_text(out), 1, out->length, render->stream);
    fflush(render->stream);
}

static bool anything_active(const struct render *render)
{
    for (size_t i = 0; i < render->count; i++)
        if (is_live(&render->lines[i]) && render_state_class(render->lines[i].state) == STATE_ACTIVE)
            return true;
    return false;
}

static void draw(struct render *render)
{
    cleanup_strbuf struct strbuf out = {0};
    fflush(stdout); /* what was written before stands above */
    go_back(render, &out);
    render->drawn = draw_block(render, &out, terminal_height() - 2, false);
    strbuf_adds(&out, "\033[J");
    put(render, &out);
}

static void on_tick(void *data)
{
    struct render *render = data;
    render->frame++;
    draw(render);
    if (anything_active(render))
        timer_start(&render->tick, FRAME_MS);
}

void render_tty_init(struct render *render)
{
    timer_init(render->loop, &render->tick, on_tick, render);
}

void render_tty_touch(struct render *render)
{
    if (!timer_is_armed(&render->tick))
        timer_start(&render->tick, FRAME_MS / 4);
}

void render_tty_erase(struct render *render)
{
    cleanup_strbuf struct strbuf out = {0};
    if (!render->drawn)
        return;
    go_back(render, &out);
    strbuf_adds(&out, "\033[J");
    put(render, &out);
    render->drawn = 0;
}

void render_tty_draw_last(struct render *render)
{
    cleanup_strbuf struct strbuf out = {0};
    draw_block(render, &out, 10000, true);
    put(render, &out);
}

void render_tty_stop(struct render *render)
{
    timer_stop(&render->tick);
    render->drawn = 0;
}
