/* apphost redis RES: a command, a prompt, mass insertion, and the data as a whole, over a connection of our
 * own. */
#include "console/redis_failover.h"
#include "console/redis_shell.h"
#include "console/redis_store.h"

#include "session/session.h"
#include "session/question.h"

#include "base/mem.h"
#include "base/signals.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct option options[] = {
    {.name = "db", .letter = 'n', .type = OPTION_COUNT, .value = "N", .help = "the database (default 0)"},
    {.name = "raw",
     .type = OPTION_FLAG,
     .help = "print answers as they are (default where standard output is no terminal)"},
    {.name = "no-raw", .type = OPTION_FLAG, .help = "print answers quoted and numbered, with their types"},
    {.name = "pipe",
     .type = OPTION_FLAG,
     .help = "mass insertion: commands or RESP from standard input; counts the replies"},
    {.name = "flush", .type = OPTION_FLAG, .help = "empty the server: all databases and functions"},
    {.name = "seed",
     .type = OPTION_FILE,
     .repeat = true,
     .value = "FILE",
     .help = "execute the commands of a file, stop at the first error; with --flush: on an empty server"},
    {.name = "snapshot",
     .type = OPTION_TEXT,
     .names = NAMES_SNAPSHOTS,
     .value = "NAME",
     .help = "keep what the server holds under this name"},
    {.name = "restore",
     .type = OPTION_TEXT,
     .names = NAMES_SNAPSHOTS,
     .value = "NAME",
     .help = "replace what the server holds by a snapshot"},
    {.name = "snapshots", .type = OPTION_FLAG, .help = "list the snapshots"},
    {.name = "drop",
     .type = OPTION_TEXT,
     .names = NAMES_SNAPSHOTS,
     .repeat = true,
     .value = "NAME",
     .help = "delete a snapshot"},
    {.name = "failover",
     .type = OPTION_FLAG,
     .help =
         "a replica becomes primary, without losing a write: the one that is named, or one of the primary's"},
    {.name = "partition",
     .type = OPTION_TEXT,
     .names = NAMES_RESOURCES,
     .value = "NODE",
     .help = "cut a node off from all others: it runs on, and nobody reaches it"},
    {.name = "heal", .type = OPTION_FLAG, .help = "undo that"},
    {.name = "cacert",
     .type = OPTION_FILE,
     .value = "FILE",
     .help = "authorities to trust, PEM (default: the project's own; the system's for a connection string)"},
    {.name = NULL},
};

/* The words of the command: after "--", or simply behind the resource. */
static void collect_words(const struct args *args, struct strlist *words)
{
    for (size_t i = 1; i < args->names.count; i++)
        strlist_add(words, args->names.items[i]);
    for (char *const *word = args->rest; word && *word; word++)
        strlist_add(words, *word);
}

static int check_mode(const struct args *args, const struct strlist *words, struct error *err)
{
    static const char *const modes[] = {"pipe",      "flush", "seed",     "snapshot",  "restore",
                                        "snapshots", "drop",  "failover", "partition", "heal"};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (!args_flag(args, modes[i]) || (!strcmp(modes[i], "seed") && first && !strcmp(first, "flush")))
            continue;
        if (first)
            return error_set(err, ERROR_USAGE, "--%s and --%s do not go together", first, modes[i]);
        first = modes[i];
    }
    if (first && words->count)
        return error_set(err, ERROR_USAGE, "--%s takes no command", first);
    return 0;
}

static int connect_to_project(struct context *context, struct error *err)
{
    if (!session_connect(context, err))
        return client_watch_signals(&context->client, err);
    if (err->code == ERROR_NOT_RUNNING)
        error_hint(err, "apphost up -d starts it");
    return -1;
}

static enum redis_form choose_form(const struct context *context)
{
    if (context_is_json(context))
        return REDIS_FORM_JSON;
    if (args_flag(&context->args, "raw"))
        return REDIS_FORM_RAW;
    if (args_flag(&context->args, "no-raw") || isatty(STDOUT_FILENO))
        return REDIS_FORM_TTY;
    return REDIS_FORM_RAW;
}

static int run_words(struct redis_shell *shell, const struct strlist *list, struct error *err)
{
    struct redis_data_words words = {.count = list->count, .arguments = (const char **)list->items};
    cleanup_free size_t *lengths = xcalloc(list->count, sizeof *lengths);
    for (size_t i = 0; i < list->count; i++)
        lengths[i] = strlen(list->items[i]);
    words.lengths = lengths;
    int rc = redis_shell_execute(shell, &words, err);
    if (rc == REDIS_SHELL_INTERRUPTED)
        return signals_exit_code(shell->link.context->client.signum);
    if (shell->is_broken)
        return EXIT_BROKEN_PIPE;
    if (rc == 0)
        return 0;
    return -1;
}

/* What empties a server that is not the project's own has to be meant. */
static int confirm(const struct redis_link *link, const struct args *args, struct error *err)
{
    const struct context *context = link->context;
    const char *mode = "flush";
    if (args_flag(args, "restore"))
        mode = "restore";
    if (!link->is_foreign || !(args_flag(args, "flush") || args_flag(args, "restore")) || context->yes)
        return 0;
    const char *where = link->server.unix_path;
    if (!where)
        where = link->server.host;
    if (!context->output.interactive) {
        error_set(err, ERROR_USAGE, "--%s deletes everything on %s, which is no server of this project", mode,
                  where);
        error_hint(err, "-y does it without asking");
        return -1;
    }

    fprintf(stderr, "--%s deletes everything on %s, which is no server of this project. Go on? [y/N] ", mode,
            where);
    return question_ask(&link->context->client, "nothing was changed", err);
}

static int run_seeds(struct redis_link *link, const struct args *args, struct error *err)
{
    cleanup_strlist struct strlist files = {0};
    int code = 0;
    if (args_flag(args, "flush"))
        code = redis_store_flush(link, err);
    args_values(args, "seed", &files);
    for (size_t i = 0; i < files.count && code == 0; i++)
        code = redis_store_seed(link, files.items[i], err);
    return code;
}

static int run_mode(struct redis_shell *shell, const struct args *args, const struct strlist *words,
                    struct error *err)
{
    if (words->count)
        return run_words(shell, words, err);
    if (confirm(&shell->link, args, err))
        return -1;
    if (args_flag(args, "pipe"))
        return redis_shell_pipe(shell, err);
    if (args_flag(args, "flush") || args_flag(args, "seed"))
        return run_seeds(&shell->link, args, err);
    if (args_flag(args, "snapshot"))
        return redis_store_snapshot(&shell->link, args_value(args, "snapshot"), err);
    if (args_flag(args, "restore"))
        return redis_store_restore(&shell->link, args_value(args, "restore"), err);

    if (args_flag(args, "failover"))
        return redis_failover(&shell->link, err);
    if (isatty(STDIN_FILENO))
        return redis_shell_prompt(shell, err);
    return redis_shell_lines(shell, err);
}

static int run_drops(struct context *context, const struct args *args, struct error *err)
{
    cleanup_strlist struct strlist names = {0};
    int code = 0;
    args_values(args, "drop", &names);
    for (size_t i = 0; i < names.count && code == 0; i++)
        code = redis_store_drop(context, args->names.items[0], names.items[i], err);
    return code;
}

static int run(struct context *context, struct error *err)
{
    const struct args *args = &context->args;
    cleanup_strlist struct strlist words = {0};
    struct redis_shell shell = {.form = choose_form(context)};
    collect_words(args, &words);
    if (check_mode(args, &words, err))
        return -1;
    if (args_flag(args, "snapshots"))
        return redis_store_list(context, args->names.items[0], err);
    if (args_flag(args, "drop"))
        return run_drops(context, args, err);
    if (connect_to_project(context, err))
        return -1;
    if (args_flag(args, "partition"))
        return redis_partition(context, args->names.items[0], args_value(args, "partition"), err);
    if (args_flag(args, "heal"))
        return redis_heal(context, args->names.items[0], err);

    int code = redis_link_init(&shell.link, context, args->names.items[0], err);
    shell.link.database = args_count(args, "db", shell.link.database);
    if (code == 0)
        code = run_mode(&shell, args, &words, err);
    redis_link_fini(&shell.link);
    return code;
}

const struct command cmd_redis = {
    .name = "redis",
    .summary = "a Redis command or prompt; seed, flush, snapshots",
    .usage = "RES [-- CMD…]\nRES --flush [--seed FILE]\nRES --snapshot|--restore|--drop NAME\nRES "
             "--snapshots\nRES --pipe\nRES --failover\nRES --partition NODE\nRES --heal",
    .description = "Talks to a Redis server of the running project, with its password and TLS, or to the "
                   "one that a connection-string resource names. With a command it prints the answer; "
                   "without one it is a prompt, or reads commands from standard input. SUBSCRIBE and MONITOR "
                   "print until Ctrl-C. A cluster's MOVED and ASK are followed; a node by its name "
                   "answers for itself. -o "
                   "json prints answers as JSON. The exit code is 1 when the server answers an error.\n"
                   "A snapshot holds all databases, expiries and functions; it is kept with the project's "
                   "state. A test suite takes one "
                   "after its seed and returns to it between tests; --snapshots lists them, --drop deletes "
                   "one. On a server that is not the project's own --flush and --restore ask first (-y: "
                   "they do not). A seed file holds a command a line, "
                   "quoted as redis-cli reads it; "
                   "lines that begin with # are comments.",
    .examples = "apphost redis cache -- GET greeting\n"
                "apphost redis cache\n"
                "apphost redis cache --flush --seed tests/seed.redis\n"
                "apphost redis cache --snapshot clean\n"
                "apphost redis cache --restore clean\n"
                "apphost redis cache --drop clean\n"
                "generate-commands | apphost redis cache --pipe\n",
    .options = options,
    .group = GROUP_LOOK,
    .needs = NEEDS_PROJECT,
    .arguments = NAMES_RESOURCES,
    .least = 1,
    .most = -1,
    .takes_command = true,
    .run = run,
};
