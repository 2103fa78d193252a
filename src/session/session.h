/* What `up` and `run` share: reaching or starting the supervisor, converging, taking down, telling why it
 * failed.
 *
 * Happy path: session_open(), session_up(), then the command's own business, then session_down() when the
 * session is ours. An interruption during session_up() ends it with SESSION_INTERRUPTED; the caller takes
 * down. In session_down() each interruption is answered aloud: the second one kills, the third one leaves the
 * process. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "session/await.h"
#include "session/context.h"
#include "ui/render.h"

/* Needs context->project.plan; may_use_engine false: nothing that will be asked for needs one. Watches
 * signals. A session that this begins is held until session_bye(): whatever becomes of this command before,
 * nothing stays behind. log_dir may be NULL. */
int session_open(struct context *context, const char *log_dir, bool may_use_engine, struct error *err);

struct session_up {
    const struct strlist *resources; /* empty: all, or with `only` none */
    bool only, replace, defaults_only, force_recreate, started_only, dry_run, lease;
};
enum { SESSION_INTERRUPTED = AWAIT_INTERRUPTED };
/* 0 and *view; SESSION_INTERRUPTED; -1 with *err, and *view with a report where there is one. */
int session_up(struct context *context, const struct session_up *up, struct render *render,
               struct view **view, struct error *err);

/* Starts a supervisor that has nothing to do but to take down what is left of context->project, which was
 * looked for and does not run. It goes on when this command ends before it. *swept (may be NULL) gets a text
 * for all that was ended of a dead session's processes before. is_alone: ERROR_NOT_RUNNING when somebody
 * else's session was quicker, which is none of ours to end; else that is as good. */
int session_open_to_end(struct context *context, bool is_alone, struct strlist *swept, struct error *err);

/* Sends `down` and waits until the supervisor is gone. render may be NULL. *what (may be NULL): what went, or
 * NULL when we only left. */
int session_down(struct context *context, const struct ask_down *down, struct render *render,
                 struct view_down **what, struct error *err);
/* The same as a command's own business: with the user's signals, and progress as he wants it. */
int session_down_shown(struct context *context, const struct ask_down *down, struct view_down **what,
                       struct error *err);
/* What runs goes on running, without a holder. */
void session_bye(struct context *context);

/* Prints the error, what failed with its last lines, and what was cleaned up (removed NULL: nothing was, it
 * is not ours). */
void session_report(struct context *context, const struct error *error, const struct view *view,
                    const struct view_down *removed);

/* To the supervisor that runs. The one way to learn that nothing does: ERROR_NOT_RUNNING; ERROR_OWNER when it
 * does not answer, or when another state folder's runs the project. */
int session_connect(struct context *context, struct error *err);
/* The same as a note, where it is no failure. */
void session_note_nothing(const struct context *context);
/* Waits until the lock is free: guard and supervisor have ended, and the next `up` finds nobody. */
int session_wait_until_over(struct context *context, struct limit limit, struct error *err);

#endif
