/* Credentials for a registry, as the Docker command line finds them: DOCKER_AUTH_CONFIG, then in config.json
 * the registry's own helper (credHelpers), the general one (credsStore), what stands in `auths`; without any
 * of these `pass` or `secretservice` when they are installed. Nothing found is no error: the pull is
 * anonymous then.
 *
 * Secrets are wiped after use, never logged, never in an argument list. */
#include "engine/address.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/pick.h"
#include "base/tool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char hub_key[] = "https://index.docker.io/v1/";

static void wipe_free(char **text)
{
    if (*text)
        mem_wipe(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void engine_auth_choice_free(struct auth_choice *choice)
{
    wipe_free(&choice->password);
    wipe_free(&choice->identity_token);
    free(choice->helper);
    free(choice->server);
    free(choice->username);
    *choice = (struct auth_choice){0};
}

/* "https://host:port/v1/" → "host:port" */
static char *host_of_key(const char *key)
{
    const char *scheme = strstr(key, "://");
    const char *host = key;
    if (scheme)
        host = scheme + 3;
    return xstrndup(host, strcspn(host, "/"));
}

static const cJSON *find_entry(const cJSON *auths, const char *key)
{
    const cJSON *entry = json_get(auths, key), *other;
    if (entry)
        return entry;
    cleanup_free char *wanted = host_of_key(key);
    cJSON_ArrayForEach(other, auths)
    {
        cleanup_free char *host = host_of_key(text_or_empty(other->string));
        if (strcmp(host, wanted) == 0)
            return other;
    }
    return NULL;
}

/* {"auth": base64("user:password")} or {"identitytoken": "…"} or {"username", "password"} */
static bool take_entry(const cJSON *entry, struct auth_choice *choice)
{
    const char *token = json_string(entry, "identitytoken", ""), *auth = json_string(entry, "auth", "");
    const char *username = json_string(entry, "username", ""), *password = json_string(entry, "password", "");
    size_t length = 0;
    cleanup_free char *plain = NULL;
    if (*auth)
        plain = digest_unbase64(auth, &length);
    char *colon = NULL;
    if (plain)
        colon = strchr(plain, ':');
    if (colon) {
        *colon = '\0';
        username = plain;
        password = colon + 1;
    }

    bool found = *token || (*username && *password);
    if (found) {
        choice->username = xstrdup(username);
        choice->identity_token = choice->password = NULL;
        if (*token)
            choice->identity_token = xstrdup(token);
        else
            choice->password = xstrdup(password);
    }
    if (plain)
        mem_wipe(plain, length);
    return found;
}

static bool is_installed(const struct strlist *environment, const char *program)
{
    return tool_is_there(strlist_getenv(environment, "PATH"), program);
}

static const char *default_helper(const struct strlist *environment)
{
    if (is_installed(environment, "pass") && is_installed(environment, "docker-credential-pass"))
        return "pass";
    if (is_installed(environment, "docker-credential-secretservice"))
        return "secretservice";
    return NULL;
}

static void choose_from_file(const struct strlist *environment, const cJSON *config,
                             struct auth_choice *choice)
{
    const char *helper = json_string(json_get(config, "credHelpers"), choice->server, NULL);
    if (!helper && strcmp(choice->server, hub_key) == 0)
        helper = json_string(json_get(config, "credHelpers"), "docker.io", NULL);
    if (!helper)
        helper = json_string(config, "credsStore", NULL);
    const cJSON *auths = json_get(config, "auths");
    if (!helper && !(auths && auths->child))
        helper = default_helper(environment);
    if (helper && *helper)
        choice->helper = xstrdup(helper);
    else
        take_entry(find_entry(auths, choice->server), choice);
}

void engine_auth_choose(const struct strlist *environment, const char *registry, struct auth_choice *choice)
{
    bool is_hub = strcmp(registry, "docker.io") == 0 || strcmp(registry, "index.docker.io") == 0 ||
                  strcmp(registry, "registry-1.docker.io") == 0;
    *choice = (struct auth_choice){.server = xstrdup(is_hub ? hub_key : registry)};
    const char *inlined = strlist_getenv(environment, "DOCKER_AUTH_CONFIG");
    if (inlined && *inlined) {
        cleanup_json cJSON *config = json_parse(inlined, strlen(inlined), NULL);
        if (take_entry(find_entry(json_get(config, "auths"), choice->server), choice))
            return;
    }
    cleanup_json cJSON *config = address_read_config(environment->items, NULL);
    choose_from_file(environment, config, choice);
}

char *engine_auth_header(const struct auth_choice *choice)
{
    if (!choice->identity_token && !choice->password)
        return NULL;
    cleanup_json cJSON *json = cJSON_CreateObject();
    if (choice->identity_token) {
        json_add_string(json, "identitytoken", choice->identity_token);
    } else {
        json_add_string(json, "username", choice->username);
        json_add_string(json, "password", choice->password);
    }

    json_add_string(json, "serveraddress", choice->server);
    cleanup_free char *text = json_print(json);
    /* The URL alphabet, padded: engines ignore anything else without a word. */
    cleanup_free char *encoded = digest_base64(text, strlen(text), 1);
    char *header = xasprintf("X-Registry-Auth: %s", encoded);
    mem_wipe(text, strlen(text));
    mem_wipe(encoded, strlen(encoded));
    return header;
}

/* ---- the search ---- */

struct auth_search {
    struct engine *engine;
    engine_auth_cb *done;
    void *data;
    struct auth_choice choice;
    struct helper_run *run;
    char *note;
    struct turn turn;
};

static void free_search(struct auth_search *search)
{
    engine_auth_choice_free(&search->choice);
    free(search->note);
    free(search);
}

static void tell(void *data)
{
    struct auth_search *search = data;
    char *header = engine_auth_header(&search->choice);
    search->done(header, search->note, search->data);
    wipe_free(&header);
    free_search(search);
}

/* The helper's answer: {"ServerURL", "Username", "Secret"}; the user "<token>" means that the secret is a
 * token. */
static bool take_answer(struct auth_search *search, const char *output, size_t length)
{
    cleanup_json cJSON *answer = json_parse(output, length, NULL);
    const char *username = json_string(answer, "Username", ""), *secret = json_string(answer, "Secret", "");
    if (!*secret)
        return false;
    if (strcmp(username, "<token>") == 0)
        search->choice.identity_token = xstrdup(secret);
    else
        search->choice.password = xstrdup(secret);
    search->choice.username = xstrdup(username);
    return true;
}

static void on_helper(const char *output, size_t length, int exit_code, const char *failure, void *data)
{
    struct auth_search *search = data;
    search->run = NULL;
    if (failure) {
        search->note = xasprintf("docker-credential-%s %s", search->choice.helper, failure);
    } else if (exit_code != 0) {
        cleanup_free char *said = str_printable(output);
        if (!engine_says(SAYS_NO_CREDENTIALS, 0, said))
            search->note = xasprintf("docker-credential-%s failed: %.200s", search->choice.helper, said);
    } else if (!take_answer(search, output, length)) {
        search->note = xasprintf("docker-credential-%s answered nonsense", search->choice.helper);
    }
    tell(search);
}

struct auth_search *engine_auth_start(struct engine *engine, const char *registry, engine_auth_cb *done,
                                      void *data)
{
    struct auth_search *search = xcalloc(1, sizeof *search);
    search->engine = engine;
    search->done = done;
    search->data = data;
    turn_init(&search->turn, tell, search);
    engine_auth_choose(&engine->environment, registry, &search->choice);
    if (search->choice.helper)
        search->run =
            engine_helper_start(engine, search->choice.helper, search->choice.server, on_helper, search);
    else
        loop_post(engine->loop, &search->turn);
    return search;
}

void engine_auth_cancel(struct auth_search *search)
{
    if (!search)
        return;
    engine_helper_cancel(search->run);
    loop_unpost(search->engine->loop, &search->turn);
    free_search(search);
}
