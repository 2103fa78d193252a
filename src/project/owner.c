/* Looking for a supervisor, or what one has left, outside of our state folder; see owner.h. */
#include "project/owner.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"
#include "base/str.h"
#include "machine/carrier.h"
#include "machine/holder.h"
#include "state/state.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define TITLE "apphost: "
#define GUARD_TITLE "apphost: guard"

/* Those of our own state root were looked for by their records; they are about to end, or to listen. One
 * whose folder was taken away, or lies elsewhere, is meant. */
static bool is_elsewhere(const struct machine_holder *holder, void *data)
{
    const char *root = data;
    cleanup_free char *folder = path_dirname(holder->path), *above = path_dirname(folder);
    struct stat theirs, ours;
    bool is_ours = holder->is_same && stat(above, &theirs) == 0 && stat(root, &ours) == 0 &&
                   theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
    return !is_ours;
}

/* ---- processes whose session nobody answers for ---- */

/* A session of our own state root: what it left is swept, not refused. */
static bool is_known(const char *root, const char *hash, const char *id)
{
    cleanup_strlist struct strlist prefixes = {0};
    bool known = false;
    if (state_list(root, &prefixes, NULL))
        return false;

    for (size_t i = 0; i < prefixes.count && !known; i++) {
        cleanup_identity struct identity identity = {0};
        if (!identity_parse(prefixes.items[i], &identity) || strcmp(identity.hash, hash) != 0)
            continue;

        cleanup_free char *folder = state_folder(root, prefixes.items[i]);
        struct state *state = state_open(folder, false, NULL);
        struct state_session session = {0};
        known = state && state_session_recall(state, &session, NULL) == 0 && str_eq(session.id, id);
        state_session_free(&session);
        state_close(state);
    }
    return known;
}

struct left_question {
    const char *root, *hash;
};

static bool is_of_a_stranger(const struct machine_carrier *carrier, void *data)
{
    const struct left_question *question = data;
    return !is_known(question->root, question->hash, carrier->entry + strlen(VARIABLE_SESSION "="));
}

/* Where a session of that environment keeps its state, for the eye and for a command line. */
static char *state_home_of(const struct machine_carrier *carrier)
{
    const char *home = machine_carrier_value(carrier, "XDG_STATE_HOME");
    if (home && *home)
        return xstrdup(home);
    return path_join(text_or(machine_carrier_value(carrier, "HOME"), "~"), ".local/state");
}

static int check_left(const char *root, const char *hash, struct error *err)
{
    cleanup_free char *start = xasprintf(VARIABLE_SESSION "=%s", hash);
    struct left_question question = {root, hash};
    struct machine_carrier carrier = {0};
    if (!machine_find_carrier(start, is_of_a_stranger, &question, &carrier))
        return 0;

    cleanup_free char *home = state_home_of(&carrier);
    error_set(err, ERROR_OWNER,
              "%s: a process of it is still there, of a session with its state elsewhere that nobody answers "
              "for: pid %ld%s%s, state in %s/apphost",
              text_or(machine_carrier_value(&carrier, VARIABLE_PROJECT), "this project"), (long)carrier.pid,
              text_if(machine_carrier_value(&carrier, VARIABLE_RESOURCE), ", of "),
              text_or_empty(machine_carrier_value(&carrier, VARIABLE_RESOURCE)), home);
    error_hint(err, "clean up there: XDG_STATE_HOME=%s apphost gc; or end it: kill %ld", home,
               (long)carrier.pid);
    machine_carrier_free(&carrier);
    return -1;
}

/* ---- the front door ---- */

/* Its folder lies in our root, or lay there, and will again. */
static bool is_of_our_root(const struct machine_holder *holder, void *data)
{
    cleanup_free char *folder = path_dirname(holder->path), *above = path_dirname(folder);
    cleanup_free char *root = path_canonical(data);
    return str_eq(above, root);
}

char *owner_recall(const char *root, const char *hash)
{
    cleanup_free char *ending = xasprintf("-%s/lock", hash);
    const struct machine_search search = {.title = TITLE,
                                          .but = GUARD_TITLE,
                                          .ending = ending,
                                          .is_meant = is_of_our_root,
                                          .data = (void *)root};
    struct machine_holder holder = {0};
    if (!machine_find_holder(&search, &holder))
        return NULL;

    cleanup_free char *folder = path_dirname(holder.path);
    kill(holder.pid, SIGCONT);
    machine_holder_free(&holder);
    return xstrdup(path_basename(folder));
}

int owner_check(const char *root, const char *hash, struct error *err)
{
    cleanup_free char *ending = xasprintf("-%s/lock", hash);
    struct machine_search search = {
        .title = TITLE, .ending = ending, .is_meant = is_elsewhere, .data = (void *)root};
    struct machine_holder holder = {0}, supervisor = {0};
    if (!machine_find_holder(&search, &holder))
        return check_left(root, hash, err);

    search.but = GUARD_TITLE; /* which is named only when it is alone, cleaning up */
    if (machine_find_holder(&search, &supervisor)) {
        machine_holder_free(&holder);
        holder = supervisor;
    }

    cleanup_identity struct identity identity = {0};
    cleanup_free char *folder = path_dirname(holder.path), *above = path_dirname(folder);
    cleanup_free char *home = path_dirname(above);
    const char *name = "this project";
    if (identity_parse(path_basename(folder), &identity))
        name = identity.name;
    error_set(err, ERROR_OWNER, "%s runs already, with its state elsewhere: pid %ld, state in %s%s", name,
              (long)holder.pid, folder, text_if(holder.is_deleted, " (taken away)"));
    error_hint(err, "use it with XDG_STATE_HOME=%s, or end it: kill %ld", home, (long)holder.pid);
    machine_holder_free(&holder);
    return -1;
}
