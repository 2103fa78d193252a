/* apphost completion SHELL: the script. What it offers is complete.c's. */
#include "session/context.h"
#include "args/help.h"

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
    .description =
        "Prints a script that makes the shell complete commands, options, files, and names: of resources, "
        "endpoints, snapshots, projects, profiles and signals.",
    .examples = "source <(apphost completion bash)\n"
                "mkdir -p ~/.zfunc && apphost completion zsh > ~/.zfunc/_apphost\n"
                "mkdir -p ~/.config/fish/completions && apphost completion fish > "
                "~/.config/fish/completions/apphost.fish\n",
    .group = GROUP_OTHER,
    .arguments = NAMES_SHELLS,
    .least = 1,
    .most = 1,
    .run = run,
};
