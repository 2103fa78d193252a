/* See suggest.h. The two tables are what other tools have taught their users. */
#include "args/suggest.h"

#include "base/mem.h"
#include "cli/commands.h"

#include <string.h>

enum { NAMES = 256 };

/* A verb of another tool: ours, what follows it, and (where it is not the same thing) what to know. */
static const struct habit {
    const char *word;
    const struct command *command;
    const char *rest, *note;
} habits[] = {
    {"status", &cmd_ps, NULL, NULL},
    {"resources", &cmd_ps, NULL, NULL},
    {"describe", &cmd_ps, "-o json", NULL},
    {"get", &cmd_ps, NULL, NULL},
    {"list", &cmd_ls, NULL, "all projects; apphost ps: this one's resources"},
    {"projects", &cmd_ls, NULL, NULL},
    {"images", &cmd_config, NULL, NULL},
    {"inspect", &cmd_config, NULL, NULL},
    {"show", &cmd_config, NULL, NULL},
    {"plan", &cmd_config, NULL, NULL},
    {"convert", &cmd_config, NULL, NULL},
    {"check", &cmd_validate, NULL, NULL},
    {"lint", &cmd_validate, NULL, NULL},
    {"create", &cmd_up, "-d", NULL},
    {"apply", &cmd_up, "-d", NULL},
    {"serve", &cmd_up, NULL, NULL},
    {"dev", &cmd_up, NULL, NULL},
    {"watch", &cmd_up, "--watch", NULL},
    {"build", &cmd_up, NULL, "images are pulled, never built"},
    {"rm", &cmd_down, NULL, "everything; apphost stop RES: one resource"},
    {"remove", &cmd_down, NULL, "everything; apphost stop RES: one resource"},
    {"delete", &cmd_down, NULL, "everything; apphost stop RES: one resource"},
    {"destroy", &cmd_down, "--volumes", NULL},
    {"halt", &cmd_down, NULL, "everything; apphost stop RES: one resource"},
    {"quit", &cmd_down, NULL, NULL},
    {"pause", &cmd_stop, "RES", NULL},
    {"unpause", &cmd_start, "RES", NULL},
    {"resume", &cmd_start, "RES", NULL},
    {"reload", &cmd_restart, "RES", NULL},
    {"clean", &cmd_gc, NULL, "what dead sessions left; apphost down --volumes: this project"},
    {"cleanup", &cmd_gc, NULL, "what dead sessions left; apphost down --volumes: this project"},
    {"prune", &cmd_gc, NULL, "what dead sessions left; apphost down --volumes: this project"},
    {"attach", &cmd_logs, "-f RES", NULL},
    {"log", &cmd_logs, NULL, NULL},
    {"tail", &cmd_logs, "-f", NULL},
    {"shell", &cmd_exec, "RES -- sh", NULL},
    {"sh", &cmd_exec, "RES -- sh", NULL},
    {"bash", &cmd_exec, "RES -- sh", NULL},
    {"ssh", &cmd_exec, "RES -- sh", NULL},
    {"cli", &cmd_redis, "RES", NULL},
    {"console", &cmd_redis, "RES", NULL},
    {"redis-cli", &cmd_redis, "RES", NULL},
    {"valkey-cli", &cmd_redis, "RES", NULL},
    {"variables", &cmd_env, NULL, NULL},
    {"environment", &cmd_env, NULL, NULL},
    {"export", &cmd_env, NULL, NULL},
    {"address", &cmd_port, "RES", NULL},
    {"url", &cmd_port, "RES", NULL},
    {"test", &cmd_run, "-- COMMAND", NULL},
    {"new", &cmd_init, NULL, NULL},
    {"info", &cmd_doctor, NULL, NULL},
    {"diagnose", &cmd_doctor, NULL, NULL},
    {"autocomplete", &cmd_completion, "bash", NULL},
};

/* An option of another tool, with its dashes. With a command the hint is a sentence about that verb; without
 * one it is the option of ours that means the same after every verb. Those of a verb come first. */
static const struct option_habit {
    const char *written;
    const struct command *command;
    const char *hint;
} option_habits[] = {
    {"--wait", &cmd_up, "up waits by itself until everything is ready; --no-wait does not"},
    {"--build", &cmd_up, "images are pulled, never built; apphost pull fetches them anew"},
    {"--scale", &cmd_up, "replicas: N in the manifest"},
    {"--remove-orphans", &cmd_up, "up without names stops what the manifest no longer has"},
    {"--abort-on-container-exit", &cmd_up, "--exit-code-from RES ends with a resource"},
    {"--remove-orphans", &cmd_down, "down removes all that the project has running"},
    {"--rmi", &cmd_down, "images stay: they are the engine's"},
    {"--rm", &cmd_run, "run takes down what it has started; --keep does not"},
    {"--detach", &cmd_run, "apphost up -d starts everything and returns"},
    {"-d", &cmd_run, "apphost up -d starts everything and returns"},
    {"-a", &cmd_ps, "ps lists stopped resources too; apphost ls lists all projects"},
    {"--all", &cmd_ps, "ps lists stopped resources too; apphost ls lists all projects"},
    {"--fix", &cmd_validate, "each problem that validate reports says how to mend it"},
    {"--format", NULL, "-o json"},
    {"--json", NULL, "-o json"},
    {"--directory", NULL, "-C DIR"},
    {"--cwd", NULL, "-C DIR"},
    {"--apphost", NULL, "-f FILE"},
    {"--config", NULL, "-f FILE"},
    {"--silent", NULL, "-q"},
    {"--trace", NULL, "--debug"},
    {"-V", NULL, "apphost version"},
    {"-v", NULL, "--verbose"},
    {"-j", NULL, "-o json"},
};

/* ---- verbs ---- */

static size_t verb_names(const char *names[NAMES])
{
    size_t count = 0;
    for (const struct command *const *command = command_list(); *command && count < NAMES; command++)
        if (!(*command)->hidden)
            names[count++] = (*command)->name;
    return count;
}

static const struct habit *habit_of(const char *word)
{
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
        if (str_eq(habits[i].word, word))
            return &habits[i];
    return NULL;
}

static void hint_habit(const struct habit *habit, const char *after, struct error *err)
{
    cleanup_strbuf struct strbuf hint = {0};
    strbuf_addf(&hint, "did you mean %s %s", after, habit->command->name);
    if (habit->rest && str_eq(after, "apphost"))
        strbuf_addf(&hint, " %s", habit->rest);
    strbuf_addc(&hint, '?');
    if (habit->note)
        strbuf_addf(&hint, " (%s)", habit->note);
    error_hint(err, "%s", strbuf_text(&hint));
}

int suggest_verb(const char *word, const char *after, struct error *err)
{
    const char *names[NAMES];
    const struct habit *habit = habit_of(word);
    const char *nearest = str_nearest(word, names, verb_names(names));
    cleanup_free char *shown = str_printable(word);
    error_set(err, ERROR_USAGE, "unknown command \"%s\"", shown);
    if (habit)
        hint_habit(habit, after, err);
    else if (nearest)
        error_hint(err, "did you mean %s %s?", after, nearest);
    else
        error_hint(err, "apphost help lists the commands");
    return -1;
}

/* ---- options ---- */

static bool is_written(const struct option *option, const char *written)
{
    if (written[1] != '-')
        return option->letter && option->letter == written[1];
    return str_eq(option->name, written + 2);
}

/* A verb that has the option, for "goes after the verb". */
static const struct command *owner_of(const char *written)
{
    for (const struct command *const *command = command_list(); *command; command++)
        for (const struct option *option = (*command)->options; option && option->name; option++)
            if (!(*command)->hidden && is_written(option, written))
                return *command;
    return NULL;
}

static void collect_names(const struct option *table, const char **names, size_t *count)
{
    for (; table && table->name && *count < NAMES; table++)
        if (!table->hidden)
            names[(*count)++] = table->name;
}

static const char *nearest_option(const struct command *command, const char *written)
{
    const char *names[NAMES];
    size_t count = 0;
    if (written[1] != '-')
        return NULL;
    collect_names(command ? command->options : NULL, names, &count);
    collect_names(option_globals(), names, &count);
    return str_nearest(written + 2, names, count);
}

static const struct option_habit *option_habit(const struct command *command, const char *written)
{
    for (size_t i = 0; i < sizeof option_habits / sizeof *option_habits; i++) {
        const struct option_habit *habit = &option_habits[i];
        if (str_eq(habit->written, written) && (!habit->command || habit->command == command))
            return habit;
    }
    return NULL;
}

static void add_words(struct strbuf *out, const struct strlist *words, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < words->count; i++) {
        cleanup_free char *shown = str_printable(words->items[i]);
        bool is_plain = *shown && !shown[strcspn(shown, " \t'\"$&|;<>()*?`\\#~!{}[]")];
        strbuf_addf(out, is_plain ? " %s" : " \"%s\"", shown);
    }
}

int suggest_option(const struct args *args, const char *written, struct error *err)
{
    const struct command *command = args->command;
    const struct option_habit *habit = option_habit(command, written);
    const char *nearest = nearest_option(command, written);
    const struct command *owner = command ? NULL : owner_of(written);
    cleanup_free char *shown = str_printable(written);
    const char *blank = command ? " " : "", *verb = command ? command->name : "";
    cleanup_strbuf struct strbuf words = {0};
    error_set(err, ERROR_USAGE, "unknown option %s%s%s", shown, command ? " for " : "", verb);
    if (command && command->takes_command && args->names.count) {
        add_words(&words, &args->names, 0, args->names.count);
        error_hint(err, "a command and its options stand after --: apphost %s --%s %s …", verb,
                   strbuf_text(&words), shown);
    } else if (owner)
        error_hint(err, "it goes after the verb: apphost %s %s", owner->name, shown);
    else if (habit)
        error_hint(err, habit->command ? "%s" : "did you mean %s?", habit->hint);
    else if (nearest)
        error_hint(err, "did you mean --%s?", nearest);
    else
        error_hint(err, "apphost help%s%s lists the options", blank, verb);
    return -1;
}

int suggest_dashes(const struct args *args, size_t resources, struct error *err)
{
    cleanup_strbuf struct strbuf line = {0};
    add_words(&line, &args->names, 0, resources);
    strbuf_adds(&line, " --");
    add_words(&line, &args->names, resources, args->names.count);
    cleanup_free char *shown = str_printable(args->names.items[resources]);
    error_set(err, ERROR_USAGE, "\"%s\" is no resource; a command stands after --", shown);
    error_hint(err, "apphost %s%s", args->command->name, strbuf_text(&line));
    return -1;
}

/* ---- resources ---- */

int suggest_resource(const char *name, const char *const *names, size_t count, struct error *err)
{
    cleanup_strbuf struct strbuf known = {0};
    const char *nearest = str_nearest(name, names, count);
    cleanup_free char *shown = str_printable(name);
    error_set(err, ERROR_NOT_RUNNING, "no resource is called \"%s\"", shown);
    for (size_t i = 0; i < count && i < 12; i++)
        strbuf_addf(&known, "%s%s", i ? ", " : "", names[i]);
    if (nearest)
        error_hint(err, "did you mean %s?", nearest);
    else if (count)
        error_hint(err, "there %s: %s%s", count == 1 ? "is" : "are", strbuf_text(&known),
                   count > 12 ? ", …" : "");
    else
        error_hint(err, "there is none");
    return -1;
}
