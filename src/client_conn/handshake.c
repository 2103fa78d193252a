/*
 * The handshake: a table of commands that are sent together and answered together.
 *
 *     AUTH [user] password, HELLO [3], CLIENT SETNAME, CLIENT SETINFO (twice), SELECT, READONLY, ROLE, PING
 *
 * A row says when it applies, what it sends, and what an error reply means. Old servers know no SETINFO and
 * restricted users may do little: only AUTH, SELECT and PING can fail a connection, and none of the commands
 * is @dangerous unless several endpoints make the role matter.
 */
#include "client_conn/handshake.h"
#include "client_base/pick.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/verdict.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct greeting_context {
    struct dialed *dialed;
    const struct attempt *attempt;
    const struct handshake *handshake;
};

enum { MAX_WORDS = 4, TEXT_SIZE = 256 };

/* The words of one command; `text` is room for words that are made up. */
struct words {
    const char *word[MAX_WORDS];
    size_t count;
    char text[TEXT_SIZE];
};

struct greeting_step {
    const char *command;
    bool (*fill)(const struct greeting_context *context, struct words *words); /* false: not needed */
    int (*judge)(const struct greeting_context *context, const struct resp_reply *reply,
                 struct apphost_error *error);
};

/* ---- What to send ---- */

static void push(struct words *words, const char *word)
{
    words->word[words->count++] = word;
}

static const char *credential(const struct greeting_context *context, enum option_id sentinel,
                              enum option_id plain)
{
    const struct apphost_options *options = context->attempt->options;

    if (context->handshake->is_sentinel && options->values[sentinel].is_set)
        return options->values[sentinel].text;
    return options->values[plain].text;
}

static bool fill_auth(const struct greeting_context *context, struct words *words)
{
    const char *user = credential(context, OPT_SENTINEL_USER, OPT_USER);
    const char *password = credential(context, OPT_SENTINEL_PASSWORD, OPT_PASSWORD);
    bool has_user = user && user[strspn(user, " \t")];

    if (!has_user && (!password || !*password))
        return false;
    if (has_user)
        push(words, user);
    push(words, text_or_empty(password));
    return true;
}

/* Without RESP3 it asks what the server is; a proxy might hang up. */
static bool fill_hello(const struct greeting_context *context, struct words *words)
{
    const struct apphost_options *options = context->attempt->options;
    bool wants_three = option_number(options, OPT_PROTOCOL) == 3;

    if (wants_three)
        push(words, "3");
    return !context->handshake->is_sentinel && (wants_three || option_number(options, OPT_PROXY) == 0);
}

/* A replica of a cluster sends readers away unless they say that they know. Others do not know the command.
 */
static bool fill_readonly(const struct greeting_context *context, struct words *words)
{
    (void)words;
    return context->handshake->is_reader;
}

/* Redis takes printable characters without spaces; the others are left out, as the original does. */
static void keep_printable(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++)
        if (*from > ' ' && *from <= '~')
            *to++ = *from;
    *to = '\0';
}

static bool fill_name(const struct greeting_context *context, struct words *words)
{
    const char *name = option_text(context->attempt->options, OPT_NAME);
    char host[64] = "localhost";

    gethostname(host, sizeof(host) - 1);
    if (name)
        snprintf(words->text, sizeof(words->text), "%.250s", name);
    else
        snprintf(words->text, sizeof(words->text), "%s(apphost-v%s)", host, apphost_version());
    keep_printable(words->text);
    push(words, "SETNAME");
    push(words, words->text);
    return words->text[0] != '\0';
}

static bool fill_library(const struct greeting_context *context, struct words *words)
{
    const char *name = option_text(context->attempt->options, OPT_LIBRARY_NAME);

    snprintf(words->text, sizeof(words->text), "%.200s%s", text_or(name, "libapphost"),
             context->handshake->library_suffix);
    keep_printable(words->text);
    push(words, "SETINFO");
    push(words, "LIB-NAME");
    push(words, words->text);
    return option_number(context->attempt->options, OPT_SETLIB) && words->text[0];
}

static bool fill_version(const struct greeting_context *context, struct words *words)
{
    push(words, "SETINFO");
    push(words, "LIB-VER");
    push(words, apphost_version());
    return option_number(context->attempt->options, OPT_SETLIB) != 0;
}

static bool fill_select(const struct greeting_context *context, struct words *words)
{
    int database = option_number(context->attempt->options, OPT_DEFAULT_DATABASE);

    snprintf(words->text, sizeof(words->text), "%d", database);
    push(words, words->text);
    return database != 0 && !context->handshake->is_sentinel;
}

static bool fill_role(const struct greeting_context *context, struct words *words)
{
    (void)words;
    /* A proxy has no role, and may hang up on a command that it does not know. */
    return context->handshake->wants_role && option_number(context->attempt->options, OPT_PROXY) == 0;
}

/* Whether transactions can be had: a MULTI that is refused would let what follows it run one by one. An EXEC
 * that is refused leaves the transaction open, so a DISCARD follows. */
static bool fill_transaction(const struct greeting_context *context, struct words *words)
{
    const struct apphost_options *options = context->attempt->options;

    (void)words;
    return context->handshake->library_suffix[0] && option_command(options, "MULTI", strlen("MULTI")) &&
           option_command(options, "EXEC", strlen("EXEC"));
}

static bool fill_ping(const struct greeting_context *context, struct words *words)
{
    (void)context;
    (void)words;
    return true;
}

/* ---- What an answer means ---- */

static int judge_nothing(const struct greeting_context *context, const struct resp_reply *reply,
                         struct apphost_error *error)
{
    (void)context;
    (void)reply;
    (void)error;
    return 0;
}

/* Servers that do not know it stay with RESP2. */
static int judge_hello(const struct greeting_context *context, const struct resp_reply *reply,
                       struct apphost_error *error)
{
    (void)error;
    if (reply->type != RESP_MAP && reply->type != RESP_ARRAY)
        return 0;
    if (option_number(context->attempt->options, OPT_PROTOCOL) == 3)
        context->dialed->protocol = 3;
    for (size_t i = 0; i + 1 < reply->count; i += 2)
        if (resp_reply_is(&reply->elements[i], "mode"))
            context->dialed->is_cluster = resp_reply_is(&reply->elements[i + 1], "cluster");
    return 0;
}

static int fail_refused(const struct dialed *dialed, const struct resp_reply *reply,
                        struct apphost_error *error)
{
    return fail_set(error, APPHOST_E_CONNECT, "endpoint", "%s refuses the connection: %.200s",
                    dialed->address, reply->str);
}

/* A server that is full or protected says so to whatever comes first, and hangs up. */
static bool is_turned_away(const struct resp_reply *reply)
{
    return reply->type == RESP_ERROR &&
           (verdict_says(SAYS_FULL, reply->str) || resp_reply_is_error(reply, "DENIED"));
}

static int judge_auth(const struct greeting_context *context, const struct resp_reply *reply,
                      struct apphost_error *error)
{
    /* A password that nobody asked for is no reason to stay away: the server lets everybody in. */
    if (reply->type != RESP_ERROR || verdict_says(SAYS_NO_PASSWORD, reply->str))
        return 0;
    if (!(verdict_of_text(reply->str) & VERDICT_AUTH) && !verdict_says(SAYS_PASSWORD, reply->str))
        return fail_refused(context->dialed, reply, error);
    return fail_set(
        error, APPHOST_E_AUTH, "password",
        "There was an authentication failure; check that passwords (or client certificates) are configured "
        "correctly: (%s) %.150s",
        context->dialed->address, reply->str);
}

static int judge_select(const struct greeting_context *context, const struct resp_reply *reply,
                        struct apphost_error *error)
{
    if (reply->type != RESP_ERROR)
        return 0;
    if (resp_reply_is_error(reply, "NOAUTH"))
        return judge_auth(context, reply, error);
    return fail_set(error, APPHOST_E_CONFIG, "defaultDatabase", "cannot select the database on %s: %.200s",
                    context->dialed->address, reply->str);
}

static int judge_role(const struct greeting_context *context, const struct resp_reply *reply,
                      struct apphost_error *error)
{
    (void)error;
    if (reply->type == RESP_ARRAY && reply->count > 0 && reply->elements[0].type == RESP_STRING)
        context->dialed->is_replica = !resp_reply_is(&reply->elements[0], "master");
    return 0;
}

static int judge_transaction(const struct greeting_context *context, const struct resp_reply *reply,
                             struct apphost_error *error)
{
    struct dialed *dialed = context->dialed;

    (void)error;
    if (reply->type == RESP_ERROR && !dialed->no_multi[0])
        snprintf(dialed->no_multi, sizeof(dialed->no_multi), "%.150s", reply->str);
    return 0;
}

static int judge_ping(const struct greeting_context *context, const struct resp_reply *reply,
                      struct apphost_error *error)
{
    if (resp_reply_is_error(reply, "NOAUTH"))
        return judge_auth(context, reply, error);
    if (resp_reply_is(reply, "QUEUED"))
        return fail_set(error, APPHOST_E_CONFIG, "user",
                        "the user may begin transactions on %s and not end them (%s): grant +exec, or take "
                        "+multi away",
                        context->dialed->address, context->dialed->no_multi);
    if (resp_reply_is_error(reply, "NOPERM") || reply->type == RESP_STATUS || reply->type == RESP_STRING)
        return 0;
    if (reply->type == RESP_ERROR)
        return fail_set(error, APPHOST_E_CONNECT, "endpoint", "%s is not ready: %.200s",
                        context->dialed->address, reply->str);
    return fail_set(error, APPHOST_E_PROTOCOL, "endpoint", "%s answers a PING with %s: is this a Redis?",
                    context->dialed->address, resp_type_name(reply->type));
}

static const struct greeting_step steps[] = {
    {"AUTH", fill_auth, judge_auth},
    {"HELLO", fill_hello, judge_hello},
    {"CLIENT", fill_name, judge_nothing},
    {"CLIENT", fill_library, judge_nothing},
    {"CLIENT", fill_version, judge_nothing},
    {"SELECT", fill_select, judge_select},
    {"MULTI", fill_transaction, judge_transaction},
    {"EXEC", fill_transaction, judge_transaction},
    {"DISCARD", fill_transaction, judge_nothing},
    {"READONLY", fill_readonly, judge_nothing},
    {"ROLE", fill_role, judge_role},
    {"PING", fill_ping, judge_ping},
};

enum { STEP_COUNT = sizeof(steps) / sizeof(steps[0]) };

/* ---- Running it ---- */

static int fill_all(const struct greeting_context *context, struct resp_buffer *buffer,
                    const struct greeting_step *sent[STEP_COUNT], size_t *count)
{
    for (size_t i = 0; i < STEP_COUNT; i++) {
        const char *command =
            option_command(context->attempt->options, steps[i].command, strlen(steps[i].command));
        struct words words = {.count = 0};

        push(&words, command);
        if (!command || !steps[i].fill(context, &words))
            continue;
        if (resp_append_command(buffer, words.count, words.word, NULL) < 0)
            return -1;
        sent[(*count)++] = &steps[i];
    }
    return 0;
}

int handshake_read(struct dialed *dialed, const struct attempt *attempt, struct resp_reply **reply,
                   struct apphost_error *error)
{
    size_t room;
    int rc;

    while ((rc = resp_reader_next(dialed->reader, reply)) == 0) {
        char *space = resp_reader_space(dialed->reader, 4096, &room);
        ssize_t got = -1;

        if (space)
            got = transport_recv(&dialed->transport, space, room, TRANSPORT_SLICE_MS);
        if (got > 0)
            resp_reader_commit(dialed->reader, (size_t)got);
        else if (got != TRANSPORT_AGAIN)
            return fail_set(error, APPHOST_E_CONNECT, "endpoint", "%s closed the connection",
                            dialed->address);
        else if (clock_left(attempt->deadline_ms) == 0 || atomic_load(attempt->is_cancelled))
            return fail_set(error, APPHOST_E_TIMEOUT, "connectTimeout", "%s does not answer",
                            dialed->address);
    }
    if (rc < 0)
        return fail_set(error, APPHOST_E_PROTOCOL, "endpoint", "%s: %s", dialed->address,
                        resp_reader_error(dialed->reader));
    return 0;
}

int handshake_run(struct dialed *dialed, const struct attempt *attempt, const struct handshake *handshake,
                  struct apphost_error *error)
{
    const struct greeting_context context = {dialed, attempt, handshake};
    const struct greeting_step *sent[STEP_COUNT];
    struct resp_buffer buffer = {.limit = 64 * 1024};
    size_t count = 0;
    int rc = fill_all(&context, &buffer, sent, &count);

    if (rc < 0)
        fail_set(error, APPHOST_E_CONFIG, "password", "user, password and name are too long");
    else
        rc = transport_send_all(&dialed->transport, attempt, buffer.data, buffer.len, error);
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct resp_reply *reply = NULL;

        rc = handshake_read(dialed, attempt, &reply, error);
        if (rc == 0 && is_turned_away(reply))
            rc = fail_refused(dialed, reply, error);
        else if (rc == 0)
            rc = sent[i]->judge(&context, reply, error);
        resp_reply_free(reply);
    }
    if (buffer.data)
        explicit_bzero(buffer.data, buffer.len);
    resp_buffer_fini(&buffer);
    return rc;
}
