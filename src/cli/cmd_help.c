/* apphost help [COMMAND] */
#include "session/context.h"
#include "args/help.h"
#include "args/suggest.h"
#include "cli/commands.h"

#include "base/mem.h"

#include <unistd.h>

static int run(struct context *context, struct error *err)
{
    const struct command *command = NULL;
    if (context->args.names.count && !(command = command_find(&cli_commands, context->args.names.items[0])))
        return suggest_verb(&cli_commands, context->args.names.items[0], "apphost help", err);
    cleanup_strbuf struct strbuf text = {0};
    help_text(&cli_commands, command, output_width(STDOUT_FILENO), &text);
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
    .examples = "apphost help run\n",
    .group = GROUP_OTHER,
    .arguments = NAMES_VERBS,
    .most = 1,
    .run = run,
};
