/* apphost help [COMMAND] */
#include "cli/context.h"
#include "cli/help.h"

#include "base/mem.h"

#include <unistd.h>

static int unknown(const char *name, struct error *err)
{
    const char *names[64];
    size_t count = 0;
    for (const struct command *const *command = command_list(); *command && count < 64; command++)
        if (!(*command)->hidden)
            names[count++] = (*command)->name;
    cleanup_free char *shown = str_printable(name);
    error_set(err, ERROR_USAGE, "unknown command \"%s\"", shown);
    const char *nearest = str_nearest(name, names, count);
    if (nearest)
        error_hint(err, "did you mean apphost help %s?", nearest);
    return -1;
}

static int run(struct context *context, struct error *err)
{
    const struct command *command = NULL;
    if (context->args.names.count && !(command = command_find(context->args.names.items[0])))
        return unknown(context->args.names.items[0], err);
    cleanup_strbuf struct strbuf text = {0};
    help_text(command, output_width(STDOUT_FILENO), &text);
    if (!context->output.unicode)
        help_plain(&text);
    fputs(strbuf_text(&text), stdout);
    return 0;
}

const struct command cmd_help = {
    .name = "help",
    .summary = "say what a command does",
    .usage = "[COMMAND]",
    .description = "Lists the commands, or tells all about one.",
    .group = GROUP_OTHER,
    .arguments = ARGUMENT_VERB,
    .most = 1,
    .run = run,
};
