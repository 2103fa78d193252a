/* room: cli */
/* Any words as a command line, and any environment: parsing ends in a verb with values that keep the promises
 * of their types, or in an error that says something. Words are separated by NULs; those after an empty one
 * are the environment. */
#include "args/args.h"
#include "base/mem.h"
#include "cli/commands.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = 200 };

struct words {
    struct strlist line, environment;
};

static void split(struct words *words, const char *text, size_t size)
{
    struct strlist *into = &words->line;
    for (size_t at = 0, n = 0; at < size && n < WORDS; n++) {
        size_t length = strnlen(text + at, size - at);
        if (!length)
            into = &words->environment;
        strlist_take(into, xstrndup(text + at, length));
        at += length + 1;
    }
}

static void check_item(const struct args_item *item)
{
    if (!item->option || !item->value || (item->option->type == OPTION_FLAG && *item->value))
        abort();
}

/* Whatever was let through can be asked for. Who asks for help is told it, whatever else stands there. */
static void check_values(const struct args *args)
{
    for (int i = 0; i < args->item_count; i++) {
        const struct option *option = args->items[i].option;
        check_item(&args->items[i]);
        if (option->type == OPTION_DURATION && args_duration_ms(args, option->name, 0) < 0)
            abort();
        if (option->type == OPTION_COUNT && args_count(args, option->name, 0) < 0)
            abort();
    }
    bool is_counted = args->command && args->command->most >= 0 && !args_flag(args, "help");
    if (is_counted && args->names.count > (size_t)args->command->most)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct words words = {0};
    strlist_add(&words.line, "apphost");
    split(&words, (const char *)data, size);
    struct args args = {0};
    cleanup_error struct error err = {0};
    int count = (int)words.line.count;
    if (args_parse(&args, &cli_commands, count, words.line.items, words.environment.items, &err) == 0)
        check_values(&args);
    else if (!error_is_set(&err) || !err.text || !*err.text)
        abort();
    args_free(&args);
    strlist_free(&words.line);
    strlist_free(&words.environment);
    return 0;
}
