/* Doctor's look at the sessions of this user: is each supervisor that lives reachable? */
#include "doctor/doctor.h"
#include "project/find.h"
#include "session/cleaning.h"

#include "base/mem.h"

#include <stdlib.h>

static void tell_silent(struct doctor *doctor, const struct find_project *project, const char *folder,
                        long pid)
{
    const char *name = project->identity.name;
    cleanup_free char *text =
        xasprintf("the supervisor of %s (pid %ld, state in %s) does not answer", name, pid, folder);
    cleanup_free char *fix = xasprintf("apphost down -p %s, which tells it by a signal", name);
    doctor_warn(doctor, text, fix);
}

static enum supervisor_sign sign_of(const char *folder, long *pid)
{
    enum supervisor_sign sign = SUPERVISOR_GONE;
    struct state *state = state_open(folder, false, NULL);
    struct state_session session = {0};
    if (state && state_session_read(state, &session, NULL) == 0)
        sign = supervisor_await_sign(state, SUPERVISOR_SILENCE);
    *pid = (long)session.supervisor;
    state_session_free(&session);
    state_close(state);
    return sign;
}

static void tell_unseen(struct doctor *doctor, const struct find_project *project, const char *folder)
{
    cleanup_free char *text =
        xasprintf("the supervisor of %s is not to be seen, and its lock is held", project->identity.name);
    cleanup_free char *fix = xasprintf("see %s/supervisor.log", folder);
    long guard = (long)cleaning_guard(folder);
    if (guard) {
        free(text);
        text = xasprintf("the last session of %s died, and its guard (pid %ld) still cleans up",
                         project->identity.name, guard);
    }
    doctor_warn(doctor, text, fix);
}

void doctor_check_sessions(struct doctor *doctor)
{
    cleanup_error struct error error = {0};
    cleanup_find struct find_list list = {0};
    cleanup_free char *root = state_root(doctor->context->environment, &error);
    if (!root || find_all(root, &list, &error)) {
        doctor_fail(doctor, &error);
        return;
    }

    int running = 0, silent = 0;
    for (size_t i = 0; i < list.count; i++) {
        cleanup_free char *folder = state_folder(root, list.items[i].prefix);
        enum supervisor_sign sign = SUPERVISOR_GONE;
        long pid = 0;
        if (list.items[i].rank == FIND_RUNS)
            sign = sign_of(folder, &pid);
        if (sign == SUPERVISOR_LISTENS)
            running++;
        if (sign == SUPERVISOR_SILENT)
            tell_silent(doctor, &list.items[i], folder, pid);
        if (sign == SUPERVISOR_UNSEEN)
            tell_unseen(doctor, &list.items[i], folder);
        silent += sign == SUPERVISOR_SILENT || sign == SUPERVISOR_UNSEEN;
    }
    cleanup_free char *text = xasprintf("%d running, all can be reached", running);
    if (!silent)
        doctor_pass(doctor, running ? text : "none is running");
}
