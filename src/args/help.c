/* Help texts from the tables. See help.h.
 *
 * A command's help: what it does, how it is written, examples, its own options, then where the global ones
 * are. */
#include "args/help.h"

#include "base/mem.h"
#include "base/pick.h"

#include <string.h>

enum { NARROW = 60 };

const struct exit_code help_exit_codes[] = {
    {"0", "done; also \"already up\" and \"nothing to do\""},
    {"1", "failure of another kind"},
    {"2", "wrong usage"},
    {"3", "manifest not found or invalid"},
    {"4", "container engine unreachable or incompatible"},
    {"5", "image pull or registry login failed"},
    {"6", "a resource failed, or ended before it was ready"},
    {"7", "waiting timed out"},
    {"8", "port conflict"},
    {"9", "the project belongs to another user, or its supervisor does not answer"},
    {"10", "no such resource; nothing is running (env, exec, logs, wait)"},
    {"124", "run --timeout expired"},
    {"125", "run, exec, --exit-code-from: a failure of apphost itself, whichever"},
    {"126, 127", "their command is not executable, or not found"},
    {"128+n", "ended by signal n, interruption of apphost itself included"},
    {NULL, NULL},
};

static void add_option(struct strbuf *out, const struct option *option, int width)
{
    int indent = 30;
    if (width < NARROW)
        indent = 8;
    cleanup_strbuf struct strbuf left = {0};
    if (option->letter)
        strbuf_addf(&left, "  -%c, --%s", option->letter, option->name);
    else
        strbuf_addf(&left, "      --%s", option->name);
    if (option->value)
        strbuf_addf(&left, " %s", text_or(option->choices, option->value));
    strbuf_adds(out, strbuf_text(&left));
    int column = str_width(strbuf_text(&left));
    if (column + 2 > indent)
        strbuf_addf(out, "\n%*s", indent, "");
    else
        strbuf_addf(out, "%*s", indent - column, "");

    cleanup_strbuf struct strbuf right = {0};
    strbuf_adds(&right, option->help);
    if (option->twin)
        strbuf_addf(&right, " [%s]", option->twin);
    str_wrap(out, strbuf_text(&right), indent, width);
    strbuf_addc(out, '\n');
}

static void add_options(struct strbuf *out, const char *title, const struct option *table, int width)
{
    bool any = false;
    for (; table && table->name; table++) {
        if (table->hidden)
            continue;
        if (!any)
            strbuf_addf(out, "\n%s:\n", title);
        any = true;
        add_option(out, table, width);
    }
}

static void add_usage(struct strbuf *out, const struct command *command)
{
    const char *form = command->usage;
    strbuf_adds(out, "Usage:");
    do {
        size_t length = strcspn(form, "\n");
        strbuf_addf(out, "%sapphost %s%s%.*s\n", form == command->usage ? " " : "       ", command->name,
                    text_if(length, " "), (int)length, form);
        form += length + (form[length] == '\n');
    } while (*form);
}

static void add_examples(struct strbuf *out, const char *examples)
{
    if (!examples)
        return;
    strbuf_adds(out, "\nExamples:\n");
    while (*examples) {
        size_t length = strcspn(examples, "\n");
        strbuf_addf(out, "  %.*s\n", (int)length, examples);
        examples += length + (examples[length] == '\n');
    }
}

static void add_command(struct strbuf *out, const struct command *command, int width)
{
    add_usage(out, command);
    strbuf_addc(out, '\n');
    str_wrap(out, command->description, 0, width);
    strbuf_addc(out, '\n');
    add_examples(out, command->examples);
    add_options(out, "Options", command->options, width);
    strbuf_adds(out, "\nGlobal options stand before or after the command: apphost help\n");
}

static void add_summary(struct strbuf *out, const struct command *command, int width)
{
    strbuf_addf(out, "  %-12s", command->name);
    str_wrap(out, command->summary, 14, width);
    strbuf_addc(out, '\n');
}

static void add_group(struct strbuf *out, const struct commands *commands, enum command_group group,
                      int width)
{
    strbuf_addf(out, "\n%s:\n", command_group_title(group));
    for (const struct command *const *command = commands->list; *command; command++)
        if ((*command)->group == group && !(*command)->hidden)
            add_summary(out, *command, width);
}

static void add_overview(struct strbuf *out, const struct commands *commands, int width)
{
    strbuf_adds(out, "Usage: apphost [OPTIONS] COMMAND …\n\n");
    str_wrap(out,
             "Starts what an apphost.yaml describes: Redis and Valkey servers, containers and processes, "
             "each with "
             "the connection strings it references; and takes all of it down again.",
             0, width);
    strbuf_adds(out, "\n\nExamples:\n"
                     "  apphost init                    write an apphost.yaml to begin with\n"
                     "  apphost up                      start everything, show its logs; Ctrl-C ends it\n"
                     "  apphost up -d                   start everything, return when it is ready\n"
                     "  apphost run -- npm test         start, run a command, take down: one step for CI\n");
    for (int group = 0; group < GROUP_COUNT; group++)
        add_group(out, commands, (enum command_group)group, width);
    add_options(out, "Global options, before or after the command", option_globals(), width);
    strbuf_adds(out, "\napphost help COMMAND says more. Exit codes and files: man apphost\n");
}

void help_plain(struct strbuf *text)
{
    struct strbuf plain = {0};
    for (const char *at = strbuf_text(text); *at; at++) {
        if (!str_starts(at, "…")) {
            strbuf_addc(&plain, *at);
            continue;
        }
        strbuf_adds(&plain, "...");
        at += strlen("…") - 1;
    }
    strbuf_free(text);
    *text = plain;
}

void help_text(const struct commands *commands, const struct command *command, int width, struct strbuf *out)
{
    width = int_min(int_max(width, 40), 100);
    if (command)
        add_command(out, command, width);
    else
        add_overview(out, commands, width);
}
