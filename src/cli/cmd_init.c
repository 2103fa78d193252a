/* apphost init: an apphost.yaml to begin with, or one that takes over the servers of a compose file. */
#include "cli/compose.h"
#include "cli/context.h"

#include "base/file.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {.name = "from",
     .type = OPTION_FILE,
     .value = "COMPOSE",
     .help = "take over what a compose file describes"},
    {.name = "schema", .type = OPTION_FLAG, .help = "write apphost.schema.json beside it, for editors"},
    {.name = NULL},
};

static const char begin[] = "# What `apphost up` starts. All that can stand here: man apphost.yaml\n";

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

static void add_name(struct strbuf *out)
{
    cleanup_free char *folder = path_canonical(".");
    cleanup_free char *name = compose_name(path_basename(folder));
    strbuf_addf(out, "name: %s\n\n", name);
}

static int write_schema(struct error *err)
{
    cleanup_free char *schema = manifest_schema_json();
    return file_write_atomic("apphost.schema.json", schema, strlen(schema), 0644, err);
}

static int refuse_existing(struct error *err)
{
    static const char *const names[] = {"apphost.yaml", "apphost.yml"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (file_exists(names[i])) {
            error_set(err, ERROR_FAILED, "%s is there already", names[i]);
            error_hint(err, "it is left as it is; remove it to begin anew");
            return -1;
        }
    return 0;
}

static int run(struct context *context, struct error *err)
{
    const char *from = args_value(&context->args, "from");
    bool schema = args_flag(&context->args, "schema");
    cleanup_strbuf struct strbuf text = {0};
    cleanup_strbuf struct strbuf notes = {0};
    if (refuse_existing(err))
        return -1;
    if (schema)
        strbuf_adds(&text, "# yaml-language-server: $schema=./apphost.schema.json\n");
    strbuf_adds(&text, begin);
    add_name(&text);
    if (!from)
        strbuf_adds(&text, example);
    else if (compose_convert(from, &text, &notes, err))
        return -1;
    if (context->dry_run) {
        fputs(strbuf_text(&text), stdout);
        return 0;
    }
    if (file_write_atomic("apphost.yaml", strbuf_text(&text), text.length, 0644, err) ||
        (schema && write_schema(err)))
        return -1;
    fputs(strbuf_text(&notes), stderr);
    output_note(&context->output, "wrote apphost.yaml; next: apphost up");
    return 0;
}

const struct command cmd_init = {
    .name = "init",
    .summary = "write an apphost.yaml to begin with",
    .usage = "[--from compose.yaml]",
    .description = "Writes an apphost.yaml into this folder, and never over one that is there. With --from "
                   "it takes over the "
                   "images, ports and dependencies of a compose file; what it cannot take over, it says.",
    .options = options,
    .group = GROUP_MANIFEST,
    .run = run,
};
