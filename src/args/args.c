/* The parser: argv against the tables. See args.h.
 *
 * One pass from left to right. `scan` carries the position; before the verb only globals are known, after it
 * the verb's options are looked at first. Errors name the option as it was written and, where a name is near,
 * the one that was probably meant. */
#include "args/args.h"

#include "base/mem.h"
#include "base/pick.h"
#include "args/suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    struct args *args;
    char *const *argv;
    int argc, index;
    struct error *err;
};

static const struct option *by_long(const struct option *table, const char *name, size_t length)
{
    for (; table && table->name; table++)
        if (strlen(table->name) == length && !memcmp(table->name, name, length))
            return table;
    return NULL;
}

static const struct option *by_letter(const struct option *table, char letter)
{
    for (; table && table->name; table++)
        if (table->letter == letter)
            return table;
    return NULL;
}

static const struct option *own_options(const struct args *args)
{
    if (args->command)
        return args->command->options;
    return NULL;
}

const struct option *args_option_long(const struct command *command, const char *name, size_t length)
{
    const struct option *option = by_long(command ? command->options : NULL, name, length);
    if (option)
        return option;
    return by_long(option_globals(), name, length);
}

const struct option *args_option_letter(const struct command *command, char letter)
{
    const struct option *option = by_letter(command ? command->options : NULL, letter);
    if (option)
        return option;
    return by_letter(option_globals(), letter);
}

static int check_choice(const struct option *option, const char *value, struct error *err)
{
    const char *names[16];
    cleanup_strlist struct strlist list = {0};
    size_t count = 0;
    for (const char *at = option->choices; *at && count < 16;) {
        size_t length = strcspn(at, "|");
        strlist_take(&list, xstrndup(at, length));
        at += length + (at[length] == '|');
        names[count] = list.items[count];
        if (!strcmp(names[count++], value))
            return 0;
    }

    const char *nearest = str_nearest(value, names, count);
    cleanup_free char *shown = str_printable(value);
    error_set(err, ERROR_USAGE, "--%s is one of %s, not \"%s\"", option->name, option->choices, shown);
    if (nearest)
        error_hint(err, "did you mean %s?", nearest);
    return -1;
}

static int check_value(const struct option *option, const char *value, struct error *err)
{
    int64_t number;
    cleanup_free char *shown = str_printable(value);
    switch (option->type) {
    case OPTION_CHOICE:
        return check_choice(option, value, err);
    case OPTION_DURATION:
        if (str_to_duration_ms(value, &number))
            return 0;
        error_set(err, ERROR_USAGE, "--%s wants a time like 500ms, 10s or 1m30s, not \"%s\"", option->name,
                  shown);
        return -1;
    case OPTION_COUNT:
        if (str_to_int64(value, 0, INT64_MAX, &number))
            return 0;
        error_set(err, ERROR_USAGE, "--%s wants a number, not \"%s\"", option->name, shown);
        return -1;
    default:
        if (*value)
            return 0;
        error_set(err, ERROR_USAGE, "--%s wants a value that is not empty", option->name);
        return -1;
    }
}

static int add_item(struct scan *scan, const struct option *option, const char *value, bool from_environment)
{
    const struct option *target = option_resolve(scan->args->command, option, &value);
    if (target->type != OPTION_FLAG && check_value(target, value, scan->err))
        return -1;
    if (scan->args->item_count == ARGS_OPTIONS) {
        error_set(scan->err, ERROR_USAGE, "more than %d options", ARGS_OPTIONS);
        return -1;
    }
    scan->args->items[scan->args->item_count++] =
        (struct args_item){.option = target, .value = value, .from_environment = from_environment};
    return 0;
}

static bool takes_value(const struct option *option)
{
    return option->type != OPTION_FLAG;
}

/* The value in the next word of argv, for "--long val" and "-x val". */
static const char *next_word(struct scan *scan, const struct option *option)
{
    if (scan->index + 1 < scan->argc)
        return scan->argv[++scan->index];
    error_set(scan->err, ERROR_USAGE, "--%s wants a value: --%s %s", option->name, option->name,
              text_or(option->value, "VALUE"));
    return NULL;
}

static int parse_long(struct scan *scan, const char *word)
{
    size_t length = strcspn(word, "=");
    const struct option *option = args_option_long(scan->args->command, word, length);
    if (!option) {
        cleanup_free char *written = xasprintf("--%.*s", (int)length, word);
        return suggest_option(scan->args, written, scan->err);
    }

    const char *value = NULL;
    if (word[length])
        value = word + length + 1;
    if (!takes_value(option) && value) {
        error_set(scan->err, ERROR_USAGE, "--%s takes no value", option->name);
        return -1;
    }
    if (takes_value(option) && !value && !(value = next_word(scan, option)))
        return -1;
    return add_item(scan, option, text_or_empty(value), false);
}

static int parse_letters(struct scan *scan, const char *letters)
{
    for (; *letters; letters++) {
        const struct option *option = args_option_letter(scan->args->command, *letters);
        if (!option) {
            cleanup_free char *written = xasprintf("-%.1s", letters);
            return suggest_option(scan->args, written, scan->err);
        }
        if (!takes_value(option)) {
            if (add_item(scan, option, "", false))
                return -1;
            continue;
        }
        const char *value;
        if (letters[1])
            value = letters + 1;
        else
            value = next_word(scan, option);
        if (value)
            return add_item(scan, option, value + (letters[1] == '='), false);
        return -1;
    }

    return 0;
}

static int take_verb(struct scan *scan, const char *word)
{
    scan->args->command = command_find(scan->args->commands, word);
    if (scan->args->command)
        return 0;
    return suggest_verb(scan->args->commands, word, "apphost", scan->err);
}

/* What stands after "--": a command line where the verb takes one, else plain arguments. */
static void take_rest(struct scan *scan)
{
    if (scan->args->command && scan->args->command->takes_command) {
        scan->args->rest = scan->argv + scan->index;
        scan->index = scan->argc;
        return;
    }
    for (; scan->index < scan->argc; scan->index++)
        strlist_add(&scan->args->names, scan->argv[scan->index]);
}

static int parse_word(struct scan *scan)
{
    const char *word = scan->argv[scan->index];
    if (word[0] == '-' && word[1] == '-' && word[2])
        return parse_long(scan, word + 2);
    if (word[0] == '-' && word[1] && word[1] != '-')
        return parse_letters(scan, word + 1);

    if (!strcmp(word, "--")) {
        scan->index++;
        take_rest(scan);
        return 0;
    }
    if (!scan->args->command)
        return take_verb(scan, word);
    strlist_add(&scan->args->names, word);
    if (scan->args->command->command_after_first && scan->index + 1 < scan->argc) {
        if (strcmp(scan->argv[scan->index + 1], "--"))
            scan->index += 1;
        else
            scan->index += 2;
        take_rest(scan);
    }

    return 0;
}

static bool is_given(const struct args *args, const struct option *option)
{
    for (int i = 0; i < args->item_count; i++)
        if (args->items[i].option == option)
            return true;
    return false;
}

static const char *environment_value(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

static bool is_switched_on(const char *value)
{
    return strcmp(value, "0") && strcmp(value, "false") && strcmp(value, "no") && strcmp(value, "off");
}

static int add_twin(struct scan *scan, const struct option *option, const char *value)
{
    if (!takes_value(option)) {
        if (is_switched_on(value))
            return add_item(scan, option, "", true);
        return 0;
    }

    char separators[2] = {option->twin_separator, '\0'};

    for (const char *at = value; *at;) {
        size_t length;
        if (option->twin_separator)
            length = strcspn(at, separators);
        else
            length = strlen(at);
        strlist_take(&scan->args->owned, xstrndup(at, length));
        const char *piece = scan->args->owned.items[scan->args->owned.count - 1];
        if (*piece && add_item(scan, option, piece, true)) {
            error_wrap(scan->err, "%s", option->twin);
            return -1;
        }
        at += length + (at[length] != '\0');
    }

    return 0;
}

static int add_twins(struct scan *scan, const struct option *table, char *const *environment)
{
    for (; table && table->name; table++) {
        const char *value = NULL;
        if (table->twin)
            value = environment_value(environment, table->twin);
        if (value && *value && !is_given(scan->args, table) && add_twin(scan, table, value))
            return -1;
    }
    return 0;
}

/* One right line says more than the grammar. */
static void hint_example(const struct command *command, struct error *err)
{
    if (command->examples)
        error_hint(err, "for example: %.*s; apphost help %s says more", (int)strcspn(command->examples, "\n"),
                   command->examples, command->name);
    else
        error_hint(err, "apphost help %s", command->name);
}

static int check_arguments(const struct args *args, struct error *err)
{
    const struct command *command = args->command;
    if (!command || args_flag(args, "help"))
        return 0;
    int count = (int)args->names.count;
    if (count < command->least)
        error_set(err, ERROR_USAGE, "%s wants %.*s", command->name, (int)strcspn(command->usage, "\n"),
                  command->usage);
    else if (command->most >= 0 && count > command->most) {
        cleanup_free char *shown = str_printable(args->names.items[command->most]);
        error_set(err, ERROR_USAGE, "%s does not take \"%s\"", command->name, shown);
    } else
        return 0;
    hint_example(command, err);
    return -1;
}

int args_parse(struct args *args, const struct commands *commands, int argc, char *const *argv,
               char *const *environment, struct error *err)
{
    args->commands = commands;
    struct scan scan = {.args = args, .argv = argv, .argc = argc, .index = 1, .err = err};
    for (; scan.index < scan.argc; scan.index++)
        if (parse_word(&scan))
            return -1;
    if (add_twins(&scan, own_options(args), environment) || add_twins(&scan, option_globals(), environment))
        return -1;
    return check_arguments(args, err);
}

void args_free(struct args *args)
{
    strlist_free(&args->owned);
    strlist_free(&args->names);
}

static const struct args_item *last_item(const struct args *args, const char *name)
{
    const struct option *option = args_option_long(args->command, name, strlen(name));
    if (!option) {
        fprintf(stderr, "apphost: no option is called %s\n", name);
        abort();
    }
    for (int i = args->item_count; i-- > 0;)
        if (args->items[i].option == option)
            return &args->items[i];
    return NULL;
}

bool args_flag(const struct args *args, const char *name)
{
    return last_item(args, name) != NULL;
}

const char *args_value(const struct args *args, const char *name)
{
    const struct args_item *item = last_item(args, name);
    if (item)
        return item->value;
    return NULL;
}

void args_values(const struct args *args, const char *name, struct strlist *out)
{
    const struct args_item *last = last_item(args, name);
    for (int i = 0; last && i < args->item_count; i++)
        if (args->items[i].option == last->option)
            strlist_add(out, args->items[i].value);
}

int64_t args_duration_ms(const struct args *args, const char *name, int64_t fallback)
{
    int64_t ms;
    const char *value = args_value(args, name);
    if (value && str_to_duration_ms(value, &ms))
        return ms;
    return fallback;
}

int64_t args_count(const struct args *args, const char *name, int64_t fallback)
{
    int64_t number;
    const char *value = args_value(args, name);
    if (value && str_to_int64(value, 0, INT64_MAX, &number))
        return number;
    return fallback;
}

bool args_from_environment(const struct args *args, const char *name)
{
    const struct args_item *item = last_item(args, name);
    return item && item->from_environment;
}
