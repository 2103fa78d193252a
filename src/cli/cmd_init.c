/* apphost init: an apphost.yaml to begin with, or one that takes over the servers of a compose file. */
#include "import/import.h"
#include "session/context.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {.name = "from",
     .type = OPTION_FILE,
     .value = "COMPOSE",
     .repeat = true,
     .help = "take over what a compose file describes; again for one that is laid over it"},
    {.name = "schema", .type = OPTION_FLAG, .help = "write apphost.schema.json beside it, for editors"},
    {.name = NULL},
};

static const char begin[] = "# What `apphost up` starts. All that can stand here: man apphost.yaml\n";

static const char schema_line[] = "# yaml-language-server: $schema=./apphost.schema.json";

static const char example[] =
    "resources:\n"
    "  # A Redis server: its address and password are chosen, remembered, and handed to who references it.\n"
    "  cache:\n"
    "    type: redis\n"
    "    # data_volume: true           # keep the data from one run to the next\n"
    "\n"
    "  # A program of yours. It starts when the cache answers, and finds it in ConnectionStrings__cache, "
    "CACHE_URI,\n"
    "  # CACHE_HOST, CACHE_PORT and CACHE_PASSWORD.\n"
    "  # api:\n"
    "  #   type: process\n"
    "  #   command: [node, server.js]\n"
    "  #   references: [cache]\n"
    "  #   endpoints:\n"
    "  #     http: {env: PORT}\n"
    "  #   ready: {http: /health}\n";

static char *folder_name(void)
{
    cleanup_free char *folder = path_canonical(".");
    return import_name(path_basename(folder));
}

/* The manifest that is there, or NULL. */
static const char *existing(void)
{
    static const char *const names[] = {"apphost.yaml", "apphost.yml"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (file_exists(names[i]))
            return names[i];
    return NULL;
}

static int refuse(const char *manifest, struct error *err)
{
    error_set(err, ERROR_FAILED, "init would write an apphost.yaml, and %s is there already", manifest);
    error_hint(err,
               "it is left as it is; `apphost init --schema` writes only the schema for editors, beside it");
    return -1;
}

/* The schema is ours alone: it is written again, as this version has it. */
static int write_schema(const struct context *context, struct error *err)
{
    if (context->dry_run) {
        output_note(&context->output, "would write apphost.schema.json");
        return 0;
    }
    cleanup_free char *schema = manifest_schema_json();
    if (file_write_atomic("apphost.schema.json", schema, strlen(schema), 0644, err))
        return -1;
    output_note(&context->output, "wrote apphost.schema.json");
    return 0;
}

static int write_schema_beside(const struct context *context, const char *manifest, struct error *err)
{
    if (write_schema(context, err))
        return -1;
    cleanup_free char *text = file_read(manifest, 1 << 20, NULL, NULL);
    if (!context->dry_run && text && !strstr(text, "apphost.schema.json"))
        output_note(&context->output, "editors find it by a first line of %s: %s", manifest, schema_line);
    return 0;
}

/* How much of it is to be read before it is used. */
static void summarise(const struct context *context, const struct import_result *result)
{
    const struct output *output = &context->output;
    if (result->remarks)
        output_note(output, "%zu comment%s in it: what has no counterpart, or is otherwise here",
                    result->remarks, plural_s((int64_t)result->remarks));
    if (result->sketches)
        output_note(output, "%zu service%s to be built: sketched in comments, as a process", result->sketches,
                    text_pick(result->sketches == 1, " has", "s have"));
}

static int add_resources(struct context *context, struct strbuf *text, struct import_result *result,
                         struct error *err)
{
    cleanup_free char *name = folder_name();
    cleanup_strlist struct strlist files = {0};
    args_values(&context->args, "from", &files);
    if (!files.count) {
        strbuf_addf(text, "name: %s\n\n%s", name, example);
        return 0;
    }
    const struct import_request request = {
        .files = &files, .environment = context->environment, .name = name};
    return import_compose(&request, text, result, err);
}

static int write_manifest(struct context *context, struct error *err)
{
    bool schema = args_flag(&context->args, "schema");
    struct import_result result = {0};
    cleanup_strbuf struct strbuf text = {0};
    if (schema)
        strbuf_addf(&text, "%s\n", schema_line);
    strbuf_adds(&text, begin);
    if (add_resources(context, &text, &result, err))
        return -1;

    if (context->dry_run) {
        fputs(strbuf_text(&text), stdout);
        if (schema)
            return write_schema(context, err);
        return 0;
    }
    if (file_write_atomic("apphost.yaml", strbuf_text(&text), text.length, 0644, err) ||
        (schema && write_schema(context, err)))
        return -1;
    summarise(context, &result);
    output_note(&context->output, "wrote apphost.yaml; next: apphost up");
    return 0;
}

static int run(struct context *context, struct error *err)
{
    const char *manifest = existing();
    if (!manifest)
        return write_manifest(context, err);
    if (args_flag(&context->args, "schema") && !args_value(&context->args, "from"))
        return write_schema_beside(context, manifest, err);
    return refuse(manifest, err);
}

const struct command cmd_init = {
    .name = "init",
    .summary = "write an apphost.yaml to begin with",
    .usage = "[--from compose.yaml]… [--schema]",
    .description =
        "Writes an apphost.yaml into this folder, and never over one that is there. With --from "
        "it takes over what a compose file describes: Redis, Valkey and Garnet become servers with their "
        "password, persistence, directives and data, Commander and Insight their sidecars, replicas, "
        "sentinels and cluster nodes one topology; other images containers, with ports, files, variables "
        "and health checks; variables with a server's address become references to it. What has no "
        "counterpart stands as a comment at its place, with the line of the compose file and the reason; "
        "services that are built are sketched there as processes. Several files are laid over each other "
        "as compose does it (`include`, `extends` and `.env` too). Nothing is read from an engine, and "
        "data is not copied.\n"
        "With --schema it also writes apphost.schema.json, with which editors complete and check "
        "the manifest; where there is a manifest already, only that.",
    .examples = "apphost init\n"
                "apphost init --from compose.yaml\n"
                "apphost init --from compose.yaml --from compose.override.yaml\n"
                "apphost init --schema\n",
    .options = options,
    .group = GROUP_MANIFEST,
    .run = run,
};
