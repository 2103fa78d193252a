/* See suggest.h. */
#include "args/suggest.h"

#include "base/mem.h"
#include "base/pick.h"

#include <string.h>

enum { NAMES = 256 };

/* ---- verbs ---- */

static size_t verb_names(const struct commands *commands, const char *names[NAMES])
{
    size_t count = 0;
    for (const struct command *const *command = commands->list; *command && count < NAMES; command++)
        if (!(*command)->hidden)
            names[count++] = (*command)->name;
    return count;
}

static const struct habit *habit_of(const struct commands *commands, const char *word)
{
    for (const struct habit *habit = commands->habits; habit->word; habit++)
        if (str_eq(habit->word, word))
            return habit;
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

int suggest_verb(const struct commands *commands, const char *word, const char *after, struct error *err)
{
    const char *names[NAMES] = {0};
    size_t count = verb_names(commands, names);
    const struct habit *habit = habit_of(commands, word);
    const char *nearest = str_nearest(word, names, count);
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
static const struct command *owner_of(const struct commands *commands, const char *written)
{
    for (const struct command *const *command = commands->list; *command; command++)
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

static const struct option_habit *option_habit(const struct args *args, const char *written)
{
    for (const struct option_habit *habit = args->commands->option_habits; habit->written; habit++)
        if (str_eq(habit->written, written) && (!habit->command || habit->command == args->command))
            return habit;
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
    const struct option_habit *habit = option_habit(args, written);
    const char *nearest = nearest_option(command, written);
    const struct command *owner = NULL;
    if (!command)
        owner = owner_of(args->commands, written);
    cleanup_free char *shown = str_printable(written);
    const char *blank = text_if(command, " "), *verb = command ? command->name : "";
    cleanup_strbuf struct strbuf words = {0};

    error_set(err, ERROR_USAGE, "unknown option %s%s%s", shown, text_if(command, " for "), verb);
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
        strbuf_addf(&known, "%s%s", text_if(i, ", "), names[i]);
    if (nearest)
        error_hint(err, "did you mean %s?", nearest);
    else if (count)
        error_hint(err, "there %s: %s%s", count == 1 ? "is" : "are", strbuf_text(&known),
                   text_if(count > 12, ", …"));
    else
        error_hint(err, "there is none");
    return -1;
}
