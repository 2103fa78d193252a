/* Secrets of a deployment: which there are, what their values are, what may be told of them.
 *
 * A value is never made twice: what the target has comes first, then what is remembered, and a new one is
 * remembered before anybody uses it. Digests are keyed by a number that never leaves the store, since a plain
 * digest of a short password can be guessed. */
#include "deployment/internal.h"
#include "base/digest.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char special[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!@%^*+~";

enum { DEFAULT_LENGTH = 22 };

/* ---- which there are ---- */

static struct deployment_secret *find(const struct deployment *d, const char *name)
{
    for (size_t i = 0; i < d->secret_count; i++)
        if (strcmp(d->secrets[i].name, name) == 0)
            return &d->secrets[i];
    return NULL;
}

const struct deployment_secret *deployment_find_secret(const struct deployment *d, const char *name)
{
    return find(d, name);
}

static const struct model_pos *position_of(const struct lowering *l, const char *name)
{
    static const struct model_pos nowhere;
    const char *dot = strchr(name, '.');
    const struct model_parameter *parameter = NULL;
    if (dot && str_starts(name, "parameters."))
        parameter = model_find_parameter(l->model, dot + 1);
    return parameter ? &parameter->pos : &nowhere;
}

static void add_secret(struct lowering *l, const char *name)
{
    struct deployment *d = l->d;
    const struct plan_secret *from = plan_find_secret(d->plan, name);
    if (!from || find(d, name))
        return;
    if (!from->value && !from->generated)
        lowering_problem(l, position_of(l, name), "give it with --parameter, or in the environment",
                         "nobody gave a value for \"%s\"", name);
    d->secrets = arena_grow(l->arena, d->secrets, d->secret_count, d->secret_count + 1, sizeof *d->secrets);
    d->secrets[d->secret_count++] = (struct deployment_secret){
        .name = from->name,
        .value = from->value ? arena_strdup(l->arena, from->value) : NULL,
        .is_generated = from->generated && !from->value,
        .length = from->length,
        .special = from->special,
    };
}

static void add_of_text(struct lowering *l, const struct plan_text *text)
{
    for (size_t i = 0; i < text->count; i++)
        if (text->parts[i].kind == PLAN_SECRET)
            add_secret(l, text->parts[i].text);
}

static void add_of_service(struct lowering *l, const struct deployment_service *service)
{
    for (size_t i = 0; i < service->environment_count; i++)
        add_of_text(l, &service->environment[i].value);
    for (size_t i = 0; i < service->file_count; i++)
        add_of_text(l, &service->files[i].text);
    for (size_t i = 0; i < service->command_count + service->entrypoint_count; i++) {
        const struct plan_text *word = &service->command[i];
        if (i >= service->command_count)
            word = &service->entrypoint[i - service->command_count];
        if (plan_has_secret(word))
            lowering_problem(l, &service->pos, "give it in a variable, by `environment`",
                             "an argument of \"%s\" is a secret: whoever lists processes there would see it",
                             service->name);
    }
}

static int compare(const void *a, const void *b)
{
    const struct deployment_secret *left = a, *right = b;
    return strcmp(left->name, right->name);
}

void lowering_collect_secrets(struct lowering *l)
{
    for (size_t i = 0; i < l->d->service_count; i++)
        add_of_service(l, &l->d->services[i]);
    if (l->d->secret_count)
        qsort(l->d->secrets, l->d->secret_count, sizeof *l->d->secrets, compare);
}

/* ---- their values ---- */

bool deployment_take(struct deployment *d, const char *name, const char *value)
{
    struct deployment_secret *secret = find(d, name);
    if (!secret)
        return false;
    if (!secret->is_generated)
        return strcmp(secret->value, value) == 0;
    secret->value = arena_strdup(&d->arena, value);
    return true;
}

void deployment_put(struct deployment *d, const char *name, const char *value)
{
    struct deployment_secret *secret = find(d, name);
    if (secret)
        secret->value = arena_strdup(&d->arena, value);
}

static int settle(struct deployment *d, struct deployment_secret *secret,
                  const struct deployment_store *store, struct error *err)
{
    cleanup_free char *key = xasprintf("secret:%s", secret->name);
    const char *known = store->get(key, store->data);
    if (!secret->value && known) {
        secret->value = arena_strdup(&d->arena, known);
        return 0;
    }
    if (!secret->value) {
        size_t length = size_or((size_t)int_max(secret->length, 0), DEFAULT_LENGTH);
        char *made = arena_alloc(&d->arena, length + 1);
        digest_random_text(made, length, secret->special ? special : alphabet);
        secret->value = made;
    }
    if (!secret->is_generated || (known && strcmp(known, secret->value) == 0))
        return 0;
    return store->set(key, secret->value, store->data, err);
}

void deployment_take_key(struct deployment *d, const char *key)
{
    if (strlen(key) == sizeof d->key - 1)
        memcpy(d->key, key, sizeof d->key);
}

static int settle_key(struct deployment *d, const struct deployment_store *store, struct error *err)
{
    const char *known = store->get(DEPLOYMENT_KEY_NAME, store->data);
    if (!*d->key && known)
        deployment_take_key(d, known);
    if (str_eq(d->key, known))
        return 0;
    if (!*d->key)
        digest_random_text(d->key, sizeof d->key - 1, "0123456789abcdef");
    return store->set(DEPLOYMENT_KEY_NAME, d->key, store->data, err);
}

int deployment_settle(struct deployment *d, const struct deployment_store *store, struct error *err)
{
    if (settle_key(d, store, err) < 0)
        return -1;
    for (size_t i = 0; i < d->secret_count; i++)
        if (settle(d, &d->secrets[i], store, err) < 0)
            return -1;
    return 0;
}

static const char *look_up(const char *name, void *data)
{
    const struct deployment_secret *secret = find(data, name);
    if (secret)
        return secret->value;
    return NULL;
}

char *deployment_text(const struct deployment *d, const struct plan_text *text)
{
    const struct plan_lookup lookup = {.secret = look_up, .data = (void *)d};
    char *out = plan_resolve(text, &lookup, NULL);
    if (!out)
        abort(); /* a text of another deployment, or before deployment_settle() */
    return out;
}
