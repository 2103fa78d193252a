/* apphost completion SHELL, and the hidden `__complete` that its scripts ask for names. */
#include "cli/context.h"
#include "cli/help.h"

#include "base/mem.h"

static int run(struct context *context, struct error *err)
{
    cleanup_strbuf struct strbuf script = {0};
    const char *shell = context->args.names.items[0];
    if (!help_completion(shell, &script)) {
        cleanup_free char *shown = str_printable(shell);
        error_set(err, ERROR_USAGE, "there is no completion for \"%s\"", shown);
        error_hint(err, "bash, zsh or fish");
        return -1;
    }
    fputs(strbuf_text(&script), stdout);
    return 0;
}

const struct command cmd_completion = {
    .name = "completion",
    .summary = "print a completion script",
    .usage = "bash|zsh|fish",
    .description = "Prints a script that makes the shell complete commands, options and resource names.",
    .examples = "source <(apphost completion bash)\n"
                "mkdir -p ~/.zfunc && apphost completion zsh > ~/.zfunc/_apphost\n"
                "mkdir -p ~/.config/fish/completions && apphost completion fish > "
                "~/.config/fish/completions/apphost.fish\n",
    .group = GROUP_OTHER,
    .arguments = ARGUMENT_SHELL,
    .least = 1,
    .most = 1,
    .run = run,
};

static void print_verbs(void)
{
    for (const struct command *const *command = command_list(); *command; command++)
        if (!(*command)->hidden)
            printf("%s\n", (*command)->name);
}

/* A manifest with errors completes to nothing: this is no place for messages. */
static int complete(struct context *context, struct error *err)
{
    (void)err;
    if (str_eq(context->args.names.items[0], "verbs")) {
        print_verbs();
        return 0;
    }
    struct project_options options = {.args = &context->args, .environment = context->environment};
    project_load(&context->project, &options, NULL);
    const struct model *model = context->project.model;
    for (size_t i = 0; model && i < model->resource_count; i++) {
        const struct model_resource *resource = &model->resources[i];
        if (resource->inactive)
            continue;
        printf("%s\n", resource->name);
        for (int n = 1; resource->kind == MODEL_PROCESS && n <= resource->process.replicas; n++)
            printf("%s-%d\n", resource->name, n);
    }
    return 0;
}

const struct command cmd_complete = {
    .name = "__complete",
    .summary = "names for completion",
    .usage = "resources|verbs",
    .description = "",
    .hidden = true,
    .least = 1,
    .most = 1,
    .run = complete,
};
