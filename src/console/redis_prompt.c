/* The prompt of `apphost redis RES`: read, execute, print, until "quit" or the end of input.
 *
 * A lost connection is made anew by the next command. Ctrl-C gives up the line, or the command under way.
 * What holds a password does not get into the history: the rows of `secrets`. */
#include "console/redis_shell.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/signals.h"
#include "session/await.h"
#include "console/redis_editor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { LOOK_MS = 200 };

struct prompt {
    struct redis_shell *shell;
    struct redis_editor *editor;
    char *history; /* the file */
    struct redis_data_words words;
    int code; /* of the process, once `is_over` */
    bool is_over;
};

static bool has_word(const struct redis_data_words *words, size_t i, const char *word)
{
    return i < words->count && words->lengths[i] == strlen(word) &&
           !strncasecmp(words->arguments[i], word, words->lengths[i]);
}

/* ---- what must not be kept ---- */

static const struct {
    const char *name, *second, *anywhere; /* NULL: does not matter */
} secrets[] = {
    {"AUTH", NULL, NULL},
    {"HELLO", NULL, "AUTH"},
    {"ACL", "SETUSER", NULL},
    {"CONFIG", "SET", "requirepass"},
    {"CONFIG", "SET", "masterauth"},
    {"CONFIG", "SET", "masteruser"},
    {"CONFIG", "SET", "primaryauth"},
    {"CONFIG", "SET", "tls-key-file-pass"},
    {"CONFIG", "SET", "tls-client-key-file-pass"},
    {"MIGRATE", NULL, "AUTH"},
    {"MIGRATE", NULL, "AUTH2"},
    {"SENTINEL", "SET", "auth-pass"},
};

static bool is_secret(const struct redis_data_words *words)
{
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        bool matches = has_word(words, 0, secrets[i].name) &&
                       (!secrets[i].second || has_word(words, 1, secrets[i].second));
        bool is_there = !secrets[i].anywhere;
        for (size_t w = 1; matches && !is_there && w < words->count; w++)
            is_there = has_word(words, w, secrets[i].anywhere);
        if (matches && is_there)
            return true;
    }
    return false;
}

/* ---- completion: the server's own list ---- */

/* COMMAND's rows: name first; where the server has them, subcommands "config|set" as rows in the last place.
 */
static void add_commands(struct strlist *names, const struct resp_reply *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct resp_reply *row = &rows->elements[i];
        if (row->count < 1 || !row->elements[0].str || strlen(row->elements[0].str) != row->elements[0].len)
            continue;
        char *name = str_printable(row->elements[0].str);
        for (char *c = name; *c; c++) {
            if (*c == '|')
                *c = ' ';
            else if (*c >= 'a' && *c <= 'z')
                *c = (char)(*c - 'a' + 'A');
        }
        strlist_take(names, name);
        if (row->count >= 10)
            add_commands(names, &row->elements[9]);
    }
}

static void on_commands(const struct resp_reply *reply, void *data)
{
    add_commands(data, reply);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void get_words(struct strlist *names, void *data)
{
    struct prompt *prompt = data;
    const char *arguments[] = {"COMMAND"};
    size_t lengths[] = {7};
    struct redis_data_words words = {.arguments = arguments, .lengths = lengths, .count = 1};
    if (prompt->shell->in_transaction) /* it would be queued */
        return;
    redis_link_ask(&prompt->shell->link, &words, on_commands, names, NULL);
    if (names->count)
        qsort(names->items, names->count, sizeof *names->items, compare);
}

/* ---- one line ---- */

static void give_up(struct prompt *prompt)
{
    struct client *client = &prompt->shell->link.context->client;
    if (client->signum != SIGINT) {
        prompt->is_over = true;
        prompt->code = signals_exit_code(client->signum);
        return;
    }
    client->interrupts = 0; /* the third one would end the process */
    putchar('\n');
}

static void print_error(const struct prompt *prompt, int rc, const struct error *error)
{
    const struct redis_shell *shell = prompt->shell;
    if (rc == REDIS_SHELL_REFUSED && shell->form != REDIS_FORM_JSON)
        printf("(error) %s\n", error->text);
    else
        output_error(&shell->link.context->output, error);
}

static void execute(struct prompt *prompt)
{
    cleanup_error struct error error = {0};
    int rc = redis_shell_execute(prompt->shell, &prompt->words, &error);
    if (rc == REDIS_SHELL_INTERRUPTED)
        give_up(prompt);
    else if (rc)
        print_error(prompt, rc, &error);
}

static const char help[] =
    "A command of the server, quoted as redis-cli reads it. Tab completes its name, Ctrl-R searches\n"
    "the history, Ctrl-C gives up a line or a command. quit leaves, clear clears the screen.\n";

static bool is_own(struct prompt *prompt)
{
    const struct redis_data_words *words = &prompt->words;
    if (words->count != 1)
        return false;
    if (has_word(words, 0, "quit") || has_word(words, 0, "exit"))
        prompt->is_over = true;
    else if (has_word(words, 0, "help") || has_word(words, 0, "?"))
        fputs(help, stdout);
    else if (has_word(words, 0, "clear"))
        fputs("\033[H\033[2J", stdout);
    else
        return false;
    return true;
}

static void take_line(struct prompt *prompt, const char *line)
{
    cleanup_error struct error error = {0};
    int rc = redis_data_split(&prompt->words, line, strlen(line), &error);
    if (rc)
        print_error(prompt, rc, &error);
    if (rc || !prompt->words.count)
        return;
    bool keep = *line != ' ' && !is_secret(&prompt->words);
    redis_editor_remember(prompt->editor, line, keep, prompt->history);
    if (!is_own(prompt))
        execute(prompt);
    if (!output_flush()) {
        prompt->is_over = true;
        prompt->code = EXIT_BROKEN_PIPE;
    }
}

static char *prompt_text(const struct redis_shell *shell)
{
    cleanup_free char *database = NULL;
    if (shell->link.database)
        database = xasprintf("[%lld]", (long long)shell->link.database);
    else
        database = xstrdup("");
    return xasprintf("%s%s%s> ", shell->link.resource, database, text_if(shell->in_transaction, "(TX)"));
}

/* ---- the foreground ---- */

struct foreground {
    struct timer look;
    bool is_ours;
};

static void on_look(void *data)
{
    struct foreground *foreground = data;
    pid_t group = tcgetpgrp(STDIN_FILENO);
    foreground->is_ours = group < 0 || group == getpgrp();
    if (!foreground->is_ours)
        timer_start(&foreground->look, LOOK_MS);
}

/* In the background, whoever reads or sets the terminal is stopped, again after each CONT, and never hears
 * the TERM that came before it: so nobody begins to. */
static int await_foreground(struct client *client, struct error *err)
{
    struct foreground foreground = {.is_ours = false};
    struct wait wait = {
        .fact = &foreground.is_ours,
        .what = "the terminal",
        .limit = FOREVER, /* as long as the user leaves us there */
    };
    timer_init(&client->loop, &foreground.look, on_look, &foreground);
    on_look(&foreground);
    int answer = await(client, &wait, err);
    timer_stop(&foreground.look);
    return answer;
}

/* ---- the prompt ---- */

int redis_shell_prompt(struct redis_shell *shell, struct error *err)
{
    struct context *context = shell->link.context;
    struct prompt prompt = {.shell = shell};
    if (redis_link_open(&shell->link, err) || file_mkdirs(context->project.root, 0700, err))
        return -1;

    int waited = await_foreground(&context->client, err);
    if (waited) {
        if (waited < 0)
            return -1;
        return signals_exit_code(context->client.signum);
    }

    prompt.history = path_join(context->project.root, "redis_history");
    prompt.editor = redis_editor_new(&context->client, get_words, &prompt);
    redis_editor_load(prompt.editor, prompt.history);

    while (!prompt.is_over) {
        const char *line = NULL;
        cleanup_free char *text = prompt_text(shell);
        bool is_ours = !await_foreground(&context->client, NULL);
        enum redis_editor_end end = REDIS_EDITOR_INTERRUPTED;
        if (is_ours)
            end = redis_editor_read(prompt.editor, text, &line);
        if (end == REDIS_EDITOR_LINE)
            take_line(&prompt, line);
        else if (end == REDIS_EDITOR_INTERRUPTED)
            give_up(&prompt);
        prompt.is_over = prompt.is_over || end == REDIS_EDITOR_END;
        if (end == REDIS_EDITOR_END)
            putchar('\n');
    }

    redis_editor_free(prompt.editor);
    redis_data_words_free(&prompt.words);
    free(prompt.history);
    return prompt.code;
}
