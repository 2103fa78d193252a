/* `publish swarm`: stack.yaml for `docker stack deploy`, and the files of its secrets beside it.
 *
 * A service is what `deploy swarm` would send (spec.c), its members under the names that a stack file has for
 * them. The names in the swarm are the same, too; a secret's holds a digest of its content, so
 * that a new content is a new secret. What only a deploy of ours does, nobody does there: nodes get no
 * labels, nobody waits for who is needed, tasks run at each deploy. That is said.
 *
 * The image's own command, where a shell has to stand in front of it, is asked of the engine, which has to
 * have the image: nothing is pulled. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct stack {
    const struct deployment *d;
    struct publish_files *files;
    cJSON *services, *secrets, *volumes;
    struct strbuf waiting; /* ", name": services whose data has no node */
    struct strbuf labels;  /* " --label-add …": what such a node has to have */
};

/* ---- members ---- */

/* The engine's names are a stack file's in another writing ("StartPeriod", start_period), but these. */
enum stack_form { RENAMED, DROPPED, MERGED, DURATION, TEXT };
struct stack_name {
    char from[17], to[13];
    unsigned char form; /* enum stack_form */
};
static const struct stack_name names[] = {
    {"Command", "entrypoint", RENAMED},
    {"Args", "command", RENAMED},
    {"Env", "environment", RENAMED},
    {"Dir", "working_dir", RENAMED},
    {"Mounts", "volumes", RENAMED},
    {"VolumeOptions", "volume", RENAMED},
    {"NoCopy", "nocopy", RENAMED},
    {"MemoryBytes", "memory", TEXT},
    {"TargetPort", "target", RENAMED},
    {"PublishedPort", "published", RENAMED},
    {"PublishMode", "mode", RENAMED},
    {"TotalCompletions", "replicas", RENAMED},
    {"SecretName", "source", RENAMED},
    {"File", "", MERGED},
    {"Name", "target", RENAMED},
    {"Interval", "interval", DURATION},
    {"Timeout", "timeout", DURATION},
    {"StartPeriod", "start_period", DURATION},
    {"Delay", "delay", DURATION},
    {"Monitor", "monitor", DURATION},
    {"StopGracePeriod", "", DURATION},
    {"MaxConcurrent", "", DROPPED},
    {"Labels", "", DROPPED},
    {"Hosts", "", DROPPED},
    {"Networks", "", DROPPED},
    {"ContainerSpec", "", DROPPED},
    {"SecretID", "", DROPPED},
};

static const struct stack_name *find_name(const char *from)
{
    static const struct stack_name as_it_is;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(names[i].from, from))
            return &names[i];
    return &as_it_is;
}

/* "StartPeriod": "start_period"; the caller frees. */
static char *snake(const char *name)
{
    struct strbuf out = {0};
    for (const char *c = name; *c; c++) {
        bool is_upper = isupper((unsigned char)*c);
        if (is_upper && c > name && islower((unsigned char)c[-1]))
            strbuf_addc(&out, '_');
        strbuf_addc(&out, (char)tolower((unsigned char)*c));
    }
    return strbuf_take(&out);
}

static void add_members(cJSON *out, const cJSON *object);

static cJSON *converted(const cJSON *value, enum stack_form form);

static cJSON *converted_elements(const cJSON *array)
{
    cJSON *out = cJSON_CreateArray();
    const cJSON *element;
    cJSON_ArrayForEach(element, array) cJSON_AddItemToArray(out, converted(element, RENAMED));
    return out;
}

static cJSON *converted(const cJSON *value, enum stack_form form)
{
    cleanup_free char *text = NULL;
    if (form == DURATION)
        text = publish_duration((int64_t)value->valuedouble / 1000000);
    if (form == TEXT)
        text = json_print(value);
    if (text)
        return cJSON_CreateString(text);
    if (!cJSON_IsObject(value) && !cJSON_IsObject(value->child))
        return cJSON_Duplicate(value, true);

    if (cJSON_IsArray(value))
        return converted_elements(value);
    cJSON *out = cJSON_CreateObject();
    add_members(out, value);
    return out;
}

static void add_member(cJSON *out, const cJSON *value)
{
    if (!value)
        return;
    const struct stack_name *name = find_name(value->string);
    cleanup_free char *own = snake(value->string);
    const char *to = name->to;
    if (!*to)
        to = own;
    if (name->form == MERGED)
        add_members(out, value);
    if (name->form == MERGED || name->form == DROPPED)
        return;

    cJSON *member = converted(value, name->form);
    bool is_many = cJSON_IsArray(member) || cJSON_IsObject(member);
    if (is_many && !member->child)
        cJSON_Delete(member);
    else
        cJSON_AddItemToObject(out, to, member);
}

static void add_members(cJSON *out, const cJSON *object)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, object) add_member(out, member);
}

static cJSON *convert_body(const cJSON *body)
{
    cJSON *out = cJSON_CreateObject();
    add_members(out, json_path(body, "TaskTemplate.ContainerSpec"));
    add_member(out, json_path(body, "EndpointSpec.Ports"));

    cJSON *deploy = json_add_object(out, "deploy");
    const cJSON *job = json_path(body, "Mode.ReplicatedJob");
    if (job)
        json_add_string(deploy, "mode", "replicated-job");
    add_members(deploy, job);
    add_members(deploy, json_path(body, "Mode.Replicated"));
    add_members(deploy, json_get(body, "TaskTemplate"));
    add_member(deploy, json_get(body, "UpdateConfig"));
    add_member(deploy, json_get(body, "RollbackConfig"));
    json_add_string(deploy, "endpoint_mode", json_string(json_get(body, "EndpointSpec"), "Mode", NULL));
    return out;
}

/* A dollar is a reference to a variable, wherever it stands. */
static void escape(cJSON *value)
{
    cJSON *below;
    cJSON_ArrayForEach(below, value) escape(below);
    if (!cJSON_IsString(value) || !strchr(value->valuestring, '$'))
        return;
    cleanup_strbuf struct strbuf out = {0};
    for (const char *c = value->valuestring; *c; c++) {
        if (*c == '$')
            strbuf_addc(&out, '$');
        strbuf_addc(&out, *c);
    }
    cJSON_SetValuestring(value, strbuf_text(&out));
}

/* ---- a service ---- */

static void add_secrets(struct stack *stack, const struct deployment_service *service)
{
    cleanup_swarm_secrets struct swarm_secrets secrets;
    swarm_secrets_of(stack->d, service, &secrets);
    for (size_t i = 0; i < secrets.count; i++) {
        const struct swarm_secret *secret = &secrets.items[i];
        cleanup_free char *file = xasprintf("secrets/%s", secret->name);
        cleanup_free char *path = xasprintf("./%s", file);
        cJSON *known = json_add_object(stack->secrets, secret->name);
        json_add_string(known, "name", secret->name);
        json_add_string(known, "file", path);
        publish_add_secret(stack->files, PUBLISH_VALUE, file, xstrdup(secret->text));
    }
}

/* What the manifest says in other words than the engine. */
static void add_others(cJSON *out, const struct deployment_service *service)
{
    for (size_t i = 0; i < service->extra_host_count; i++) {
        cJSON *hosts = json_get(out, "extra_hosts");
        if (!hosts)
            hosts = json_add_array(out, "extra_hosts");
        cJSON_AddItemToArray(hosts, cJSON_CreateString(service->extra_hosts[i]));
    }
    for (size_t i = 0; i < service->label_count; i++) {
        cJSON *labels = json_get(out, "labels");
        if (!labels)
            labels = json_add_object(out, "labels");
        json_add_string(labels, service->labels[i].name, service->labels[i].value);
    }
}

static void tell_task(struct stack *stack, const struct deployment_service *service)
{
    if (service->is_task)
        strlist_addf(
            &stack->files->notes,
            "the task %s runs at each `docker stack deploy` (of docker 23 or newer), and nobody waits "
            "for it",
            service->name);
}

static void add_volumes(struct stack *stack, const struct deployment_service *service)
{
    bool is_waiting = false;
    for (size_t i = 0; i < service->mount_count; i++) {
        const struct deployment_mount *mount = &service->mounts[i];
        cleanup_free char *name = swarm_volume_name(stack->d, mount->source);
        if (!mount->is_volume || json_get(stack->volumes, name))
            continue;

        cJSON *volume = json_add_object(stack->volumes, name);
        json_add_string(volume, "name", name);
        if (str_eq(name, mount->source))
            json_add_bool(volume, "external", true);
        if (service->placement)
            continue;

        cleanup_free char *label = swarm_volume_label(name);
        strbuf_addf(&stack->labels, " --label-add %s=true", label);
        if (!is_waiting)
            strbuf_addf(&stack->waiting, ", %s", service->name);
        is_waiting = true;
    }
}

/* One sentence for all of them: on a swarm of one node it is one command. */
static void tell_waiting(struct stack *stack)
{
    if (stack->waiting.length)
        strlist_addf(&stack->files->notes,
                     "what has data waits for the node that keeps it: docker node update%s NODE (%s)",
                     strbuf_text(&stack->labels), strbuf_text(&stack->waiting) + strlen(", "));
}

static void add_service(struct stack *stack, const struct deployment_service *service, const cJSON *config)
{
    struct swarm_parts parts = {.network = "", .image = service->image, .config = config, .turn = ""};
    cleanup_json cJSON *body = swarm_service_body(stack->d, service, &parts);
    cJSON *out = convert_body(body);
    cJSON_AddItemToObject(stack->services, service->name, out);
    add_others(out, service);
    escape(out);
    add_secrets(stack, service);
    add_volumes(stack, service);
    tell_task(stack, service);
}

/* ---- the whole ---- */

static int read_config(struct engine_once *once, const struct deployment_service *service, cJSON **config,
                       struct error *err)
{
    *config = NULL;
    if (!swarm_needs_config(service))
        return 0;
    engine_image_inspect(once->engine, service->image, engine_once_done, once);
    if (!engine_once_wait(once, err)) {
        *config = cJSON_Duplicate(json_get(once->json, "Config"), true);
        return 0;
    }
    if (err->code != ERROR_ENGINE)
        error_hint(err,
                   "docker pull %s: its variables hold secrets, which a shell reads before its own command",
                   service->image);
    error_at(err, service->image_pos.file, service->image_pos.line, service->image_pos.column);
    return -1;
}

static int add_generated(struct stack *stack, struct error *err)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON_AddItemToObject(document, "stringData", publish_generated(stack->d));
    const cJSON *all[] = {document};
    char *text = publish_yaml(all, 1, err);
    if (!text)
        return -1;
    publish_add_secret(stack->files, PUBLISH_WHOLE, PUBLISH_GENERATED, text);
    return 0;
}

static int add_file(struct stack *stack, struct error *err)
{
    cJSON *document = cJSON_CreateObject();
    json_add_string(document, "version", "3.8");
    cJSON_AddItemReferenceToObject(document, "services", stack->services);
    if (stack->volumes->child)
        cJSON_AddItemReferenceToObject(document, "volumes", stack->volumes);
    if (stack->secrets->child)
        cJSON_AddItemReferenceToObject(document, "secrets", stack->secrets);
    const cJSON *all[] = {document};
    char *text = publish_yaml(all, 1, err);
    cJSON_Delete(document);
    if (!text)
        return -1;
    publish_add(stack->files, PUBLISH_WHOLE, "stack.yaml", text);
    return 0;
}

bool deploy_stack_needs_engine(const struct deployment *d)
{
    for (size_t i = 0; i < d->service_count; i++)
        if (swarm_needs_config(&d->services[i]))
            return true;
    return false;
}

int deploy_stack(struct engine_once *once, struct publish_files *files, const struct deployment *d,
                 struct error *err)
{
    struct stack stack = {.d = d, .files = files};
    int failed = swarm_check_names(d, err);
    stack.services = cJSON_CreateObject();
    stack.secrets = cJSON_CreateObject();
    stack.volumes = cJSON_CreateObject();
    for (size_t i = 0; !failed && i < d->service_count; i++) {
        cleanup_json cJSON *config = NULL;
        failed = read_config(once, &d->services[i], &config, err);
        if (!failed)
            add_service(&stack, &d->services[i], config);
    }
    if (!failed)
        failed = add_file(&stack, err);
    if (!failed)
        failed = add_generated(&stack, err);
    publish_add_missing_line(files, ".gitignore", "/secrets/");
    tell_waiting(&stack);

    strbuf_free(&stack.waiting);
    strbuf_free(&stack.labels);
    cJSON_Delete(stack.services);
    cJSON_Delete(stack.secrets);
    cJSON_Delete(stack.volumes);
    return failed;
}
