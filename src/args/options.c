/* The options that every command understands, one record each, and how aliases lead to them. */
#include "args/command.h"

#include "base/ours.h"

#include <string.h>

static const struct option globals[] = {
    {.name = "file",
     .letter = 'f',
     .type = OPTION_FILE,
     .repeat = true,
     .value = "FILE",
     .twin = VARIABLE_FILE,
     .twin_separator = ':',
     .help = "the manifest; again: merged over the first; - is standard input (default: apphost.yaml here or "
             "above)"},
    {.name = "project-name",
     .letter = 'p',
     .type = OPTION_TEXT,
     .names = NAMES_PROJECTS,
     .value = "NAME",
     .twin = VARIABLE_PROJECT_NAME,
     .help = "the project's name"},
    {.name = "project-directory",
     .letter = 'C',
     .type = OPTION_FOLDER,
     .value = "DIR",
     .twin = VARIABLE_PROJECT_DIRECTORY,
     .help = "work as if started there"},
    {.name = "env-file",
     .type = OPTION_FILE,
     .repeat = true,
     .value = "FILE",
     .twin = VARIABLE_ENV_FILE,
     .twin_separator = ':',
     .help = "variables for ${…} (default: .env beside the manifest)"},
    {.name = "profile",
     .type = OPTION_TEXT,
     .names = NAMES_PROFILES,
     .repeat = true,
     .value = "NAME",
     .twin = VARIABLE_PROFILE,
     .twin_separator = ',',
     .help = "switch a profile on"},
    {.name = "parameter",
     .type = OPTION_TEXT,
     .repeat = true,
     .value = "K=V|K=@FILE|K=-",
     .help = "a parameter's value; K=@FILE and K=- keep it out of the process list (also: APPHOST_PARAM_K)"},
    {.name = "engine",
     .type = OPTION_CHOICE,
     .value = "KIND",
     .choices = "docker|native",
     .twin = VARIABLE_ENGINE,
     .help = "what runs the servers"},
    {.name = "host",
     .letter = 'H',
     .type = OPTION_TEXT,
     .value = "ADDRESS",
     .twin = VARIABLE_HOST,
     .help = "the container engine's address: unix://… or tcp://…"},
    {.name = "context",
     .type = OPTION_TEXT,
     .value = "NAME",
     .twin = VARIABLE_CONTEXT,
     .help = "the Docker context to use"},
    {.name = "progress",
     .type = OPTION_CHOICE,
     .value = "HOW",
     .choices = "auto|tty|plain|json|quiet",
     .twin = VARIABLE_PROGRESS,
     .help = "how progress is shown on standard error"},
    {.name = "color",
     .type = OPTION_CHOICE,
     .value = "WHEN",
     .choices = "auto|always|never",
     .twin = VARIABLE_COLOR,
     .help = "colours; also NO_COLOR, FORCE_COLOR"},
    {.name = "quiet",
     .letter = 'q',
     .type = OPTION_FLAG,
     .twin = VARIABLE_QUIET,
     .help = "no progress, errors only"},
    {.name = "verbose", .type = OPTION_FLAG, .twin = VARIABLE_VERBOSE, .help = "say more"},
    {.name = "debug", .type = OPTION_FLAG, .twin = VARIABLE_DEBUG, .help = "say everything"},
    {.name = "wait-timeout",
     .type = OPTION_DURATION,
     .value = "TIME",
     .twin = VARIABLE_WAIT_TIMEOUT,
     .help = "bound of becoming ready (default 120s)"},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_CHOICE,
     .value = "FORM",
     .choices = "text|json",
     .twin = VARIABLE_OUTPUT,
     .help = "form of what goes to standard output"},
    {.name = "dry-run",
     .type = OPTION_FLAG,
     .twin = VARIABLE_DRY_RUN,
     .help = "say what would be done, and do nothing"},
    {.name = "yes", .letter = 'y', .type = OPTION_FLAG, .help = "do not ask"},
    {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "this text"},
    {.name = "version", .type = OPTION_FLAG, .help = "the version"},
    {.name = "no-color", .type = OPTION_FLAG, .hidden = true, .alias = "color=never", .help = ""},
    {.name = "ansi", .type = OPTION_TEXT, .hidden = true, .value = "WHEN", .alias = "color", .help = ""},
    {.name = "directory",
     .type = OPTION_FOLDER,
     .hidden = true,
     .value = "DIR",
     .alias = "project-directory",
     .help = ""},
    {.name = NULL},
};

const struct option *option_globals(void)
{
    return globals;
}

static const struct option *by_name(const struct option *table, const char *name, size_t length)
{
    for (; table && table->name; table++)
        if (strlen(table->name) == length && !memcmp(table->name, name, length))
            return table;
    return NULL;
}

const struct option *option_resolve(const struct command *command, const struct option *option,
                                    const char **value)
{
    if (!option->alias)
        return option;
    size_t length = strcspn(option->alias, "=");
    if (option->alias[length])
        *value = option->alias + length + 1;
    const struct option *target = by_name(command ? command->options : NULL, option->alias, length);
    if (target)
        return target;
    return by_name(globals, option->alias, length);
}
