/* Looking for a supervisor outside of our state folder; see owner.h. */
#include "project/owner.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"
#include "machine/holder.h"
#include "state/state.h"

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

int owner_check(const char *root, const char *hash, struct error *err)
{
    cleanup_free char *ending = xasprintf("-%s/lock", hash);
    struct machine_search search = {
        .title = TITLE, .ending = ending, .is_meant = is_elsewhere, .data = (void *)root};
    struct machine_holder holder = {0}, supervisor = {0};
    if (!machine_find_holder(&search, &holder))
        return 0;

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
