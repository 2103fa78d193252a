/* `ps --target swarm`: the services that this project has in a swarm. See look_swarm.h. */
#include "cli/look_swarm.h"

#include "base/mem.h"
#include "base/pick.h"
#include "deploy/deploy.h"

#include <stdlib.h>
#include <string.h>

static void add_row(struct text_table *table, const cJSON *status)
{
    const char *image = json_string(status, "image", "");
    cleanup_free char *tasks =
        xasprintf("%d/%d", (int)json_int(status, "running", 0), (int)json_int(status, "wanted", 0));
    cleanup_free char *plain = xstrndup(image, strcspn(image, "@"));
    cleanup_free char *problem = str_printable(json_string(status, "problem", ""));
    const char *cells[] = {json_string(status, "name", ""),
                           json_string(status, "kind", ""),
                           json_string(status, "state", ""),
                           tasks,
                           plain,
                           problem};
    table_row(table, cells);
}

static void print_table(const struct context *context, const cJSON *all)
{
    static const char *const head[] = {"NAME", "KIND", "STATE", "TASKS", "IMAGE", "PROBLEM"};
    struct text_table table = {.columns = sizeof head / sizeof *head};
    const cJSON *status;
    table_row(&table, head);
    cJSON_ArrayForEach(status, all)
    {
        if (look_swarm_is_meant(context, json_string(status, "name", "")))
            add_row(&table, status);
    }
    table_print(&table, stdout, context->output.colour_out);
    table_free(&table);
}

static void print_json(const struct context *context, const cJSON *all)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "project", context->project.name);
    json_add_string(document, "target", "swarm");
    cJSON *list = json_add_array(document, "resources");
    const cJSON *status;
    cJSON_ArrayForEach(status, all)
    {
        if (look_swarm_is_meant(context, json_string(status, "name", "")))
            cJSON_AddItemToArray(list, cJSON_Duplicate(status, true));
    }
    output_json(document);
}

static int show(const struct context *context, const cJSON *all, struct error *err)
{
    if (look_swarm_check_names(context, all, err))
        return -1;
    if (context->output.json)
        print_json(context, all);
    else if (json_count(all))
        print_table(context, all);
    else
        output_note(&context->output, "%s has nothing in this swarm", context->project.name);
    return 0;
}

int ps_swarm(struct context *context, struct error *err)
{
    struct engine_once once = {0};
    struct deploy_seen seen = {0};
    int failed =
        look_swarm_open(context, &once, err) || deploy_look(&once, context->project.name, &seen, err);
    engine_once_close(&once);
    if (failed)
        return -1;
    cleanup_json cJSON *all = deploy_status(&seen);
    deploy_seen_free(&seen);
    return show(context, all, err);
}
