/* Completion scripts from the tables. See help.h.
 *
 * The scripts carry verbs, options and choices themselves, so that completing them starts no program; only
 * resource names come from the hidden `apphost __complete`, which reads the manifest. */
#include "cli/help.h"

#include "base/mem.h"

#include <string.h>

static bool is_shown(const struct command *command)
{
    return !command->hidden;
}

static void add_bash_words(struct strbuf *out, const struct option *table)
{
    for (; table && table->name; table++) {
        if (table->hidden)
            continue;
        strbuf_addf(out, " --%s", table->name);
        if (table->letter)
            strbuf_addf(out, " -%c", table->letter);
    }
}

static const char *bash_value(const struct option *option, struct strbuf *text)
{
    strbuf_truncate(text, 0);
    switch (option->type) {
    case OPTION_CHOICE:
        strbuf_addf(text, "COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", option->choices);
        for (char *at = text->data; (at = strchr(at, '|'));)
            *at = ' ';
        return strbuf_text(text);
    case OPTION_FILE:
        return "COMPREPLY=($(compgen -f -- \"$cur\"))";
    case OPTION_FOLDER:
        return "COMPREPLY=($(compgen -d -- \"$cur\"))";
    case OPTION_RESOURCE:
        return "COMPREPLY=($(compgen -W \"$(apphost __complete resources 2>/dev/null)\" -- \"$cur\"))";
    default:
        return "COMPREPLY=()";
    }
}

/* A case of the word before: options that take a value. verb "*" for the global ones. */
static void add_bash_values(struct strbuf *out, const char *verb, const struct option *table)
{
    cleanup_strbuf struct strbuf text = {0};
    for (; table && table->name; table++) {
        if (table->hidden || table->type == OPTION_FLAG)
            continue;
        strbuf_addf(out, "    %s:--%s", verb, table->name);
        if (table->letter)
            strbuf_addf(out, "|%s:-%c", verb, table->letter);
        strbuf_addf(out, ") %s; return ;;\n", bash_value(table, &text));
    }
}

static void add_bash(struct strbuf *out)
{
    strbuf_adds(out, "# bash completion for apphost\n_apphost() {\n"
                     "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= i\n"
                     "  for ((i = 1; i < COMP_CWORD; i++)); do\n    case ${COMP_WORDS[i]} in\n");
    strbuf_adds(out, "    ");
    const char *bar = "";
    for (const struct command *const *command = command_list(); *command; command++)
        if (is_shown(*command)) {
            strbuf_addf(out, "%s%s", bar, (*command)->name);
            bar = "|";
        }
    strbuf_adds(out, ") verb=${COMP_WORDS[i]}; break ;;\n    esac\n  done\n  COMPREPLY=()\n"
                     "  case $verb:$prev in\n");
    for (const struct command *const *command = command_list(); *command; command++)
        if (is_shown(*command))
            add_bash_values(out, (*command)->name, (*command)->options);
    add_bash_values(out, "*", option_globals());
    strbuf_adds(out, "  esac\n  local words\n  case $verb in\n    '') words='");
    for (const struct command *const *command = command_list(); *command; command++)
        if (is_shown(*command))
            strbuf_addf(out, "%s ", (*command)->name);
    strbuf_adds(out, "' ;;\n");
    for (const struct command *const *command = command_list(); *command; command++) {
        if (!is_shown(*command))
            continue;
        strbuf_addf(out, "    %s) ", (*command)->name);
        if ((*command)->arguments == ARGUMENT_RESOURCE)
            strbuf_adds(out, "[[ $cur = -* ]] || words=$(apphost __complete resources 2>/dev/null); ");
        else if ((*command)->arguments == ARGUMENT_SHELL)
            strbuf_adds(out, "words='bash zsh fish'; ");
        else if ((*command)->arguments == ARGUMENT_VERB)
            strbuf_adds(out, "words=$(apphost __complete verbs 2>/dev/null); ");
        strbuf_adds(out, "words+='");
        add_bash_words(out, (*command)->options);
        strbuf_adds(out, "' ;;\n");
    }
    strbuf_adds(out, "  esac\n  [[ $cur = -* ]] && words+='");
    add_bash_words(out, option_globals());
    strbuf_adds(out,
                "'\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _apphost apphost\n");
}

/* For a zsh specification in single quotes: brackets and colons have a meaning, quotes end it. */
static void add_zsh_text(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            strbuf_addc(out, '\\');
        if (*text == '\'')
            strbuf_adds(out, "'\\''");
        else
            strbuf_addc(out, *text);
    }
}

static void add_zsh_option(struct strbuf *out, const struct option *option)
{
    strbuf_addf(out, " \\\n      '%s", option->repeat ? "*" : "");
    if (option->letter)
        strbuf_addf(out, "(-%c --%s)'{-%c,--%s}'", option->letter, option->name, option->letter,
                    option->name);
    else
        strbuf_addf(out, "--%s", option->name);
    strbuf_adds(out, "[");
    add_zsh_text(out, option->help);
    strbuf_adds(out, "]");
    if (option->type == OPTION_CHOICE) {
        strbuf_adds(out, ":value:(");
        for (const char *at = option->choices; *at; at++)
            strbuf_addc(out, *at == '|' ? ' ' : *at);
        strbuf_adds(out, ")");
    } else if (option->type != OPTION_FLAG) {
        strbuf_addf(out, ":value:%s",
                    option->type == OPTION_FILE       ? "_files"
                    : option->type == OPTION_FOLDER   ? "_files -/"
                    : option->type == OPTION_RESOURCE ? "_apphost_resources"
                                                      : "");
    }
    strbuf_adds(out, "'");
}

static void add_zsh_options(struct strbuf *out, const struct option *table)
{
    for (; table && table->name; table++)
        if (!table->hidden && !(table->letter && table->repeat))
            add_zsh_option(out, table);
        else if (!table->hidden) /* a repeatable option excludes nothing */
            strbuf_addf(out, " \\\n      '*'{-%c,--%s}'[%s]:value:_files'", table->letter, table->name,
                        table->value);
}

static void add_zsh_command(struct strbuf *out, const struct command *command)
{
    strbuf_addf(out, "    %s)\n      _arguments -s", command->name);
    add_zsh_options(out, command->options);
    if (command->arguments == ARGUMENT_RESOURCE)
        strbuf_adds(out, " \\\n      '*:resource:_apphost_resources'");
    else if (command->arguments == ARGUMENT_SHELL)
        strbuf_adds(out, " \\\n      '1:shell:(bash zsh fish)'");
    else if (command->arguments == ARGUMENT_VERB)
        strbuf_adds(out, " \\\n      '1:command:_apphost_commands'");
    strbuf_adds(out, " \"${globals[@]}\" ;;\n");
}

static void add_zsh(struct strbuf *out)
{
    strbuf_adds(out,
                "#compdef apphost\n"
                "_apphost_resources() { compadd -- ${(f)\"$(apphost __complete resources 2>/dev/null)\"} }\n"
                "_apphost_commands() {\n  local -a commands=(\n");
    for (const struct command *const *command = command_list(); *command; command++)
        if (is_shown(*command)) {
            strbuf_addf(out, "    '%s:", (*command)->name);
            add_zsh_text(out, (*command)->summary);
            strbuf_adds(out, "'\n");
        }
    strbuf_adds(out, "  )\n  _describe command commands\n}\n_apphost() {\n  local -a globals=(");
    add_zsh_options(out, option_globals());
    strbuf_adds(
        out,
        "\n  )\n  local curcontext=$curcontext state line\n"
        "  _arguments -C \"${globals[@]}\" '1:command:_apphost_commands' '*::argument:->rest' && return\n"
        "  case $line[1] in\n");
    for (const struct command *const *command = command_list(); *command; command++)
        if (is_shown(*command))
            add_zsh_command(out, *command);
    strbuf_adds(out, "  esac\n}\n_apphost \"$@\"\n");
}

static void add_fish_text(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            strbuf_addc(out, '\\');
        strbuf_addc(out, *text);
    }
}

static void add_fish_option(struct strbuf *out, const char *condition, const struct option *option)
{
    strbuf_addf(out, "complete -c apphost%s -l %s", condition, option->name);
    if (option->letter)
        strbuf_addf(out, " -s %c", option->letter);
    if (option->type == OPTION_FILE || option->type == OPTION_FOLDER)
        strbuf_adds(out, " -r -F");
    else if (option->type != OPTION_FLAG)
        strbuf_adds(out, " -x");
    if (option->type == OPTION_RESOURCE)
        strbuf_adds(out, " -a '(apphost __complete resources 2>/dev/null)'");
    if (option->type == OPTION_CHOICE) {
        strbuf_adds(out, " -a '");
        for (const char *at = option->choices; *at; at++)
            strbuf_addc(out, *at == '|' ? ' ' : *at);
        strbuf_adds(out, "'");
    }
    strbuf_adds(out, " -d '");
    add_fish_text(out, option->help);
    strbuf_adds(out, "'\n");
}

static void add_fish_command(struct strbuf *out, const struct command *command)
{
    cleanup_free char *condition = xasprintf(" -n '__fish_seen_subcommand_from %s'", command->name);
    strbuf_addf(out, "complete -c apphost -n __fish_use_subcommand -a %s -d '", command->name);
    add_fish_text(out, command->summary);
    strbuf_adds(out, "'\n");
    for (const struct option *option = command->options; option && option->name; option++)
        if (!option->hidden)
            add_fish_option(out, condition, option);
    const char *words = command->arguments == ARGUMENT_RESOURCE ? "(apphost __complete resources 2>/dev/null)"
                        : command->arguments == ARGUMENT_SHELL  ? "bash zsh fish"
                        : command->arguments == ARGUMENT_VERB   ? "(apphost __complete verbs 2>/dev/null)"
                                                                : NULL;
    if (words)
        strbuf_addf(out, "complete -c apphost%s -a '%s'\n", condition, words);
}

static void add_fish(struct strbuf *out)
{
    strbuf_adds(out, "# fish completion for apphost\ncomplete -c apphost -f\n");
    for (const struct command *const *command = command_list(); *command; command++)
        if (is_shown(*command))
            add_fish_command(out, *command);
    for (const struct option *option = option_globals(); option->name; option++)
        if (!option->hidden)
            add_fish_option(out, "", option);
}

bool help_completion(const char *shell, struct strbuf *out)
{
    static const struct {
        const char *name;
        void (*add)(struct strbuf *out);
    } shells[] = {{"bash", add_bash}, {"zsh", add_zsh}, {"fish", add_fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (!strcmp(shells[i].name, shell)) {
            shells[i].add(out);
            return true;
        }
    return false;
}
