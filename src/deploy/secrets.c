/* The secrets of a service: its files, and its variables that hold secrets as one file for a shell to read.
 *
 * A secret of a swarm cannot be changed and has a name of at most 64 characters: it is called by the project,
 * the file and a keyed digest of what is in it. */
#include "deploy/internal.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_NAME_MOST = 64, DIGEST = 16 };

static void wipe_free(char *text)
{
    if (text)
        mem_wipe(text, strlen(text));
    free(text);
}

char *swarm_variable(const char *name)
{
    char *out = xstrdup(name);
    for (char *c = out; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    return out;
}

bool swarm_has_secret_environment(const struct deployment_service *service)
{
    for (size_t i = 0; i < service->environment_count; i++)
        if (plan_has_secret(&service->environment[i].value))
            return true;
    return false;
}

/* The digest alone tells secrets apart; what is too long is cut before it. */
static char *secret_name(const struct deployment *d, const char *file, const char *text)
{
    char digest[17];
    deployment_digest(d, text, digest);
    cleanup_free char *front = swarm_name(d->project, file);
    size_t most = SECRET_NAME_MOST - DIGEST - 1;
    return xasprintf("%.*s_%s", (int)most, front, digest);
}

static void add(struct swarm_secrets *secrets, const struct swarm_secret *secret)
{
    secrets->items = xreallocarray(secrets->items, secrets->count + 1, sizeof *secrets->items);
    secrets->items[secrets->count++] = *secret;
}

/* NAME='value', in which a quote is '\''. */
static void add_variable(struct strbuf *out, const char *name, const char *value)
{
    cleanup_free char *variable = swarm_variable(name);
    strbuf_addf(out, "%s='", variable);
    for (const char *c = value; *c; c++) {
        if (*c == '\'')
            strbuf_adds(out, "'\\''");
        else
            strbuf_addc(out, *c);
    }
    strbuf_adds(out, "'\n");
}

static void add_environment(const struct deployment *d, const struct deployment_service *service,
                            struct swarm_secrets *secrets)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < service->environment_count; i++) {
        const struct deployment_variable *variable = &service->environment[i];
        if (!plan_has_secret(&variable->value))
            continue;
        char *value = deployment_text(d, &variable->value);
        add_variable(&out, variable->name, value);
        wipe_free(value);
    }
    cleanup_free char *file = xasprintf("%s-env", service->name);
    char *text = strbuf_take(&out);
    add(secrets, &(struct swarm_secret){.name = secret_name(d, file, text),
                                        .file = xasprintf("%s.env", service->name),
                                        .text = text,
                                        .is_environment = true});
}

void swarm_secrets_of(const struct deployment *d, const struct deployment_service *service,
                      struct swarm_secrets *secrets)
{
    *secrets = (struct swarm_secrets){0};
    for (size_t i = 0; i < service->file_count; i++) {
        const struct deployment_file *file = &service->files[i];
        char *text = deployment_text(d, &file->text);
        add(secrets, &(struct swarm_secret){.name = secret_name(d, file->name, text),
                                            .file = xstrdup(file->file),
                                            .text = text});
    }
    if (swarm_has_secret_environment(service))
        add_environment(d, service, secrets);
}

void swarm_secrets_free(struct swarm_secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++) {
        free(secrets->items[i].name);
        free(secrets->items[i].file);
        wipe_free(secrets->items[i].text);
    }
    free(secrets->items);
    *secrets = (struct swarm_secrets){0};
}
