/* See cleaning.h. */
#include "session/cleaning.h"

#include "base/pick.h"
#include "loop/loop.h"
#include "state/state.h"

enum { LOOK_MS = 1000 };

pid_t cleaning_guard(const char *folder)
{
    struct state_session session = {0};
    struct state *state = state_open(folder, false, NULL);
    pid_t guard = 0;
    if (state && !state_session_read(state, &session, NULL) && !state_is_owner(state, session.supervisor))
        guard = session.guard;
    if (guard && !state_is_owner(state, guard))
        guard = 0;
    state_session_free(&session);
    state_close(state);
    return guard;
}

void cleaning_look(struct cleaning_wait *cleaning, const char *folder, cleaning_cb *tell, void *data)
{
    int64_t now_ms = loop_clock_ms();
    if (!cleaning->looked_ms)
        cleaning->looked_ms = now_ms;
    if (now_ms - cleaning->looked_ms < LOOK_MS)
        return;
    cleaning->looked_ms = now_ms;
    cleaning->guard = cleaning_guard(folder);
    bool is_news = cleaning->guard && cleaning->guard != cleaning->told;
    if (is_news && tell)
        tell(cleaning->guard, data);
    cleaning->told = cleaning->guard;
}

int cleaning_refuse(pid_t guard, const char *project, struct error *err)
{
    error_set(err, ERROR_NOT_RUNNING, "the last session of %s died, and its guard (pid %ld) cleans up",
              text_or(project, "the project"), (long)guard);
    error_hint(err, "apphost down waits for its end");
    return -1;
}

int cleaning_refuse_late(pid_t guard, const char *project, const char *folder, struct error *err)
{
    error_set(err, ERROR_OWNER, "the guard of the last session of %s (pid %ld) does not come to an end",
              text_or(project, "the project"), (long)guard);
    error_hint(err, "see %s/supervisor.log; if it stays like this: kill -9 %ld, then apphost gc", folder,
               (long)guard);
    return -1;
}
