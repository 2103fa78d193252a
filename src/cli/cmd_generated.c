/* Hidden commands that print what is generated from the tables: man pages and the JSON Schema. For `make
 * install`. */
#include "session/context.h"
#include "args/help.h"
#include "cli/commands.h"
#include "publish/publish.h"

#include "base/mem.h"

static int run_man(struct context *context, struct error *err)
{
    (void)context, (void)err;
    cleanup_strbuf struct strbuf page = {0};
    help_man_page(&cli_commands, &page);
    fputs(strbuf_text(&page), stdout);
    return 0;
}

static int run_schema(struct context *context, struct error *err)
{
    (void)context, (void)err;
    cleanup_free char *schema = manifest_schema_json();
    fputs(schema, stdout);
    return 0;
}

static int run_manifest_man(struct context *context, struct error *err)
{
    (void)context, (void)err;
    cleanup_free char *page = manifest_man_page();
    fputs(page, stdout);
    return 0;
}

static int run_publish_man(struct context *context, struct error *err)
{
    (void)context, (void)err;
    cleanup_free char *page = publish_man_page();
    fputs(page, stdout);
    return 0;
}

const struct command cmd_man = {
    .name = "__man", .summary = "apphost(1)", .usage = "", .description = "", .hidden = true, .run = run_man};
const struct command cmd_schema = {.name = "__schema",
                                   .summary = "JSON Schema",
                                   .usage = "",
                                   .description = "",
                                   .hidden = true,
                                   .run = run_schema};
const struct command cmd_manifest_man = {.name = "__manifest-man",
                                         .summary = "apphost.yaml(5)",
                                         .usage = "",
                                         .description = "",
                                         .hidden = true,
                                         .run = run_manifest_man};
const struct command cmd_publish_man = {.name = "__publish-man",
                                        .summary = "apphost-publish(7)",
                                        .usage = "",
                                        .description = "",
                                        .hidden = true,
                                        .run = run_publish_man};
