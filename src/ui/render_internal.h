/* The renderer's state, shared by its plain and its live form. Inside render*.c only. */
#ifndef UI_RENDER_INTERNAL_H
#define UI_RENDER_INTERNAL_H

#include "ui/render.h"

struct render_line {
    char *node, *name; /* printable */
    enum view_state state;
    char *goal, *detail;
    bool is_image;
    int64_t current, total;
    int64_t elapsed_ms, stamp_ms; /* as told, and when */
};

struct render {
    const struct output *output;
    struct loop *loop;
    FILE *stream;
    enum progress progress;
    struct render_line *lines;
    size_t count, capacity;
    bool grouped;      /* an Actions group is open */
    bool tells_causes; /* in lasting lines, too */
    struct timer tick;
    int drawn; /* live lines on the screen */
    unsigned frame;
};

/* Does a lasting line say its detail? */
bool render_tells_cause(const struct render *render, const struct render_line *line);
void render_tty_init(struct render *render);
/* Something changed: draw soon. */
void render_tty_touch(struct render *render);
void render_tty_erase(struct render *render);
void render_tty_draw_last(struct render *render);
void render_tty_stop(struct render *render);

#endif
