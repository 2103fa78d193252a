/* apphost publish: the application as files for another tool. Nothing else is touched; what is there already
 * and is not ours, or was edited, is left as it is. */
#include "cli/deployment.h"
#include "deploy/deploy.h"
#include "publish/publish.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>

static const struct option options[] = {
    {.name = "into",
     .letter = 'o',
     .type = OPTION_FOLDER,
     .value = "DIR",
     .help = "where the files are written to (default: a folder called like the target)"},
    {.name = "force", .type = OPTION_FLAG, .help = "replace files that were edited, or are not ours"},
    DEPLOYMENT_OPTIONS("; compose has them in a profile"),
};

struct publish_target {
    /* What the folder has already of secrets. */
    int (*take)(struct publish_files *files, struct deployment *d, struct error *err);
    int (*write)(struct publish_files *files, const struct deployment *d, struct error *err);
    const char *next;   /* what to do with the files */
    bool names_project; /* at its end */
};
static const struct publish_target targets[] = {
    [DEPLOYMENT_COMPOSE] = {publish_take_compose, publish_compose, "docker compose up -d --wait", false},
    /* Its writer may have to ask an engine. */
    [DEPLOYMENT_SWARM] = {publish_take_generated, NULL, "docker stack deploy -c stack.yaml", true},
    [DEPLOYMENT_KUBERNETES] = {publish_take_generated, publish_kubernetes,
                               "kubectl apply --server-side --field-manager=apphost -k .", false},
};
EACH_OF(targets, DEPLOYMENT_TARGET_COUNT);

static void print_json(const struct context *context, const struct publish_files *files,
                       const struct deployment *d)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "target", names_text(&deployment_target_names, d->target));
    json_add_string(document, "folder", files->folder);
    json_add_bool(document, "dryRun", context->dry_run);

    cJSON *list = json_add_array(document, "files");
    for (size_t i = 0; i < files->count; i++) {
        cJSON *one = cJSON_CreateObject();
        json_add_string(one, "name", files->items[i].name);
        json_add_bool(one, "changed", files->items[i].is_changed);
        json_add_bool(one, "secret", files->items[i].is_secret);
        cJSON_AddItemToArray(list, one);
    }

    cJSON *notes = json_add_array(document, "notes");
    for (size_t i = 0; i < d->note_count; i++)
        cJSON_AddItemToArray(notes, cJSON_CreateString(d->notes[i].text));
    json_add_strings(document, "warnings", &files->notes);
    output_json(document);
}

static void print_text(const struct context *context, const struct publish_files *files,
                       const struct publish_target *target)
{
    bool is_named = target->names_project;
    const char *did = "wrote";
    if (context->dry_run)
        did = "would write";
    for (size_t i = 0; i < files->notes.count && !context->output.quiet; i++)
        output_warn(&context->output, "%s", files->notes.items[i]);
    for (size_t i = 0; i < files->count; i++) {
        const struct publish_file *file = &files->items[i];
        if (file->is_changed)
            output_note(&context->output, "%s %s/%s%s", did, files->folder, file->name,
                        text_if(file->is_secret, " (secrets, mode 0600)"));
    }
    if (!context->dry_run)
        output_note(&context->output, "next: cd %s && %s%s%s", files->folder, target->next,
                    text_if(is_named, " "), text_if(is_named, context->project.name));
}

static int write_files(struct context *context, struct publish_files *files, struct error *err)
{
    bool force = args_flag(&context->args, "force");
    if (context->dry_run)
        return publish_look(files, force, err);
    return publish_write(files, force, err);
}

static int write_stack(struct context *context, struct publish_files *files, const struct deployment *d,
                       struct error *err)
{
    struct project_options how = context_project_options(context);
    struct engine_once once = {0};
    int failed = 0;
    if (deploy_stack_needs_engine(d))
        failed = project_resolve_engine(&context->project, &how, err) ||
                 engine_once_open(&once, &context->project.engine, context->environment, err);
    if (!failed)
        failed = deploy_stack(&once, files, d, err);
    engine_once_close(&once);
    return -(failed != 0);
}

static int make_files(struct context *context, const struct publish_target *target,
                      struct publish_files *files, const struct deployment *d, struct error *err)
{
    if (target->write)
        return target->write(files, d, err);
    return write_stack(context, files, d, err);
}

static int publish(struct context *context, const struct publish_target *target, struct cli_deployment *c,
                   struct publish_files *files, struct error *err)
{
    if (target->take(files, c->deployment, err) < 0 || deployment_settle(c->deployment, &c->store, err) < 0 ||
        make_files(context, target, files, c->deployment, err) < 0 || write_files(context, files, err) < 0)
        return -1;
    if (context->output.json)
        print_json(context, files, c->deployment);
    else
        print_text(context, files, target);
    return 0;
}

static int run(struct context *context, struct error *err)
{
    struct deployment_options how = {.project = context->project.name};
    struct cli_deployment c;
    struct publish_files files = {0};
    if (cli_deployment_target(context, &how.target, err) < 0)
        return -1;

    files.folder =
        text_or(args_value(&context->args, "into"), names_text(&deployment_target_names, how.target));
    how.with_tools = how.target == DEPLOYMENT_COMPOSE || args_flag(&context->args, "with-tools");
    int rc = cli_deployment_open(&c, context, &how, err);
    if (rc == 0)
        rc = publish(context, &targets[how.target], &c, &files, err);
    publish_free(&files);
    cli_deployment_close(&c);
    return rc;
}

const struct command cmd_publish = {
    .name = "publish",
    .summary = "write files for another engine",
    .usage = "TARGET [-o DIR] [--force]",
    .description = "Writes the application as files that another tool runs, and touches nothing else. TARGET "
                   "is `compose`, `swarm` or `kubernetes`. "
                   "Processes become containers of the image that `publish: {image: …}` names in the "
                   "manifest; health checks, "
                   "data, secrets, order and tasks stay. What a target cannot express is an error at its "
                   "position, what it "
                   "expresses otherwise is said; man apphost-publish has all fields.\n"
                   "Secrets are written into files of mode 0600 alone. Passwords that nobody gave are made "
                   "once, others than "
                   "locally, and remembered; what the folder has already counts.\n"
                   "A file that was edited, or that is not ours, is left as it is unless --force is given: "
                   "edits of your own "
                   "belong into compose.override.yaml. A `.env` is only added to.",
    .examples = "apphost publish compose -o deploy\n"
                "apphost publish compose -o deploy --force\n"
                "apphost publish swarm -o deploy\n"
                "apphost publish kubernetes -o deploy\n",
    .options = options,
    .group = GROUP_MANIFEST,
    .needs = NEEDS_MODEL,
    .least = 1,
    .most = 1,
    .run = run,
};
