/* Digests of what a service is made of: keyed, so that they may stand in labels. Every member goes in with
 * its name, in one order. */
#include "deployment/internal.h"
#include "base/digest.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

void deployment_digest(const struct deployment *d, const char *text, char out[17])
{
    char whole[65];
    digest_hmac(d->key, strlen(d->key), text, strlen(text), whole);
    memcpy(out, whole, 16);
    out[16] = '\0';
}

static void finish(const struct deployment *d, struct strbuf *all, char out[17])
{
    deployment_digest(d, strbuf_text(all), out);
    if (all->data)
        mem_wipe(all->data, all->length);
    strbuf_free(all);
}

static void add(struct strbuf *all, const char *name, const char *text)
{
    strbuf_addf(all, "%s %zu:%s\n", name, strlen(text_or_empty(text)), text_or_empty(text));
}

static void add_number(struct strbuf *all, const char *name, int64_t number)
{
    strbuf_addf(all, "%s %lld\n", name, (long long)number);
}

static void add_text(const struct deployment *d, struct strbuf *all, const char *name,
                     const struct plan_text *text)
{
    char *resolved = deployment_text(d, text);
    add(all, name, resolved);
    mem_wipe(resolved, strlen(resolved));
    free(resolved);
}

static void add_files(const struct deployment *d, const struct deployment_service *s, struct strbuf *all)
{
    for (size_t i = 0; i < s->file_count; i++) {
        add(all, "file", s->files[i].path);
        add_text(d, all, "content", &s->files[i].text);
    }
}

void deployment_secrets_digest(const struct deployment *d, const struct deployment_service *s, char out[17])
{
    struct strbuf all = {0};
    add_files(d, s, &all);
    for (size_t i = 0; i < s->environment_count; i++)
        if (plan_has_secret(&s->environment[i].value))
            add_text(d, &all, s->environment[i].name, &s->environment[i].value);
    finish(d, &all, out);
}

static void add_mounts(const struct deployment_service *s, struct strbuf *all)
{
    for (size_t i = 0; i < s->mount_count; i++) {
        add(all, "mount", s->mounts[i].source);
        add(all, "target", s->mounts[i].target);
        add_number(all, "read only", s->mounts[i].read_only);
    }
    for (size_t i = 0; i < s->tmpfs_count; i++)
        add(all, "tmpfs", s->tmpfs[i]);
    for (size_t i = 0; i < s->port_count; i++) {
        add_number(all, "inside", s->ports[i].inside);
        add_number(all, "outside", s->ports[i].outside);
        add(all, "address", s->ports[i].address);
    }
}

static void add_check(const struct deployment_check *check, struct strbuf *all)
{
    add_number(all, "check", check->kind);
    add(all, "shell", check->shell);
    add(all, "path", check->http_path);
    add_number(all, "port", check->port);
    add_number(all, "status", check->http_status);
    add_number(all, "interval", check->interval_ms);
    add_number(all, "start", check->start_ms);
    for (size_t i = 0; check->exec && check->exec[i]; i++)
        add(all, "exec", check->exec[i]);
}

static void add_life(const struct deployment_service *s, struct strbuf *all)
{
    add_number(all, "restart", s->restart.when);
    add_number(all, "retries", s->restart.max_retries);
    add_number(all, "signal", s->stop_signal);
    add_number(all, "grace", s->stop_timeout_ms);
    add_number(all, "memory", s->memory);
    add_number(all, "init", s->init);
    add_number(all, "replicas", s->replicas);
    add_number(all, "manual", s->is_manual);
    add_number(all, "exposed", s->is_exposed);
    add(all, "placement", s->placement);
}

void deployment_service_digest(const struct deployment *d, const struct deployment_service *s, char out[17])
{
    struct strbuf all = {0};
    add(&all, "image", s->image);
    add(&all, "build", s->build);
    add(&all, "platform", s->platform);
    add(&all, "user", s->user);
    add(&all, "folder", s->working_dir);

    for (size_t i = 0; i < s->entrypoint_count; i++)
        add_text(d, &all, "entrypoint", &s->entrypoint[i]);
    for (size_t i = 0; i < s->command_count; i++)
        add_text(d, &all, "command", &s->command[i]);
    for (size_t i = 0; i < s->environment_count; i++)
        add_text(d, &all, s->environment[i].name, &s->environment[i].value);
    for (size_t i = 0; i < s->extra_host_count; i++)
        add(&all, "host", s->extra_hosts[i]);
    for (size_t i = 0; i < s->label_count; i++)
        add(&all, s->labels[i].name, s->labels[i].value);

    add_files(d, s, &all);
    add_mounts(s, &all);
    add_check(&s->check, &all);
    add_life(s, &all);
    finish(d, &all, out);
}
