/* What becomes of each field of each resource, told by the rows of fields.c: a refused one is a problem at
 * its position, a changed one a note. Never silence. */
#include "deployment/internal.h"

#include <string.h>

/* The tables that a kind's fields stand in. */
static bool is_of_kind(const char *table, const struct model_resource *resource)
{
    static const char *const everywhere[] = {"common", "publish"};
    bool is_running = !model_kind_info(resource->kind)->is_elsewhere;
    for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++)
        if (strcmp(table, everywhere[i]) == 0)
            return true;
    if (strcmp(table, "running") == 0)
        return is_running;
    if (strcmp(table, "hosted") == 0)
        return is_running && resource->kind != MODEL_PROCESS;
    if (strcmp(table, "server") == 0)
        return model_is_server(resource->kind);
    return strcmp(table, model_kind_name(resource->kind)) == 0;
}

static void report(struct lowering *l, const struct deployment_field *row,
                   const struct model_resource *resource)
{
    const struct model_pos *pos = NULL;
    enum deployment_fate fate = row->fate[l->options->target];
    if (row->given && fate != DEPLOYMENT_KEPT && is_of_kind(row->table, resource))
        pos = row->given(resource);
    if (!pos)
        return;

    const char *target = names_text(&deployment_target_names, l->options->target);
    if (fate == DEPLOYMENT_REFUSED)
        lowering_problem(l, pos, row->words, "`%s` of \"%s\" cannot be published to %s", row->field,
                         resource->name, target);
    else
        lowering_note(l, pos, "`%s` of \"%s\": %s", row->field, resource->name, row->words);
}

void lowering_report_fields(struct lowering *l)
{
    for (size_t i = 0; i < l->model->resource_count; i++) {
        const struct model_resource *resource = &l->model->resources[i];
        if (lowering_is_left_out(resource) || resource->kind >= MODEL_KIND_COUNT)
            continue;
        for (const struct deployment_field *row = deployment_fields(); row->table; row++)
            report(l, row, resource);
    }
}
