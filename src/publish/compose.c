/* compose.yaml and the .env beside it. Accepted by the real compose as it is: no key that an older engine
 * lacks
 * (`start_interval`), none that it ignores with a warning.
 *
 * Secrets are variables of .env. A server gets its configuration and the check's password as files that
 * compose copies in from there; consumers get theirs in their environment. Since compose does not make a
 * container anew when only the content of a secret changes, a label holds a keyed digest of it. */
#include "publish/internal.h"
#include "base/draft.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MODE = 0444 };

struct writer {
    const struct deployment *d;
    struct variables variables;
    struct publish_files *files;
    cJSON *secrets, *needed; /* top level; what has to be set */
    char *folder;            /* absolute */
};

/* A dollar is a reference to compose, wherever it stands. */
static void add_escaped(struct strbuf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '$')
            strbuf_addc(out, '$');
        strbuf_addc(out, *p);
    }
}

static char *escaped(const char *text)
{
    struct strbuf out = {0};
    add_escaped(&out, text);
    return strbuf_take(&out);
}

static void add(cJSON *object, const char *key, const char *text)
{
    if (text)
        publish_take_text(object, key, escaped(text));
}

static void push(cJSON *list, const char *text)
{
    cleanup_free char *safe = escaped(text);
    cJSON_AddItemToArray(list, cJSON_CreateString(safe));
}

static char *text_of(struct writer *w, const struct plan_text *text)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < text->count; i++) {
        const struct plan_part *part = &text->parts[i];
        if (part->kind == PLAN_SECRET) {
            cleanup_free char *name = variables_secret(&w->variables, part);
            strbuf_addf(&out, "${%s:?it is a secret of .env}", name);
        } else {
            struct plan_part one = *part;
            char *literal = deployment_text(w->d, &(struct plan_text){&one, 1});
            add_escaped(&out, literal);
            free(literal);
        }
    }
    return strbuf_take(&out);
}

/* ---- what it runs ---- */

static void add_image(struct writer *w, cJSON *out, const struct deployment_service *s)
{
    static const char *const policies[MODEL_PULL_COUNT] = {/* not all: what is missing is pulled anyway */
                                                           [MODEL_PULL_ALWAYS] = "always",
                                                           [MODEL_PULL_NEVER] = "never"};
    add(out, "image", s->image);
    if (s->build) {
        cJSON *build = json_add_object(out, "build");
        cleanup_free char *context = publish_relative(w->folder, s->build);
        add(build, "context", context);
        add(build, "dockerfile", s->build_file);
    }
    add(out, "platform", s->platform);
    if (s->pull < MODEL_PULL_COUNT)
        add(out, "pull_policy", policies[s->pull]);
}

static void add_words(struct writer *w, cJSON *out, const char *key, const struct plan_text *words,
                      size_t count)
{
    if (!count)
        return;
    cJSON *list = json_add_array(out, key);
    for (size_t i = 0; i < count; i++) {
        cleanup_free char *text = text_of(w, &words[i]);
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
    }
}

static void add_environment(struct writer *w, cJSON *out, const struct deployment_service *s)
{
    if (!s->environment_count)
        return;
    cJSON *map = json_add_object(out, "environment");
    for (size_t i = 0; i < s->environment_count; i++)
        publish_take_text(map, s->environment[i].name, text_of(w, &s->environment[i].value));
}

static void add_secret(struct writer *w, const struct deployment_file *file)
{
    cleanup_free char *name = variables_file(&w->variables, file);
    cJSON *secret = json_add_object(w->secrets, file->name);
    json_add_string(secret, "environment", name);
    publish_take_text(w->needed, file->name, xasprintf("${%s:?it is a secret of .env}", name));
}

static void add_files(struct writer *w, cJSON *out, const struct deployment_service *s)
{
    if (!s->file_count)
        return;
    cJSON *list = json_add_array(out, "secrets");
    for (size_t i = 0; i < s->file_count; i++) {
        cJSON *use = cJSON_CreateObject();
        json_add_string(use, "source", s->files[i].name);
        json_add_string(use, "target", s->files[i].file);
        json_add_int(use, "mode", FILE_MODE);
        cJSON_AddItemToArray(list, use);
        add_secret(w, &s->files[i]);
    }
}

/* ---- what it is given ---- */

static void add_mount(cJSON *list, const struct deployment_mount *mount)
{
    const char *type = "bind";
    cJSON *one = cJSON_CreateObject();
    if (mount->is_volume)
        type = "volume";
    json_add_string(one, "type", type);
    add(one, "source", mount->source);
    add(one, "target", mount->target);
    if (mount->read_only)
        json_add_bool(one, "read_only", true);
    cJSON_AddItemToArray(list, one);
}

static void add_mounts(cJSON *out, const struct deployment_service *s)
{
    for (size_t i = 0; i < s->mount_count; i++)
        add_mount(publish_list(out, "volumes"), &s->mounts[i]);
    for (size_t i = 0; i < s->tmpfs_count; i++)
        push(publish_list(out, "tmpfs"), s->tmpfs[i]);
}

static void add_ports(cJSON *out, const struct deployment_service *s)
{
    for (size_t i = 0; i < s->port_count; i++) {
        const struct deployment_port *port = &s->ports[i];
        if (!port->outside)
            continue;
        bool is_v6 = strchr(port->address, ':') != NULL;
        cleanup_free char *text = xasprintf("%s%s%s:%d:%d", text_if(is_v6, "["), port->address,
                                            text_if(is_v6, "]"), port->outside, port->inside);
        push(publish_list(out, "ports"), text);
    }
}

static void add_labels(struct writer *w, cJSON *out, const struct deployment_service *s)
{
    bool has_secret = deployment_has_secret(s);
    if (!s->label_count && !has_secret)
        return;
    cJSON *map = json_add_object(out, "labels");
    for (size_t i = 0; i < s->label_count; i++)
        add(map, s->labels[i].name, s->labels[i].value);
    if (!has_secret)
        return;
    char digest[17];
    deployment_secrets_digest(w->d, s, digest);
    json_add_string(map, LABEL_SECRETS, digest);
}

/* ---- its life ---- */

static void add_test(cJSON *health, const struct deployment_check *check)
{
    cJSON *test = json_add_array(health, "test");
    if (check->shell) {
        push(test, "CMD-SHELL");
        push(test, check->shell);
        return;
    }
    push(test, "CMD");
    for (size_t i = 0; check->exec[i]; i++)
        push(test, check->exec[i]);
}

static void add_check(cJSON *out, const struct deployment_service *s)
{
    const struct deployment_check *check = &s->check;
    if (!check->shell && check->kind != DEPLOYMENT_CHECK_EXEC)
        return;
    cJSON *health = json_add_object(out, "healthcheck");
    add_test(health, check);
    publish_take_text(health, "interval", publish_duration(check->interval_ms));
    publish_take_text(health, "timeout", publish_duration(check->timeout_ms));
    json_add_int(health, "retries", check->retries);
    publish_take_text(health, "start_period", publish_duration(check->start_ms));
}

static const char *condition(enum plan_until until)
{
    static const char *const words[PLAN_UNTIL_COUNT] = {[PLAN_STARTED] = "service_started",
                                                        [PLAN_HEALTHY] = "service_healthy",
                                                        [PLAN_COMPLETED] = "service_completed_successfully",
                                                        [PLAN_GONE] = "service_started"};
    return words[until];
}

/* What is started by hand only would be started with who needs it: it is not waited for. */
static void add_needs(struct writer *w, cJSON *out, const struct deployment_service *s)
{
    for (size_t i = 0; i < s->need_count; i++) {
        const struct deployment_need *need = &s->needs[i];
        const struct deployment_service *to = deployment_find(w->d, need->service);
        if (to->is_manual && !s->is_manual)
            continue;
        cJSON *one = json_add_object(publish_object(out, "depends_on"), need->service);
        json_add_string(one, "condition", condition(need->until));
        if (to->is_server && need->until == PLAN_HEALTHY)
            json_add_bool(one, "restart", true);
        if (!need->required)
            json_add_bool(one, "required", false);
    }
}

static char *restart_of(const struct deployment_service *s)
{
    if (s->is_task && s->restart.when == MODEL_RESTART_NEVER)
        return xstrdup("no");
    bool is_bounded = s->restart.when == MODEL_RESTART_ON_FAILURE && s->restart.max_retries >= 0;
    if (is_bounded)
        return xasprintf("on-failure:%d", s->restart.max_retries);
    if (s->is_task || s->restart.when == MODEL_RESTART_ON_FAILURE)
        return xstrdup("on-failure");
    return xstrdup("unless-stopped");
}

static void add_life(cJSON *out, const struct deployment_service *s)
{
    publish_take_text(out, "restart", restart_of(s));
    if (s->stop_signal != SIGTERM)
        publish_take_text(out, "stop_signal", xasprintf("SIG%s", publish_signal(s->stop_signal)));
    publish_take_text(out, "stop_grace_period", publish_duration(s->stop_timeout_ms));

    if (s->init)
        json_add_bool(out, "init", true);
    add(out, "user", s->user);
    add(out, "working_dir", s->working_dir);
    if (s->memory)
        json_add_int(out, "mem_limit", s->memory);
    for (size_t i = 0; i < s->extra_host_count; i++)
        push(publish_list(out, "extra_hosts"), s->extra_hosts[i]);

    if (s->replicas > 1)
        json_add_int(json_add_object(out, "deploy"), "replicas", s->replicas);
    if (s->is_sidecar)
        push(json_add_array(out, "profiles"), "tools");
    else if (s->is_manual)
        push(json_add_array(out, "profiles"), "manual");
}

static void add_service(struct writer *w, cJSON *services, const struct deployment_service *s)
{
    cJSON *out = json_add_object(services, s->name);
    add_image(w, out, s);
    add_words(w, out, "entrypoint", s->entrypoint, s->entrypoint_count);
    add_words(w, out, "command", s->command, s->command_count);
    add_environment(w, out, s);
    add_files(w, out, s);
    add_mounts(out, s);
    add_ports(out, s);
    add_check(out, s);
    add_needs(w, out, s);
    add_life(out, s);
    add_labels(w, out, s);
}

/* ---- the whole ---- */

static void add_volumes(const struct deployment *d, cJSON *document)
{
    if (!d->volume_count)
        return;
    cJSON *map = json_add_object(document, "volumes");
    for (size_t i = 0; i < d->volume_count; i++) {
        cJSON *one = json_add_object(map, d->volumes[i].name);
        if (!d->volumes[i].external)
            continue;
        json_add_bool(one, "external", true);
        add(one, "name", d->volumes[i].name);
    }
}

static cJSON *make_document(struct writer *w)
{
    const struct deployment *d = w->d;
    cJSON *document = cJSON_CreateObject();
    publish_take_text(document, "name", str_lower(d->project));
    cJSON *services = json_add_object(document, "services");
    for (size_t i = 0; i < d->service_count; i++)
        add_service(w, services, &d->services[i]);
    add_volumes(d, document);
    if (!w->secrets->child)
        return document;
    /* Else only `up` would find out that one is missing, and not name it. */
    cJSON_AddItemReferenceToObject(document, "x-secrets", w->needed);
    cJSON_AddItemReferenceToObject(document, "secrets", w->secrets);
    return document;
}

int publish_compose(struct publish_files *files, const struct deployment *d, struct error *err)
{
    struct writer w = {
        .d = d, .files = files, .secrets = cJSON_CreateObject(), .needed = cJSON_CreateObject()};
    w.folder = path_canonical(files->folder);
    int rc = variables_open(&w.variables, files, d, err);
    if (rc == 0) {
        cJSON *document = make_document(&w);
        const cJSON *all[] = {document};
        char *text = publish_yaml(all, 1, err);
        if (text)
            publish_add(files, PUBLISH_WHOLE, "compose.yaml", text);
        else
            rc = -1;
        cJSON_Delete(document);
    }
    if (rc == 0) {
        publish_add_missing_line(files, ".gitignore", "/.env"); /* before there is one */
        publish_add_missing_line(files, ".gitignore", DRAFTS_OF("/.env"));
        publish_add_secret(files, PUBLISH_ADDED, ".env", xstrdup(strbuf_text(&w.variables.added)));
    }

    variables_close(&w.variables);
    cJSON_Delete(w.secrets);
    cJSON_Delete(w.needed);
    free(w.folder);
    return rc;
}
