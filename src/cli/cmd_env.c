/* apphost env [RES…]: the environment of a consumer. */
#include "session/context.h"
#include "cli/env_format.h"
#include "ui/view.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>

static const struct option options[] = {
    {.name = "format",
     .type = OPTION_CHOICE,
     .value = "FORM",
     .choices = "shell|dotenv|json|github|powershell",
     .help = "how it is written (default shell)"},
    {.name = "write",
     .type = OPTION_FILE,
     .value = "FILE",
     .help = "into a file of mode 0600 instead of standard output"},
    {.name = "for",
     .type = OPTION_TEXT,
     .names = NAMES_RESOURCES,
     .value = "RES",
     .help = "the whole environment that this resource gets"},
    {.name = NULL},
};

static int check_names(struct context *context, const char *for_resource, struct error *err)
{
    cleanup_view struct view *view = NULL;
    if (!context->args.names.count && !for_resource)
        return 0;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err) ||
        view_check_names(view, &context->args.names, err))
        return -1;
    if (!for_resource || view_find_one(view, for_resource, &context->output))
        return 0;
    return view_unknown(view, for_resource, err);
}

/* Masks are commands to the runner, which reads both streams; standard output may be the file of variables.
 */
static void print_masks(const cJSON *environment)
{
    cleanup_strbuf struct strbuf masks = {0};
    env_format_masks(environment, &masks);
    fputs(strbuf_text(&masks), stderr);
    mem_wipe(masks.data, masks.length);
}

static int write_out(struct context *context, const struct strbuf *text, struct error *err)
{
    const char *file = args_value(&context->args, "write");
    if (file)
        return file_write_atomic(file, strbuf_text(text), text->length, 0600, err);
    fwrite(strbuf_text(text), 1, text->length, stdout);
    return 0;
}

static int run(struct context *context, struct error *err)
{
    const char *for_resource = args_value(&context->args, "for");
    const char *format = args_value(&context->args, "format");
    cleanup_json cJSON *environment = NULL;
    cleanup_strbuf struct strbuf text = {0};
    if (check_names(context, for_resource, err))
        return -1;

    struct ask_resources request = client_names(&context->args.names);
    request.whose = for_resource;
    if (client_call(&context->client, ASK_ENV, record_to_json(&ask_resources_record, &request), ANSWER_LIMIT,
                    &environment, err))
        return -1;
    if (!format) {
        format = "shell";
        if (context->output.json)
            format = "json";
    }
    if (!strcmp(format, "github"))
        print_masks(environment);
    env_format(environment, format, &text);
    int failed = write_out(context, &text, err);
    mem_wipe(text.data, text.length);
    return failed;
}

const struct command cmd_env = {
    .name = "env",
    .summary = "print the environment of a consumer",
    .usage = "[RES…] [--format FORM] [--write FILE] [--for RES]",
    .description =
        "Prints the variables that a program gets which references the resources (all, without names): "
        "connection strings, hosts, ports, passwords. It prints secrets. Names that a shell cannot hold are "
        "left out with a comment. The github format prints masks for the secrets on standard error.",
    .examples = "eval \"$(apphost env)\" && redis-cli -u \"$CACHE_URI\" ping\n"
                "apphost env --format dotenv --write .env.local\n"
                "apphost env --format github >> \"$GITHUB_ENV\"\n",
    .options = options,
    .group = GROUP_LOOK,
    .needs = NEEDS_RUNNING,
    .arguments = NAMES_RESOURCES,
    .most = -1,
    .run = run,
};
