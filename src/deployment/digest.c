/* Digests of what a service is made of: keyed, so that they may stand in labels. Every member goes in with
 * its name, in one order: the tables' (who changes a name or the order has every service deployed again). */
#include "deployment/internal.h"
#include "base/digest.h"
#include "base/pick.h"
#include "record/record.h"

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

/* A member by its name and type, where it is in its structure. */
struct digest_row {
    char name[12];
    unsigned char type; /* enum record_type */
    unsigned short offset;
};

static void add_member(struct strbuf *all, const struct digest_row *row, const void *member)
{
    switch (row->type) {
    case FIELD_STRING:
        add(all, row->name, *(const char *const *)member);
        return;
    case FIELD_INT64:
        add_number(all, row->name, *(const int64_t *)member);
        return;
    case FIELD_BOOL:
        add_number(all, row->name, *(const bool *)member);
        return;
    default: /* FIELD_INT, and FIELD_NAME as the number that it is */
        add_number(all, row->name, *(const int *)member);
        return;
    }
}

static void add_rows(struct strbuf *all, const struct digest_row *rows, size_t count, const void *from)
{
    for (size_t i = 0; i < count; i++)
        add_member(all, &rows[i], (const char *)from + rows[i].offset);
}
#define ADD_ROWS(all, rows, from) add_rows(all, rows, sizeof(rows) / sizeof *(rows), from)

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

#define MEMBER(text, member, kind)                                                                           \
    {                                                                                                        \
        text, kind, RECORD_OF_##kind(OWNER, member)                                                          \
    }

#define OWNER struct deployment_mount
static const struct digest_row mount_rows[] = {
    MEMBER("mount", source, FIELD_STRING),
    MEMBER("target", target, FIELD_STRING),
    MEMBER("read only", read_only, FIELD_BOOL),
};
#undef OWNER

#define OWNER struct deployment_port
static const struct digest_row port_rows[] = {
    MEMBER("inside", inside, FIELD_INT),
    MEMBER("outside", outside, FIELD_INT),
    MEMBER("address", address, FIELD_STRING),
};
#undef OWNER

#define OWNER struct deployment_check
static const struct digest_row check_rows[] = {
    MEMBER("check", kind, FIELD_NAME),        MEMBER("shell", shell, FIELD_STRING),
    MEMBER("path", http_path, FIELD_STRING),  MEMBER("port", port, FIELD_INT),
    MEMBER("status", http_status, FIELD_INT), MEMBER("interval", interval_ms, FIELD_INT64),
    MEMBER("start", start_ms, FIELD_INT64),
};
#undef OWNER

#define OWNER struct deployment_service
static const struct digest_row origin_rows[] = {
    MEMBER("image", image, FIELD_STRING),        MEMBER("build", build, FIELD_STRING),
    MEMBER("platform", platform, FIELD_STRING),  MEMBER("user", user, FIELD_STRING),
    MEMBER("folder", working_dir, FIELD_STRING),
};

static const struct digest_row life_rows[] = {
    MEMBER("restart", restart.when, FIELD_NAME), MEMBER("retries", restart.max_retries, FIELD_INT),
    MEMBER("signal", stop_signal, FIELD_INT),    MEMBER("grace", stop_timeout_ms, FIELD_INT64),
    MEMBER("memory", memory, FIELD_INT64),       MEMBER("init", init, FIELD_BOOL),
    MEMBER("replicas", replicas, FIELD_INT),     MEMBER("manual", is_manual, FIELD_BOOL),
    MEMBER("exposed", is_exposed, FIELD_BOOL),   MEMBER("placement", placement, FIELD_STRING),
};
#undef OWNER

static void add_mounts(const struct deployment_service *s, struct strbuf *all)
{
    for (size_t i = 0; i < s->mount_count; i++)
        ADD_ROWS(all, mount_rows, &s->mounts[i]);
    for (size_t i = 0; i < s->tmpfs_count; i++)
        add(all, "tmpfs", s->tmpfs[i]);
    for (size_t i = 0; i < s->port_count; i++)
        ADD_ROWS(all, port_rows, &s->ports[i]);
}

static void add_check(const struct deployment_check *check, struct strbuf *all)
{
    ADD_ROWS(all, check_rows, check);
    for (size_t i = 0; check->exec && check->exec[i]; i++)
        add(all, "exec", check->exec[i]);
}

void deployment_service_digest(const struct deployment *d, const struct deployment_service *s, char out[17])
{
    struct strbuf all = {0};

    ADD_ROWS(&all, origin_rows, s);
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
    ADD_ROWS(&all, life_rows, s);
    finish(d, &all, out);
}
