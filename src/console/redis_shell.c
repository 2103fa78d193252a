/* See redis_shell.h. */
#include "console/redis_shell.h"

#include "base/mem.h"
#include "base/pick.h"
#include "base/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_word(const struct redis_data_words *words, size_t i, const char *word)
{
    return words->count > i && words->lengths[i] == strlen(word) &&
           !strncasecmp(words->arguments[i], word, words->lengths[i]);
}

/* ---- one command ---- */

struct answer {
    struct redis_shell *shell;
    const struct redis_data_words *words;
    struct error *err;
    int hops; /* from node to node of a cluster */
    bool is_elsewhere;
    bool is_error;
    bool is_over; /* of those that go on talking */
};
enum { MOST_HOPS = 16 };

static void show(struct redis_shell *shell, const struct resp_reply *reply, bool is_text)
{
    cleanup_strbuf struct strbuf text = {0};
    redis_print(&text, reply, is_text && shell->form == REDIS_FORM_TTY ? REDIS_FORM_RAW : shell->form);
    /* Such texts bring their own last newline. */
    if (is_text && str_ends(strbuf_text(&text), "\n\n"))
        strbuf_truncate(&text, text.length - 1);
    fwrite(strbuf_text(&text), 1, text.length, stdout);
}

/* What changes the connection's state has to be known: another connection must be brought into it. */
static void remember(struct redis_shell *shell, const struct redis_data_words *words)
{
    int64_t database;
    if (is_word(words, 0, "SELECT") && words->count == 2 &&
        str_to_int64(words->arguments[1], 0, INT32_MAX, &database))
        shell->link.database = database;
    if (is_word(words, 0, "MULTI"))
        shell->in_transaction = true;
    if (is_word(words, 0, "EXEC") || is_word(words, 0, "DISCARD") || is_word(words, 0, "RESET"))
        shell->in_transaction = false;
}

static void hint(const struct resp_reply *reply, struct error *err)
{
    if (str_starts(reply->str, "MOVED "))
        error_hint(err, "it is followed where the cluster is asked by its name, and outside of MULTI");
    if (str_starts(reply->str, "CLUSTERDOWN "))
        error_hint(err, "apphost ps shows who is missing, apphost up -d brings everybody back");
}

/* A transaction is one node's. */
static void refuse(struct answer *answer, const struct resp_reply *reply)
{
    struct redis_link *link = &answer->shell->link;
    answer->is_elsewhere =
        !answer->shell->in_transaction && answer->hops < MOST_HOPS && redis_link_is_sent_on(link, reply);
    if (answer->is_elsewhere)
        return;
    redis_link_answer(reply, answer->err);
    if (link->is_cluster && reply->str)
        hint(reply, answer->err);
}

static void on_answer(const struct resp_reply *reply, void *data)
{
    struct answer *answer = data;
    const struct redis_data_words *words = answer->words;
    answer->is_error = reply->type == RESP_ERROR;
    if (answer->is_error) {
        refuse(answer, reply);
        return;
    }
    remember(answer->shell, words);
    show(answer->shell, reply, redis_print_is_text(words->arguments, words->lengths, words->count));
}

static void on_push(const struct resp_reply *reply, void *data)
{
    show(data, reply, false);
}

/* ---- commands that go on talking ---- */

static void on_first(const struct resp_reply *reply, void *data)
{
    struct answer *answer = data;
    if (reply)
        on_answer(reply, answer);
}

static void judge_stream(void *data)
{
    struct answer *answer = data;
    answer->shell->is_broken = !output_flush();
    answer->is_over = answer->is_error || answer->shell->is_broken;
}

static int stream(struct redis_shell *shell, struct answer *answer, struct error *err)
{
    const struct redis_data_words *words = answer->words;
    struct redis_command command = {.count = words->count,
                                    .arguments = words->arguments,
                                    .lengths = words->lengths,
                                    .on_reply = on_first,
                                    .data = answer};
    if (redis_link_open(&shell->link, err) || redis_conn_command(shell->link.conn, &command, err))
        return -1;
    int rc = redis_link_await(&shell->link, &answer->is_over, judge_stream, answer, err);
    redis_link_close(&shell->link);
    return rc;
}

static bool is_talkative(const struct redis_data_words *words)
{
    return redis_data_is_stream(words) && !is_word(words, 0, "CLIENT") && !is_word(words, 0, "SYNC") &&
           !is_word(words, 0, "PSYNC");
}

/* Where the link is. */
static int execute_here(struct redis_shell *shell, struct answer *answer, struct error *err)
{
    const struct redis_data_words *words = answer->words;
    answer->is_error = answer->is_elsewhere = false;
    if (is_talkative(words))
        return stream(shell, answer, err);
    if (redis_data_is_stream(words))
        return error_set(err, ERROR_USAGE, "%.*s does not work here", (int)words->lengths[0],
                         words->arguments[0]);
    return redis_link_ask(&shell->link, words, on_answer, answer, err);
}

int redis_shell_execute(struct redis_shell *shell, const struct redis_data_words *words, struct error *err)
{
    struct answer answer = {.shell = shell, .words = words, .err = err};
    shell->link.on_push = on_push;
    shell->link.push_data = shell;

    int rc = execute_here(shell, &answer, err);
    while (rc == 0 && answer.is_elsewhere) {
        answer.hops++;
        rc = redis_link_follow(&shell->link, err);
        if (rc == 0 && shell->form == REDIS_FORM_TTY)
            printf("-> %s:%d\n", shell->link.server.host, shell->link.server.port);
        if (rc == 0)
            rc = execute_here(shell, &answer, err);
    }

    if (rc)
        shell->in_transaction = false;
    if (rc == 0 && answer.is_error)
        rc = REDIS_SHELL_REFUSED;
    return rc;
}

/* ---- commands from a file or a pipe ---- */

struct shell_input {
    struct strbuf bytes;
    size_t at;
    struct redis_data_words words;
    bool is_end;
    int64_t line;
};
enum { INPUT_CHUNK = 256 * 1024 };
static const size_t INPUT_LIMIT = (size_t)1024 * 1024 * 1024;

static void free_input(struct shell_input *input)
{
    redis_data_words_free(&input->words);
    strbuf_free(&input->bytes);
}

/* 0, REDIS_SHELL_INTERRUPTED, -1. */
static int fill(struct redis_shell *shell, struct shell_input *input, struct error *err)
{
    cleanup_free char *chunk = xmalloc(INPUT_CHUNK);
    input->bytes.limit = INPUT_LIMIT;
    strbuf_consume(&input->bytes, input->at);
    input->at = 0;
    ssize_t n = redis_read_input(&shell->link.context->client, chunk, INPUT_CHUNK);
    if (n == REDIS_INPUT_BROKEN)
        return error_set(err, ERROR_USAGE, "cannot read standard input: %s", strerror(errno));
    if (n < 0)
        return REDIS_SHELL_INTERRUPTED;
    input->is_end = n == 0;
    if (!strbuf_add(&input->bytes, chunk, (size_t)n))
        return error_set(err, ERROR_USAGE, "a command is larger than 1 GiB");
    return 0;
}

/* 1 with input->words (none: a blank line), 0 when more is needed, -1. */
static int next_command(struct shell_input *input, struct error *err)
{
    size_t used = 0;
    const char *bytes = strbuf_text(&input->bytes) + input->at;
    int rc = redis_data_read_command(&input->words, bytes, input->bytes.length - input->at, input->is_end,
                                     &used, err);
    for (size_t i = 0; rc > 0 && i < used; i++)
        input->line += bytes[i] == '\n';
    input->at += used;
    return rc;
}

static void print_refusal(const struct redis_shell *shell, int64_t line, struct error *error)
{
    const struct output *output = &shell->link.context->output;
    if (!output->json)
        error_wrap(error, "line %lld", (long long)line);
    output_error(output, error);
    error_clear(error);
}

static int execute_lines(struct redis_shell *shell, struct shell_input *input, bool *has_failed,
                         struct error *err)
{
    int rc;
    int64_t line = input->line + 1;

    while (!shell->is_broken && (rc = next_command(input, err)) != 0) {
        if (rc < 0)
            return error_wrap(err, "line %lld", (long long)line);
        cleanup_error struct error refusal = {0};
        if (input->words.count)
            rc = redis_shell_execute(shell, &input->words, &refusal);
        else
            rc = 0;
        if (rc == REDIS_SHELL_REFUSED) {
            *has_failed = true;
            print_refusal(shell, line, &refusal);
        } else if (rc) {
            error_move(err, &refusal);
            return rc;
        }
        shell->is_broken = !output_flush();
        line = input->line + 1;
    }

    return 0;
}

static int code_of(const struct redis_shell *shell, int rc, bool has_failed)
{
    if (rc == REDIS_SHELL_INTERRUPTED)
        return signals_exit_code(shell->link.context->client.signum);
    if (rc < 0)
        return -1;
    if (shell->is_broken)
        return EXIT_BROKEN_PIPE;
    return has_failed;
}

int redis_shell_lines(struct redis_shell *shell, struct error *err)
{
    struct shell_input input = {0};
    bool has_failed = false;
    int rc = 0;
    while (rc == 0 && !input.is_end && !shell->is_broken) {
        rc = fill(shell, &input, err);
        if (rc == 0)
            rc = execute_lines(shell, &input, &has_failed, err);
    }
    free_input(&input);
    return code_of(shell, rc, has_failed);
}

/* ---- mass insertion ---- */

enum { PIPE_WINDOW = 4 * 1024 * 1024, SHOWN_ERRORS = 10 };

struct counts {
    const struct output *output;
    int64_t replies, errors;
};

static void on_counted(const struct resp_reply *reply, void *data)
{
    struct counts *counts = data;
    if (!reply)
        return;
    counts->replies++;
    if (reply->type != RESP_ERROR)
        return;
    cleanup_free char *shown = str_printable(text_or_empty(reply->str));
    if (++counts->errors <= SHOWN_ERRORS)
        output_note(counts->output, "command %lld: %s%s", (long long)counts->replies, shown,
                    text_if(counts->errors == SHOWN_ERRORS, " (more errors are only counted)"));
}

struct draining {
    const struct redis_link *link;
    bool is_empty;
};

static void judge_drain(void *data)
{
    struct draining *draining = data;
    const struct redis_link *link = draining->link;
    draining->is_empty = !link->is_lost && !redis_conn_pending(link->conn); /* a lost one has lost them */
}

static int drain(struct redis_shell *shell, struct error *err)
{
    struct draining draining = {.link = &shell->link};
    return redis_link_await(&shell->link, &draining.is_empty, judge_drain, &draining, err);
}

static int send_all(struct redis_shell *shell, struct shell_input *input, struct counts *counts,
                    struct error *err)
{
    size_t begin = input->at;
    int64_t line = input->line + 1;
    int rc;

    while ((rc = next_command(input, err)) > 0) {
        const struct redis_data_words *words = &input->words;
        struct redis_command command = {.count = words->count,
                                        .arguments = words->arguments,
                                        .lengths = words->lengths,
                                        .on_reply = on_counted,
                                        .data = counts};
        if (redis_data_is_stream(words))
            return error_set(err, ERROR_USAGE, "line %lld: %.*s has no place in a pipeline", (long long)line,
                             (int)words->lengths[0], words->arguments[0]);
        if (words->count && redis_conn_command(shell->link.conn, &command, err))
            return -1;
        if (input->at - begin >= PIPE_WINDOW && (rc = drain(shell, err)) != 0)
            return rc;
        if (input->at - begin >= PIPE_WINDOW)
            begin = input->at;
        line = input->line + 1;
    }

    if (rc < 0)
        return error_wrap(err, "line %lld", (long long)line);
    return 0;
}

static int insert_all(struct redis_shell *shell, struct shell_input *input, struct counts *counts,
                      struct error *err)
{
    int rc = redis_link_open(&shell->link, err);
    size_t under_way = 0;
    while (rc == 0 && !input->is_end) {
        rc = fill(shell, input, err);
        under_way += input->bytes.length;
        if (rc == 0)
            rc = send_all(shell, input, counts, err);
        if (rc == 0 && under_way >= PIPE_WINDOW) {
            rc = drain(shell, err);
            under_way = 0;
        }
    }
    if (rc == 0)
        return drain(shell, err);
    return rc;
}

static void print_counts(const struct counts *counts)
{
    if (counts->output->json)
        printf("{\"replies\":%lld,\"errors\":%lld}\n", (long long)counts->replies, (long long)counts->errors);
    else
        printf("replies: %lld, errors: %lld\n", (long long)counts->replies, (long long)counts->errors);
}

int redis_shell_pipe(struct redis_shell *shell, struct error *err)
{
    struct shell_input input = {0};
    struct counts counts = {.output = &shell->link.context->output};
    int rc = insert_all(shell, &input, &counts, err);
    redis_link_close(&shell->link); /* no reply may come for `counts` any more */
    if (rc >= 0 || !counts.output->json)
        print_counts(&counts);
    free_input(&input);
    return code_of(shell, rc, counts.errors > 0);
}
