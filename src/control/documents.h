/* Views as documents, for who keeps one and passes it on as it is: what is taken out of them, and how they
 * are kept up to date by what `watch` tells. Whoever looks at more than that reads them (view.h). */
#ifndef CONTROL_DOCUMENTS_H
#define CONTROL_DOCUMENTS_H

#include "control/watch.h"

/* What a record is. */
enum view_news document_news(const cJSON *record);
/* Takes a record of `watch` into a view, which may be NULL before: the whole, or what became of some (then
 * nothing comes of it where there is no view yet). *rev: as of which the view is then. */
void document_take(cJSON **view, int64_t *rev, const cJSON *record);
/* One of its resources by its name, or a replica's; NULL. */
const cJSON *document_resource(const cJSON *view, const char *name);
/* A resource's kind, as the manifest calls it; "" of none. */
const char *document_kind(const cJSON *resource);
/* The view without a resource that was read from it: its structure, and its document. */
void view_drop_resource(struct view *view, size_t at);

#endif
