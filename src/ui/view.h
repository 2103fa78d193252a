/* What a view of the supervisor looks like to people. */
#ifndef UI_VIEW_H
#define UI_VIEW_H

#include "base/json.h"
#include "ui/output.h"

/* name, state, address: what `up` ends with. Sidecars and manual resources included. */
void view_print_short(const struct output *output, const cJSON *view, FILE *stream);
/* The table of `ps`. */
void view_print_long(const struct output *output, const cJSON *view, FILE *stream);
/* Where the time went, goal by goal. */
void view_print_timings(const struct output *output, const cJSON *view, FILE *stream);
/* Why each resource was created, reused or recreated. */
void view_print_explain(const struct output *output, const cJSON *view, FILE *stream);
/* Where published ports are reached, and how that was learnt; nothing where it is not known. */
void view_print_published(const cJSON *view, FILE *stream);
/* Is it called so, or a replica of what is called so? For resources of a view and for transitions. */
bool view_is_named(const cJSON *record, const char *name);
/* The resource of that name (of several replicas the first), or NULL. */
const cJSON *view_find(const cJSON *view, const char *name);
/* The same for commands that can only mean one: says which replica it is. */
const cJSON *view_find_one(const cJSON *view, const char *name, const struct output *output);
/* Takes out of the view's resources what none of the names means; without names nothing. */
void view_keep_named(cJSON *view, const struct strlist *names);
/* ERROR_NOT_RUNNING "no resource is called …" with a suggestion; -1. */
int view_unknown(const cJSON *view, const char *name, struct error *err);
/* All names are there, else view_unknown(). */
int view_check_names(const cJSON *view, const struct strlist *names, struct error *err);

#endif
