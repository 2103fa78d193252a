/* Secrets that only the supervisor holds: given by the client, remembered by the state, read back from a
 * container that runs, or generated. In this order, and generated only when no container of ours can know
 * better. Certificates that name the gateway of the project's network are made once it is known, and anew
 * when it is another one.
 *
 * Reading back: a container's environment holds the resolved text of a template whose literal parts we know,
 * so the secret is what stands between them. Only what looks like a generated value is accepted. */
#include "orchestrator/internal.h"

#include "base/digest.h"
#include "certs/certs.h"

#include <ctype.h>
#include <string.h>

#define ALPHABET "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ0123456789"
#define SPECIALS "-_.!+=" /* safe in connection strings, URIs and configuration files alike */
#define CERT_END "-tls-cert"
#define KEY_END "-tls-key"
#define DIGEST_KEY ":digest-key"
enum { DEFAULT_LENGTH = 22, LONGEST = 4096 };

static struct secret *find(struct orchestrator *o, const char *name)
{
    struct secret *secret = NULL;
    HASH_FIND_STR(o->secrets, name, secret);
    return secret;
}

static void set_value(struct orchestrator *o, struct secret *secret, const char *value)
{
    if (str_eq(secret->value, value))
        return;
    if (secret->value)
        mem_wipe(secret->value, strlen(secret->value));
    free(secret->value);
    secret->value = xstrdup_null(value);
    values_changed(o);
}

static void replace_text(char **slot, const char *text)
{
    free(*slot);
    *slot = xstrdup_null(text);
}

void secrets_take(struct orchestrator *o, const struct plan *plan)
{
    for (size_t i = 0; i < plan->secret_count; i++) {
        const struct plan_secret *given = &plan->secrets[i];
        struct secret *secret = find(o, given->name);
        if (!secret) {
            secret = xcalloc(1, sizeof *secret);
            secret->name = xstrdup(given->name);
            HASH_ADD_KEYPTR(hh, o->secrets, secret->name, strlen(secret->name), secret);
        }

        secret->generated = given->generated;
        secret->special = given->special;
        secret->is_secret = given->secret;
        secret->length = given->length;
        if (given->length <= 0 || given->length > LONGEST)
            secret->length = DEFAULT_LENGTH;

        replace_text(&secret->issued, given->issued);
        replace_text(&secret->names, NULL); /* it may be about to expire */

        const char *value = given->value;
        if (!value)
            value = state_secret_get(o->services.state, given->name);
        if (value)
            set_value(o, secret, value);
    }
}

const char *secret_value(struct orchestrator *o, const char *name)
{
    const struct secret *secret = find(o, name);
    if (!secret)
        return NULL;
    return secret->value;
}

cJSON *orchestrator_secrets(struct orchestrator *o)
{
    cJSON *values = cJSON_CreateArray();
    struct secret *secret, *next;
    HASH_ITER(hh, o->secrets, secret, next)
    {
        if (secret->is_secret && secret->value)
            cJSON_AddItemToArray(values, cJSON_CreateString(secret->value));
    }
    return values;
}

struct scrub *secrets_scrub(struct orchestrator *o)
{
    struct scrub *scrub = xcalloc(1, sizeof *scrub);
    struct secret *secret, *next;
    HASH_ITER(hh, o->secrets, secret, next)
    {
        if (secret->is_secret)
            scrub_add(scrub, secret->value);
    }
    scrub_ready(scrub);
    return scrub;
}

static bool text_uses(const struct plan_text *text, const char *name)
{
    for (size_t i = 0; i < text->count; i++) {
        if (text->parts[i].kind == PLAN_SECRET && !strcmp(text->parts[i].text, name))
            return true;
    }
    return false;
}

static bool environment_uses(const struct node *node, const char *name)
{
    const struct plan_run *run = &node->spec->run;
    for (size_t i = 0; i < run->environment_count; i++) {
        if (text_uses(&run->environment[i].value, name))
            return true;
    }
    return false;
}

/* May this node's container hold a value that we have to ask it for? */
static bool may_know(const struct node *node, const char *name)
{
    const struct facts *facts = &node->facts;
    if (!node->kind->at_engine || !node->spec || !environment_uses(node, name))
        return false;
    return facts->seen == SEEN_UNKNOWN || (facts->seen == SEEN_PRESENT && !facts->inspected);
}

bool secrets_missing(const struct node *node)
{
    struct secret *secret, *next;
    HASH_ITER(hh, node->o->secrets, secret, next)
    {
        if (!secret->value && secret->generated && may_know(node, secret->name))
            return true;
    }
    return false;
}

static int generate(struct orchestrator *o, struct secret *secret, struct error *err)
{
    char text[LONGEST + 1];
    digest_random_text(text, (size_t)secret->length, text_pick(secret->special, ALPHABET SPECIALS, ALPHABET));
    int rc = state_secret_set(o->services.state, secret->name, text, err);
    if (rc == 0)
        set_value(o, secret, text);
    mem_wipe(text, sizeof text);
    return rc;
}

/* A certificate or its key. What was made for the same gateway before is used again. */
static int issue(struct orchestrator *o, struct secret *secret, const char *gateway, struct error *err)
{
    struct certs_pair pair = {0};
    bool is_key = str_ends(secret->name, KEY_END);
    size_t rest = strlen(CERT_END);
    if (is_key)
        rest = strlen(KEY_END);
    const char *file = strrchr(secret->issued, '/');
    if (!file || strlen(secret->name) <= rest)
        return error_set(err, ERROR_PROTOCOL, "%s is no certificate", secret->name);
    cleanup_free char *resource = xstrndup(secret->name, strlen(secret->name) - rest);
    cleanup_free char *folder = xstrndup(secret->issued, (size_t)(file - secret->issued));
    const char *const hosts[] = {resource, "localhost", PLAN_LIKELY_HOST, "::1", gateway};

    if (certs_server(folder, file + 1, hosts, sizeof hosts / sizeof *hosts, &pair, err) < 0)
        return error_wrap(err, "cannot make the certificate of %s", resource);
    if (is_key)
        set_value(o, secret, pair.key);
    else
        set_value(o, secret, pair.cert);
    replace_text(&secret->names, gateway);
    certs_pair_free(&pair);
    return 0;
}

static int issue_all(struct orchestrator *o, struct error *err)
{
    const char *gateway = place_gateway(o);
    struct secret *secret, *next;
    HASH_ITER(hh, o->secrets, secret, next)
    {
        bool is_due = secret->issued && gateway && !str_eq(secret->names, gateway);
        if (is_due && issue(o, secret, gateway, err) < 0)
            return -1;
    }
    return 0;
}

int secrets_settle(struct orchestrator *o, struct error *err)
{
    struct secret *secret, *next;
    HASH_ITER(hh, o->secrets, secret, next)
    {
        bool ask = false;
        for (struct node *node = o->nodes; node && !ask; node = node->hh.next)
            ask = may_know(node, secret->name);
        if (!secret->value && secret->generated && !ask && generate(o, secret, err) < 0)
            return error_wrap(err, "cannot remember a generated password");
    }
    return issue_all(o, err);
}

/* ---- reading back ---- */

static bool looks_generated(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr(SPECIALS, text[i]))
            return false;
    }
    return length >= 8 && length <= LONGEST;
}

/* The literal text that must follow the part, up to the next late value; empty: none. */
static const char *literal_after(const struct plan_text *text, size_t part)
{
    const struct plan_part *next = &text->parts[part + 1];
    if (part + 1 >= text->count || next->kind != PLAN_LITERAL)
        return "";
    return next->text;
}

/* Finds the secret in value, given that everything before it matches. The caller frees. */
static char *unresolve(const struct plan_text *text, const char *name, const char *value)
{
    const char *at = value;
    for (size_t i = 0; i < text->count; i++) {
        const struct plan_part *part = &text->parts[i];
        if (part->kind == PLAN_LITERAL) {
            if (!str_starts(at, part->text))
                return NULL;
            at += strlen(part->text);
            continue;
        }

        const char *next = literal_after(text, i);
        const char *end = at + strlen(at);
        if (*next)
            end = strstr(at, next);
        if (!end)
            return NULL;

        if (part->kind == PLAN_SECRET && !strcmp(part->text, name)) {
            bool quoted = end - at >= 2 && *at == '"' && end[-1] == '"';
            at += quoted;
            size_t length = (size_t)(end - at) - quoted;
            if (!looks_generated(at, length))
                return NULL;
            return xstrndup(at, length);
        }
        at = end;
    }
    return NULL;
}

static char *find_in(const struct node *node, const char *name, const cJSON *environment)
{
    const struct plan_run *run = &node->spec->run;
    for (size_t i = 0; i < run->environment_count; i++) {
        const cJSON *entry;
        size_t length = strlen(run->environment[i].name);
        cJSON_ArrayForEach(entry, environment)
        {
            const char *text = cJSON_GetStringValue(entry);
            if (!text || strncmp(text, run->environment[i].name, length) != 0 || text[length] != '=')
                continue;
            char *found = unresolve(&run->environment[i].value, name, text + length + 1);
            if (found)
                return found;
        }
    }
    return NULL;
}

void secrets_read_back(struct node *node, const cJSON *environment)
{
    struct orchestrator *o = node->o;
    struct secret *secret, *next;
    if (!node->spec)
        return;

    HASH_ITER(hh, o->secrets, secret, next)
    {
        if (secret->value || !secret->generated || !environment_uses(node, secret->name))
            continue;
        char *found = find_in(node, secret->name, environment);
        if (!found)
            continue;
        state_secret_set(o->services.state, secret->name, found, NULL);
        set_value(o, secret, found);
        mem_wipe(found, strlen(found));
        free(found);
    }
}

/* ---- the key of digests ---- */

void secrets_digest_key(struct orchestrator *o)
{
    if (o->digest_key)
        return;
    const char *known = state_secret_get(o->services.state, DIGEST_KEY);
    char made[33], hex[65];
    if (!known) {
        digest_random_text(made, sizeof made - 1, ALPHABET);
        /* A full disk shows when the values themselves are written. */
        state_secret_set(o->services.state, DIGEST_KEY, made, NULL);
    }
    o->digest_key = xstrdup(text_or(known, made));
    digest_sha256(o->digest_key, strlen(o->digest_key), hex);
    o->digest_key_id = xstrndup(hex, 8);
}

void secrets_free(struct orchestrator *o)
{
    struct secret *secret, *next;
    HASH_ITER(hh, o->secrets, secret, next)
    {
        HASH_DEL(o->secrets, secret);
        if (secret->value)
            mem_wipe(secret->value, strlen(secret->value));
        free(secret->value);
        free(secret->name);
        free(secret->issued);
        free(secret->names);
        free(secret);
    }
    free(o->digest_key);
    free(o->digest_key_id);
}
