/* Progress on standard error: transitions in, something to look at out.
 *
 * On a terminal: one live line per resource with its goal and elapsed time, redrawn in place; pulls show
 * bytes. Elsewhere one plain line per change of state; as JSON the transitions themselves; or nothing. Log
 * lines and notes that are written while the live lines stand go above them: render_hide() first, the next
 * tick draws again.
 *
 * Ownership: the renderer copies what it shows; it borrows output and loop. render_free() leaves a clean
 * terminal. */
#ifndef UI_RENDER_H
#define UI_RENDER_H

#include "control/view.h"
#include "ui/output.h"
#include "loop/loop.h"

struct render;
/* stream: standard error outside of tests. loop NULL: no live lines, whatever output says. */
struct render *render_new(const struct output *output, struct loop *loop, FILE *stream);
/* Records of other types are ignored. */
void render_record(struct render *render, const struct transition *transition);
/* Takes the live lines off the screen until the next change. */
void render_hide(struct render *render);
/* The end of a phase: live lines are drawn for a last time and stay (keep), or vanish; later records begin
 * afresh. */
void render_finish(struct render *render, bool keep);
void render_free(struct render *render);
/* Lasting lines of failures say why. Without it they do not, because the error that follows does: for changes
 * that no report comes after. */
void render_tell_causes(struct render *render);

/* "ready" and the like mean that nothing more is going to happen by itself. */
enum state_class { STATE_ACTIVE, STATE_GOOD, STATE_BAD, STATE_GONE };
enum state_class render_state_class(enum view_state state);
enum colour render_state_colour(enum view_state state);

#endif
