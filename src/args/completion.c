/* What is due on a line, and the shells' scripts. See completion.h and help.h.
 *
 * The scripts know nothing: they hand the line to the hidden `apphost __complete` and offer what it answers.
 * So the tables are the only place that says what an option or an argument may be. */
#include "args/completion.h"

#include "base/mem.h"
#include "base/str.h"
#include "args/args.h"
#include "args/help.h"

#include <string.h>

/* ---- what is due ---- */

struct completion_walk {
    const struct commands *commands;
    char *const *words;
    int count, index; /* words[count - 1] is being typed */
    int arguments;    /* behind the verb */
    bool only_arguments;
    struct due *due;
};

static bool is_last(const struct completion_walk *walk)
{
    return walk->index == walk->count - 1;
}

static void value_is_due(struct completion_walk *walk, const struct option *option)
{
    walk->due->kind = DUE_VALUE;
    walk->due->option = option;
    walk->due->names = option->names;
}

/* The option's value is in the next word: it is skipped, or it is what is being typed. */
static void take_value(struct completion_walk *walk, const struct option *option)
{
    if (!option || option->type == OPTION_FLAG)
        return;
    walk->due->at = walk->index;
    walk->index++;
    if (is_last(walk))
        value_is_due(walk, option);
}

static void walk_long(struct completion_walk *walk, const char *word)
{
    size_t length = strcspn(word + 2, "=");
    const struct option *option = args_option_long(walk->due->command, word + 2, length);
    if (!word[2 + length])
        take_value(walk, option);
}

static void walk_letters(struct completion_walk *walk, const char *letters)
{
    for (; *letters; letters++) {
        const struct option *option = args_option_letter(walk->due->command, *letters);
        if (!option || option->type == OPTION_FLAG)
            continue;
        if (!letters[1])
            take_value(walk, option);
        return;
    }
}

static void command_is_due(struct completion_walk *walk)
{
    walk->due->kind = DUE_COMMAND;
    walk->due->at = walk->index;
}

static void walk_argument(struct completion_walk *walk, const char *word)
{
    const struct command *command = walk->due->command;
    if (!command) {
        walk->due->command = command_find(walk->commands, word);
        return;
    }
    walk->arguments++;
    if (command->command_after_first && strcmp(walk->words[walk->index + 1], "--")) {
        walk->index++;
        command_is_due(walk);
    }
}

static void walk_word(struct completion_walk *walk)
{
    const char *word = walk->words[walk->index];
    const struct command *command = walk->due->command;
    if (walk->only_arguments || word[0] != '-' || !word[1])
        walk_argument(walk, word);
    else if (word[1] != '-')
        walk_letters(walk, word + 1);
    else if (word[2])
        walk_long(walk, word);
    else if (command && command->takes_command) {
        walk->index++;
        command_is_due(walk);
    } else
        walk->only_arguments = true;
}

static void judge_last(struct completion_walk *walk)
{
    struct due *due = walk->due;
    const char *word = due->typed, *equals = strchr(word, '=');
    const struct command *command = due->command;
    due->at = walk->index;
    if (!walk->only_arguments && str_starts(word, "--") && equals) {
        const struct option *option = args_option_long(command, word + 2, (size_t)(equals - word) - 2);
        due->lead = (int)(equals + 1 - word);
        due->typed = equals + 1;
        if (option && option->type != OPTION_FLAG)
            value_is_due(walk, option);
        return;
    }

    if (!walk->only_arguments && word[0] == '-') {
        due->kind = DUE_OPTION;
        return;
    }
    due->kind = DUE_NAMES;
    due->names = NAMES_VERBS;
    if (command)
        due->names = command->arguments;
    if (command && walk->arguments == 1 && command->second)
        due->names = command->second;
    if (command && command->most >= 0 && walk->arguments >= command->most)
        due->names = NAMES_NONE;
}

void completion_due(const struct commands *commands, char *const *words, int count, struct due *due)
{
    struct completion_walk walk = {.commands = commands, .words = words, .count = count, .due = due};
    *due = (struct due){.typed = words[count - 1]};
    for (; !due->kind && !is_last(&walk); walk.index++)
        walk_word(&walk);
    if (!due->kind)
        judge_last(&walk);
}

/* ---- the scripts ---- */

/* bash breaks words at "=", too, and replaces only what follows it. */
static const char bash_script[] =
    "# bash completion for apphost\n"
    "_apphost() {\n"
    "  local words=() answer lead i\n"
    "  for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "    if ((i > 1)) && [[ ${COMP_WORDS[i]} = '=' || ${COMP_WORDS[i - 1]} = '=' ]]; then\n"
    "      words[${#words[@]} - 1]+=${COMP_WORDS[i]}\n"
    "    else\n"
    "      words+=(\"${COMP_WORDS[i]}\")\n"
    "    fi\n"
    "  done\n"
    "  lead=${words[${#words[@]} - 1]}\n"
    "  [[ $lead = --*=* ]] && lead=${lead%%=*}= || lead=\n"
    "  mapfile -t answer < <(apphost __complete -- \"${words[@]}\" 2>/dev/null)\n"
    "  COMPREPLY=()\n"
    "  case ${answer[0]} in\n"
    "    :files | :folders)\n"
    "      local kind=-f word=${words[${#words[@]} - 1]#\"$lead\"}\n"
    "      [[ ${answer[0]} = :files ]] || kind=-d\n"
    "      compopt -o filenames 2>/dev/null\n"
    "      mapfile -t COMPREPLY < <(compgen $kind -- \"$word\") ;;\n"
    "    :command*)\n"
    "      i=$((${answer[0]#:command } + 1))\n"
    "      if declare -F _command_offset >/dev/null; then\n"
    "        _command_offset $i\n"
    "      elif ((i == COMP_CWORD)); then\n"
    "        mapfile -t COMPREPLY < <(compgen -c -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
    "      else\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
    "      fi ;;\n"
    "    *)\n"
    "      COMPREPLY=(\"${answer[@]:1}\")\n"
    "      COMPREPLY=(\"${COMPREPLY[@]%%$'\\t'*}\")\n"
    "      COMPREPLY=(\"${COMPREPLY[@]#\"$lead\"}\") ;;\n"
    "  esac\n"
    "}\n"
    "complete -F _apphost apphost\n";

static const char zsh_script[] =
    "#compdef apphost\n"
    "_apphost() {\n"
    "  local -a answer items\n"
    "  answer=(\"${(@f)$(apphost __complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "  case $answer[1] in\n"
    "    :files) compset -P '*='; _files ;;\n"
    "    :folders) compset -P '*='; _files -/ ;;\n"
    "    :command*)\n"
    "      local -i at=$((${answer[1]#:command } + 1))\n"
    "      shift $at words\n"
    "      ((CURRENT -= at))\n"
    "      _normal ;;\n"
    "    *)\n"
    "      items=(\"${(@)answer[2,-1]//:/\\\\:}\")\n"
    "      items=(\"${(@)items/$'\\t'/:}\")\n"
    "      _describe apphost items ;;\n"
    "  esac\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _apphost ]; then\n"
    "  _apphost \"$@\"\n"
    "else\n"
    "  compdef _apphost apphost\n"
    "fi\n";

static const char fish_script[] =
    "# fish completion for apphost\n"
    "function __apphost_complete\n"
    "  set -l line (commandline -opc)\n"
    "  set -l word (commandline -ct)\n"
    "  set -l answer (apphost __complete -- $line[2..-1] \"$word\" 2>/dev/null)\n"
    "  switch \"$answer[1]\"\n"
    "    case ':files'\n"
    "      __fish_complete_path $word\n"
    "    case ':folders'\n"
    "      __fish_complete_directories $word\n"
    "    case ':command*'\n"
    "      set -l at (string replace ':command ' '' -- $answer[1])\n"
    "      set -l rest $line[(math $at + 2)..-1]\n"
    "      complete -C (string join ' ' -- (string escape -- $rest) \"$word\")\n"
    "    case '*'\n"
    "      printf '%s\\n' $answer[2..-1]\n"
    "  end\n"
    "end\n"
    "complete -c apphost -f -a '(__apphost_complete)'\n";

bool help_completion(const char *shell, struct strbuf *out)
{
    static const struct {
        const char *name, *script;
    } shells[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (!strcmp(shells[i].name, shell)) {
            strbuf_adds(out, shells[i].script);
            return true;
        }
    return false;
}
