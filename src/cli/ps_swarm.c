/* `ps --target swarm`: the services that this project has in a swarm. See look_swarm.h. */
#include "cli/look_swarm.h"

#include "base/mem.h"
#include "base/pick.h"
#include "deploy/deploy.h"

#include <stdlib.h>
#include <string.h>

static void add_row(struct text_table *table, const struct deploy_service *service)
{
    const char *image = text_or_empty(service->image);
    cleanup_free char *tasks = xasprintf("%d/%d", service->running, service->wanted);
    cleanup_free char *plain = xstrndup(image, strcspn(image, "@"));
    cleanup_free char *problem = str_printable(text_or_empty(service->problem));
    const char *cells[] = {service->name, service->kind, service->state, tasks, plain, problem};
    table_row(table, cells);
}

static void print_table(const struct context *context, const struct deploy_services *services)
{
    static const char *const head[] = {"NAME", "KIND", "STATE", "TASKS", "IMAGE", "PROBLEM"};
    struct text_table table = {.columns = sizeof head / sizeof *head};
    table_row(&table, head);
    for (size_t i = 0; i < services->count; i++)
        if (look_swarm_is_meant(context, services->items[i].name))
            add_row(&table, &services->items[i]);
    table_print(&table, stdout, context->output.colour_out);
    table_free(&table);
}

static void print_json(const struct context *context, const struct deploy_services *services)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "project", context->project.name);
    json_add_string(document, "target", "swarm");
    cJSON *list = json_add_array(document, "resources");
    for (size_t i = 0; i < services->count; i++)
        if (look_swarm_is_meant(context, services->items[i].name))
            cJSON_AddItemToArray(list, deploy_service_json(&services->items[i]));
    output_json(document);
}

static int show(const struct context *context, const struct deploy_services *services, struct error *err)
{
    if (look_swarm_check_names(context, services, err))
        return -1;
    if (context->output.json)
        print_json(context, services);
    else if (services->count)
        print_table(context, services);
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
    cleanup_services struct deploy_services services = {0};
    deploy_status(&seen, &services);
    deploy_seen_free(&seen);
    return show(context, &services, err);
}
