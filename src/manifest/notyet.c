/* What the manifest defines and a later version builds: answered "not yet" at its position, never silently.
 *
 * One row each; building something means deleting its row. The value is read and checked all the same. */
#include "manifest/field.h"

#include <string.h>

static const struct {
    const char *table; /* NULL: any */
    const char *field;
    const char *only;   /* only this text is refused; NULL: any value */
    const char *except; /* this text is fine */
    const char *what;
} unbuilt[] = {
    {"process", "watch", NULL, NULL, "`watch` is"},
};

bool manifest_refuse_unbuilt(struct loader *l, const char *table, const char *field, const struct node *value)
{
    for (size_t i = 0; i < sizeof unbuilt / sizeof *unbuilt; i++) {
        if ((unbuilt[i].table && strcmp(unbuilt[i].table, table) != 0) ||
            strcmp(unbuilt[i].field, field) != 0)
            continue;
        bool is_text = value->kind == NODE_SCALAR;
        if (unbuilt[i].only && !(is_text && strcmp(unbuilt[i].only, value->text) == 0))
            continue;
        if (unbuilt[i].except && is_text && strcmp(unbuilt[i].except, value->text) == 0)
            continue;
        manifest_problem(l, value, "%s not available yet", unbuilt[i].what);
        return true;
    }
    return false;
}
