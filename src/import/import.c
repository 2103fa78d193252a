/* A compose file as a manifest, from reading to writing.
 *
 * Happy path: files → one tree → services, each with its kind → who needs whom, which variable is whose
 * address → each service's fields by the table → text. What is known of all services (ports, links) is
 * collected before a field is written, because a variable of one may need a port of another. */
#include "import/internal.h"

#include "base/file.h"
#include "base/pick.h"

#include <string.h>

enum { MOST_SERVICES = 500 };

/* ---- services ---- */

static bool is_reserved(const char *name)
{
    return !strcasecmp(name, "parameters") || !strcasecmp(name, "apphost") || !strcasecmp(name, "docker");
}

static const char *choose_name(struct import *im, const char *key)
{
    cleanup_free char *name = import_name(key);
    const char *chosen = arena_strdup(im->arena, name);
    bool is_free = !is_reserved(chosen);
    for (int n = 2;; n++) {
        for (size_t i = 0; i < im->count && is_free; i++)
            is_free = strcasecmp(im->services[i].name, chosen) != 0;
        if (is_free)
            return chosen;
        chosen = arena_printf(im->arena, "%.50s-%d", name, n);
        is_free = true;
    }
}

static void add_service(struct import *im, const struct yaml_node *key, const struct yaml_node *value)
{
    static const struct yaml_node nothing = {.kind = NODE_MAP, .text = ""};
    const char *name = choose_name(im, key->text);
    struct service *service = &im->services[im->count++];
    *service = (struct service){.key = key->text, .name = name, .at = key, .fields = value};
    if (value->kind != NODE_MAP)
        service->fields = &nothing;
}

static int collect(struct import *im, struct error *err)
{
    const struct yaml_node *services = manifest_get(im->root, "services");
    const char *file = im->request->files->items[0];
    if (!services || services->kind != NODE_MAP)
        return error_set(err, ERROR_MANIFEST, "%s has no services", file);
    if (services->count > MOST_SERVICES)
        return error_set(err, ERROR_MANIFEST, "%s has more than %d services", file, MOST_SERVICES);
    im->services = arena_alloc(im->arena, (services->count + 1) * sizeof *im->services);
    for (size_t i = 0; i < services->count; i++)
        add_service(im, services->keys[i], services->items[i]);
    return 0;
}

static bool is_written(const struct service *service)
{
    return service->kind == SERVICE_CONTAINER || service->kind == SERVICE_SERVER ||
           service->kind == SERVICE_PROCESS;
}

/* In steps, because each looks at all of what the one before has found. */
static void understand(struct import *im)
{
    for (size_t i = 0; i < im->count; i++)
        variables_list(im, &im->services[i]);
    family_classify(im);
    for (size_t i = 0; i < im->count; i++)
        ports_read(im, &im->services[i]);
    for (size_t i = 0; i < im->count; i++)
        if (is_written(&im->services[i]))
            links_read(im, &im->services[i]);
    for (size_t i = 0; i < im->count; i++)
        if (is_written(&im->services[i]))
            variables_resolve(im, &im->services[i]);
}

static void convert(struct import *im)
{
    for (size_t i = 0; i < im->count; i++) {
        if (is_written(&im->services[i]))
            import_fields(im, &im->services[i]);
        else
            family_remark(im, &im->services[i]);
    }
    for (size_t i = 0; i < im->count; i++)
        if (is_written(&im->services[i]))
            ports_finish(&im->services[i]);
}

/* ---- the top ---- */

static const char *reason_of(const char *key)
{
    static const char *const reasons[][2] = {
        {"version", "a manifest has none"},
        {"networks", "apphost makes one network, for those who talk"},
        {"volumes", "volumes belong to their resources, and begin empty: those of compose stay as they are"},
        {"secrets",
         "files are `bind_mounts` of those who have them; others are `parameters` with `secret: true`"},
        {"configs", "files are `bind_mounts` of those who have them"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (!strcmp(reasons[i][0], key))
            return reasons[i][1];
    if (str_starts(key, "x-"))
        return "an extension; where an anchor takes it in, it was taken over";
    return "has no counterpart";
}

static void write_top(struct import *im, struct strbuf *out)
{
    const struct yaml_node *root = im->root;
    for (size_t i = 0; i < root->count; i++) {
        const char *key = root->keys[i]->text;
        if (!strcmp(key, "services") || !strcmp(key, "name"))
            continue;
        cleanup_free char *shown = import_flow(root->items[i]), *name = str_printable(key);
        cleanup_strbuf struct strbuf text = {0};
        import_put_place(&text, root->keys[i]);
        strbuf_addf(&text, "%s: %s: %s", name, shown, reason_of(key));
        import_put_comment(out, 0, strbuf_text(&text));
        im->result->remarks++;
    }
}

static void write_name(struct import *im, struct strbuf *out)
{
    const struct yaml_node *name = manifest_get(im->root, "name");
    const char *text = NULL;
    if (name && name->kind == NODE_SCALAR)
        text = manifest_document_expand(im->document, import_text(im, name->text));
    if (!text || !*text)
        text = text_or(im->request->name, "app");
    cleanup_free char *clean = import_name(text);
    strbuf_addf(out, "name: %s\n", clean);

    /* One that stands beside the manifest is read anyway, unless others are named. */
    bool is_usual = im->variable_files.count == 1 && !strcmp(im->variable_files.items[0], ".env");
    if (!im->variable_files.count || is_usual)
        return;
    strbuf_adds(out, "env_file: [");
    for (size_t i = 0; i < im->variable_files.count; i++) {
        strbuf_adds(out, text_if(i, ", "));
        import_put_text(out, im->variable_files.items[i]);
    }
    strbuf_adds(out, "]\n");
}

/* ---- resources ---- */

/* Each line behind "# ", so that taking those two characters away makes it a resource. */
static void write_sketch(const struct service *service, struct strbuf *out)
{
    cleanup_strbuf struct strbuf text = {0};
    strbuf_addf(&text, "  %s:\n", service->name);
    pieces_write(service, &text);
    for (const char *line = strbuf_text(&text); *line;) {
        size_t length = strcspn(line, "\n");
        strbuf_addf(out, "  # %.*s\n", (int)length - 2, line + 2);
        line += length + 1;
    }
}

static void write_service(struct import *im, const struct service *service, struct strbuf *out)
{
    if (service->kind == SERVICE_PROCESS) {
        write_sketch(service, out);
        im->result->sketches++;
        return;
    }
    if (is_written(service)) {
        strbuf_addf(out, "  %s:\n", service->name);
        pieces_write(service, out);
        im->result->resources++;
        return;
    }

    strbuf_adds(out, "    # ");
    import_put_place(out, service->at);
    strbuf_addf(out, "%s %s\n", service->name, text_or_empty(service->why));
    pieces_write(service, out);
    im->result->remarks += service->kind == SERVICE_MEMBER;
}

static void write_resources(struct import *im, struct strbuf *out)
{
    bool has_any = false;
    for (size_t i = 0; i < im->count; i++)
        has_any = has_any || (is_written(&im->services[i]) && im->services[i].kind != SERVICE_PROCESS);
    strbuf_adds(out, text_pick(has_any, "resources:\n", "resources: {}"));
    if (!has_any)
        strbuf_adds(
            out,
            text_pick(im->count, "  # without the braces when one of these is no comment any more\n", "\n"));
    for (size_t i = 0; i < im->count; i++) {
        strbuf_adds(out, text_if(i, "\n"));
        write_service(im, &im->services[i], out);
    }
}

int import_compose(const struct import_request *request, struct strbuf *out, struct import_result *result,
                   struct error *err)
{
    struct manifest_document *document = manifest_document_new(request->environment);
    cleanup_free char *folder = path_dirname(request->files->items[0]);
    struct import im = {.request = request,
                        .document = document,
                        .arena = manifest_document_arena(document),
                        .result = result,
                        .folder = folder};
    int failed = merge_files(&im, err);
    if (!failed)
        failed = collect(&im, err);

    if (!failed) {
        understand(&im);
        convert(&im);
        write_name(&im, out);
        write_top(&im, out);
        strbuf_addc(out, '\n');
        write_resources(&im, out);
    }
    for (size_t i = 0; i < im.count; i++)
        pieces_free(&im.services[i]);
    manifest_document_free(document);
    return failed;
}
