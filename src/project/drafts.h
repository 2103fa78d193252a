/* Files that somebody did not come to the end of writing (base/draft.h), in all the places where commands
 * write by themselves: this user's state, snapshots and certificates, and the folders of his projects'
 * manifests, where `.env` is. Where else something was published, the next `publish` looks. Blocking. */
#ifndef PROJECT_DRAFTS_H
#define PROJECT_DRAFTS_H

#include "base/draft.h"

enum drafts_what { DRAFTS_FIND, DRAFTS_REMOVE };

/* here: a manifest's folder that no state tells of yet, or NULL. `left` is told of each (or NULL). How many.
 */
size_t drafts_left(const char *state_root, const char *here, enum drafts_what what, draft_left_cb *left,
                   void *data);

#endif
