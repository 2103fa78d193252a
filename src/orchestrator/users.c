/* Row `users`: the users that a server has besides "default", made once it answers, before anybody who
 * depends on it starts, and made again when the manifest, a password or the server changes.
 *
 * Happy path: ACL USERS, ACL DELUSER for those that are not wanted, ACL SETUSER with everything for each of
 * the wanted ones: one pipeline. With `users` given, all users are ours; once it is gone, those that we made
 * go. It runs beside the sensor and ends with it (sensor_stop calls what is told to it). Failures: what the
 * server refuses fails the node, at the place of the rules; the words are the server's. No password is in any
 * text.
 */
#include "orchestrator/internal.h"

#include "base/digest.h"
#include "base/mem.h"
#include "redis_conn/redis_conn.h"

#include <string.h>

enum { MOST_WORDS = 1024 };

struct making_users {
    struct redis_conn *conn;
    size_t next, count;  /* user whose answer is awaited, and how many are made */
    char *digest;        /* of what is being made */
    struct strlist made; /* names */
};

/* ---- what is wanted, and what is there ---- */

/* Of names, passwords and rules; NULL while a password is not known. */
static char *wanted_digest(const struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    struct strbuf text = {0};
    char sum[65];

    for (size_t i = 0; i < run->user_count; i++) {
        char *password = values_resolve(node->o, &run->users[i].password);
        if (!password) {
            strbuf_free(&text);
            return NULL;
        }
        strbuf_addf(&text, "%s\n%s\n%s\n", run->users[i].name, password, run->users[i].acl);
        mem_wipe(password, strlen(password));
        free(password);
    }
    digest_sha256(strbuf_text(&text), text.length, sum);
    if (text.data)
        mem_wipe(text.data, text.length);
    strbuf_free(&text);
    return xstrdup(sum);
}

bool users_are_met(const struct node *node)
{
    if (node_is_over(node) || (!node->spec->run.user_count && !node->facts.users))
        return true;
    cleanup_free char *wanted = wanted_digest(node);
    return wanted && str_eq(wanted, node->facts.users);
}

void users_forget(struct node *node)
{
    facts_use(node, NULL, (struct strlist){0});
}

static const struct plan_user *find_user(const struct node *node, const char *name)
{
    const struct plan_run *run = &node->spec->run;

    for (size_t i = 0; i < run->user_count; i++)
        if (strcmp(run->users[i].name, name) == 0)
            return &run->users[i];
    return NULL;
}

/* ---- the conversation ---- */

static void users_stop(struct node *node)
{
    struct making_users *making = take_ptr(&node->making_users);
    if (!making)
        return;
    redis_conn_free(making->conn);
    free(making->digest);
    strlist_free(&making->made);
    free(making);
}

static void fail(struct node *node, const struct error *err, const struct model_pos *at)
{
    cleanup_error struct error cause = {0};
    error_copy(&cause, err);
    cause.code = ERROR_RESOURCE;
    if (at && at->file)
        error_at(&cause, at->file, at->line, at->column);
    sensor_stop(node); /* and with it this */
    node_fail(node, &cause);
}

static void finish(struct node *node)
{
    struct making_users *making = node->making_users;

    facts_use(node, take_ptr(&making->digest), making->made);
    making->made = (struct strlist){0};
    users_stop(node);
    node_wake(node);
}

static void on_lost(const struct error *err, bool final, void *data)
{
    struct node *node = data;
    cleanup_error struct error cause = {0};
    (void) final;
    error_copy(&cause, err);
    error_wrap(&cause, "cannot make the users of %s", node->resource);
    fail(node, &cause, NULL);
}

/* Answers come in the order of the users. */
static void on_made(const struct resp_reply *reply, void *data)
{
    struct node *node = data;
    const struct plan_run *run = &node->spec->run;
    struct making_users *making = node->making_users;
    if (!reply)
        return; /* on_lost follows */

    size_t index = making->next++; /* the plan may be another one by now: then this is done once more */
    const struct plan_user *user = NULL;
    if (index < run->user_count)
        user = &run->users[index];
    if (reply->type == RESP_ERROR && user) {
        cleanup_error struct error err = {0};
        error_set(&err, ERROR_RESOURCE, "the server refuses the user \"%s\": %s", user->name, reply->str);
        fail(node, &err, &user->pos);
        return;
    }
    if (user)
        strlist_add(&making->made, user->name);
    if (making->next == making->count)
        finish(node);
}

static int set_user(struct node *node, const struct plan_user *user, struct error *err)
{
    const char *words[MOST_WORDS] = {"ACL", "SETUSER", user->name, "reset", "on"};
    size_t count = 5;
    char *password = values_resolve(node->o, &user->password);
    char *secret = user->password.count ? xasprintf(">%s", text_or_empty(password)) : xstrdup("nopass");
    cleanup_free char *rules = xstrdup(user->acl);
    char *rest = NULL;

    words[count++] = secret;
    for (char *word = strtok_r(rules, " ", &rest); word && count < MOST_WORDS - 1;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    int rc = redis_conn_words(node->making_users->conn, words, on_made, node, err);

    if (password)
        mem_wipe(password, strlen(password));
    mem_wipe(secret, strlen(secret));
    free(password);
    free(secret);
    return rc;
}

/* With `users` given all of them are ours; else those that we have made. */
static bool is_unwanted(const struct node *node, const char *name)
{
    if (strcmp(name, "default") == 0 || find_user(node, name))
        return false;
    return node->spec->run.user_count || strlist_has(&node->facts.user_names, name);
}

static void on_users(const struct resp_reply *reply, void *data)
{
    struct node *node = data;
    const struct plan_run *run = &node->spec->run;
    struct redis_conn *conn = node->making_users->conn;
    cleanup_error struct error err = {0};
    int rc = 0;
    if (!reply)
        return;

    if (reply->type == RESP_ERROR) {
        error_set(&err, ERROR_RESOURCE, "the server tells no users: %s", reply->str);
        fail(node, &err, run->user_count ? &run->users[0].pos : NULL);
        return;
    }
    for (size_t i = 0; i < reply->count && rc == 0; i++) {
        const char *words[] = {"ACL", "DELUSER", reply->elements[i].str, NULL};
        if (words[2] && is_unwanted(node, words[2]))
            rc = redis_conn_words(conn, words, NULL, NULL, &err);
    }
    node->making_users->count = run->user_count;
    for (size_t i = 0; i < run->user_count && rc == 0; i++)
        rc = set_user(node, &run->users[i], &err);
    if (rc < 0)
        fail(node, &err, NULL);
    else if (!run->user_count)
        finish(node);
}

void users_start(struct node *node)
{
    static const char *const words[] = {"ACL", "USERS", NULL};
    cleanup_error struct error err = {0};
    if (node->making_users)
        return;

    char *digest = wanted_digest(node);
    if (!digest) {
        node_fail_text(node, ERROR_RESOURCE, "the password of a user of %s is not known", node->resource);
        return;
    }
    node->beside[BESIDE_USERS] = users_stop;
    node->making_users = xcalloc(1, sizeof *node->making_users);
    node->making_users->digest = digest;
    node->making_users->conn = server_open(node, on_lost, node);
    if (redis_conn_words(node->making_users->conn, words, on_users, node, &err) < 0)
        fail(node, &err, NULL);
}
