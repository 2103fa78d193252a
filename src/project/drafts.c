/* See drafts.h. A folder that is met twice (two projects of one manifest's folder) is looked at once. */
#include "project/drafts.h"
#include "state/state.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>

struct drafts_search {
    enum drafts_what what;
    draft_left_cb *left;
    void *data;
    struct strlist seen; /* folders */
    size_t count;
};

static void look(struct drafts_search *search, const char *folder)
{
    if (strlist_has(&search->seen, folder))
        return;
    strlist_add(&search->seen, folder);
    if (search->what == DRAFTS_REMOVE)
        search->count += draft_sweep(folder, search->left, search->data);
    else
        search->count += draft_find_left(folder, search->left, search->data);
}

typedef void visit_fn(struct drafts_search *search, const char *path);

static void visit_each(struct drafts_search *search, const char *folder, visit_fn *visit)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    while (listing && (entry = readdir(listing))) {
        cleanup_free char *path = path_join(folder, entry->d_name);
        if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
            visit(search, path);
    }
    if (listing)
        closedir(listing);
}

/* A project's folder, or that of the certificates. */
static void look_at_state(struct drafts_search *search, const char *folder)
{
    cleanup_free char *snapshots = path_join(folder, "snapshots"), *manifest = state_manifest(folder);
    look(search, folder);
    visit_each(search, snapshots, look);
    if (!manifest)
        return;
    cleanup_free char *beside = path_dirname(manifest);
    look(search, beside);
}

size_t drafts_left(const char *state_root, const char *here, enum drafts_what what, draft_left_cb *left,
                   void *data)
{
    struct drafts_search search = {.what = what, .left = left, .data = data};
    if (state_root) {
        look(&search, state_root);
        visit_each(&search, state_root, look_at_state);
    }
    if (here)
        look(&search, here);
    strlist_free(&search.seen);
    return search.count;
}
