/* What a view of the supervisor looks like to people. */
#ifndef UI_VIEW_H
#define UI_VIEW_H

#include "control/view.h"
#include "ui/output.h"

/* name, state, address: what `up` ends with. Sidecars and manual resources included. */
void view_print_short(const struct output *output, const struct view *view, FILE *stream);
/* The table of `ps`. */
void view_print_long(const struct output *output, const struct view *view, FILE *stream);
/* Where the time went, goal by goal. */
void view_print_timings(const struct output *output, const struct view *view, FILE *stream);
/* Why each resource was created, reused or recreated. */
void view_print_explain(const struct output *output, const struct view_resource *resources, size_t count,
                        FILE *stream);
/* Where published ports are reached, and how that was learnt; nothing where it is not known. */
void view_print_published(const struct view *view, FILE *stream);
/* Is it called so, or a replica of what is called so? */
bool view_is_named(const struct view_resource *resource, const char *name);
bool transition_is_named(const struct transition *transition, const char *name);
/* The resource of that name (of several replicas the first), or NULL. */
const struct view_resource *view_find(const struct view *view, const char *name);
/* The same for commands that can only mean one: says which replica it is. */
const struct view_resource *view_find_one(const struct view *view, const char *name,
                                          const struct output *output);
/* Takes out of the view's resources what none of the names means; without names nothing. */
void view_keep_named(struct view *view, const struct strlist *names);
/* ERROR_NOT_RUNNING "no resource is called …" with a suggestion; -1. */
int view_unknown(const struct view *view, const char *name, struct error *err);
/* All names are there, else view_unknown(). */
int view_check_names(const struct view *view, const struct strlist *names, struct error *err);

#endif
