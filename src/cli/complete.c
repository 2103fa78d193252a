/* apphost __complete -- WORD…: what the completion scripts offer. Hidden.
 *
 * The first line says what follows: ":names" (candidates, one a line, a tab and a description behind some),
 * ":files",
 * ":folders" (the shell finds them), ":command N" (somebody else's command line begins at word N). The words
 * before the one that is typed are parsed as ever, so -f, -p and -C are heeded. A manifest with errors
 * completes to nothing: this is no place for messages. */
#include "args/completion.h"
#include "cli/commands.h"
#include "session/context.h"
#include "args/help.h"
#include "console/redis_store.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

struct completing {
    struct context *context;
    struct due due;
    struct args line; /* what stands before the word that is typed */
};

/* With what has been typed in front of it: the shells replace the whole word. */
static void offer(const struct completing *c, const char *name, const char *description)
{
    const char *word = c->due.typed - c->due.lead;
    if (!str_starts(name, c->due.typed))
        return;
    printf("%.*s%s", c->due.lead, word, name);
    printf(description && *description ? "\t%s\n" : "\n", description);
}

/* ---- names ---- */

static struct project *load(struct completing *c)
{
    struct project_options options = {.args = &c->line, .environment = c->context->environment};
    project_load(&c->context->project, &options, NULL);
    return &c->context->project;
}

static void offer_none(struct completing *c)
{
    (void)c;
}

static void offer_resources(struct completing *c)
{
    const struct model *model = load(c)->model;
    for (size_t i = 0; model && i < model->resource_count; i++) {
        const struct model_resource *resource = &model->resources[i];
        if (resource->inactive)
            continue;
        offer(c, resource->name, NULL);
        for (int n = 1; resource->kind == MODEL_PROCESS && n <= resource->process.replicas; n++) {
            cleanup_free char *replica = xasprintf("%s-%d", resource->name, n);
            offer(c, replica, NULL);
        }
    }
}

static const char *resource_before(const struct completing *c)
{
    if (c->line.names.count)
        return c->line.names.items[0];
    return "";
}

static void offer_endpoints(struct completing *c)
{
    const struct plan *plan = load(c)->plan;
    const struct plan_resource *resource = NULL;
    if (plan)
        resource = plan_find_resource(plan, resource_before(c));
    const struct plan_node *node = NULL;
    if (resource)
        node = plan_node_of(plan, resource, 0);
    for (size_t i = 0; node && i < node->run.port_count; i++)
        offer(c, node->run.ports[i].endpoint, NULL);
}

static void offer_snapshots(struct completing *c)
{
    struct project_options options = {.args = &c->line, .environment = c->context->environment};
    cleanup_strlist struct strlist names = {0};
    if (project_identify(&c->context->project, &options, NULL))
        return;
    redis_store_names(&c->context->project, resource_before(c), &names);
    for (size_t i = 0; i < names.count; i++)
        offer(c, names.items[i], NULL);
}

static void offer_projects(struct completing *c)
{
    cleanup_free char *root = state_root(c->context->environment, NULL);
    cleanup_strlist struct strlist prefixes = {0}, offered = {0};
    if (!root || state_list(root, &prefixes, NULL))
        return;
    for (size_t i = 0; i < prefixes.count; i++) {
        struct identity identity = {0};
        if (!identity_parse(prefixes.items[i], &identity))
            continue;
        if (!strlist_has(&offered, identity.name)) /* two may be called the same */
            offer(c, identity.name, NULL);
        strlist_take(&offered, identity.name);
    }
}

static void offer_profiles(struct completing *c)
{
    const struct model *model = load(c)->model;
    cleanup_strlist struct strlist offered = {0};
    for (size_t i = 0; model && i < model->resource_count; i++)
        for (size_t p = 0; p < model->resources[i].profile_count; p++) {
            const char *profile = model->resources[i].profiles[p];
            if (!strlist_has(&offered, profile))
                offer(c, profile, NULL);
            strlist_add(&offered, profile);
        }
}

static void offer_signals(struct completing *c)
{
    for (int i = 1; i < 32; i++)
        if (sigabbrev_np(i))
            offer(c, sigabbrev_np(i), sigdescr_np(i));
}

static void offer_shells(struct completing *c)
{
    offer(c, "bash", NULL);
    offer(c, "zsh", NULL);
    offer(c, "fish", NULL);
}

static void offer_verbs(struct completing *c)
{
    for (const struct command *const *command = cli_commands.list; *command; command++)
        if (!(*command)->hidden)
            offer(c, (*command)->name, (*command)->summary);
}

static void (*const offers[])(struct completing *c) = {
    [NAMES_NONE] = offer_none,           [NAMES_RESOURCES] = offer_resources,
    [NAMES_ENDPOINTS] = offer_endpoints, [NAMES_SNAPSHOTS] = offer_snapshots,
    [NAMES_PROJECTS] = offer_projects,   [NAMES_PROFILES] = offer_profiles,
    [NAMES_SIGNALS] = offer_signals,     [NAMES_SHELLS] = offer_shells,
    [NAMES_VERBS] = offer_verbs,
};
static_assert(sizeof offers / sizeof *offers == NAMES_COUNT, "every kind of name can be offered");

/* ---- options and their values ---- */

static void offer_options(const struct completing *c, const struct option *table)
{
    for (; table && table->name; table++) {
        cleanup_free char *name = xasprintf("--%s", table->name);
        const char letter[3] = {'-', table->letter, '\0'};
        if (table->hidden)
            continue;
        offer(c, name, table->help);
        if (table->letter && str_eq(c->due.typed, letter)) /* written out already */
            offer(c, letter, table->help);
    }
}

static void offer_choices(const struct completing *c, const char *choices)
{
    while (*choices) {
        size_t length = strcspn(choices, "|");
        cleanup_free char *choice = xstrndup(choices, length);
        offer(c, choice, NULL);
        choices += length + (choices[length] == '|');
    }
}

static void answer_value(struct completing *c)
{
    const char *none = NULL;
    const struct option *option = option_resolve(c->due.command, c->due.option, &none);
    switch (option->type) {
    case OPTION_FILE:
        puts(":files");
        return;
    case OPTION_FOLDER:
        puts(":folders");
        return;
    case OPTION_CHOICE:
        puts(":names");
        offer_choices(c, option->choices);
        return;
    case OPTION_TEXT:
        puts(":names");
        offers[option->names](c);
        return;
    case OPTION_FLAG:
    case OPTION_DURATION:
    case OPTION_COUNT:
        puts(":names");
        return;
    }
}

static void answer(struct completing *c)
{
    switch (c->due.kind) {
    case DUE_VALUE:
        answer_value(c);
        return;
    case DUE_COMMAND:
        printf(":command %d\n", c->due.at);
        return;
    case DUE_OPTION:
        puts(":names");
        offer_options(c, c->due.command ? c->due.command->options : NULL);
        offer_options(c, option_globals());
        return;
    case DUE_NAMES:
        puts(":names");
        offers[c->due.names](c);
        return;
    case DUE_NOTHING:
        puts(":names");
        return;
    }
}

/* Lists the verbs where no line is given: what documentation and tests go through. */
static int complete(struct context *context, struct error *err)
{
    (void)err;
    struct completing c = {.context = context, .due = {.typed = ""}};
    char *argv[256] = {(char *)"apphost"};
    char *const *words = context->args.rest;
    int count = 0;
    while (words && words[count] && count < 250)
        count++;
    if (!count) {
        offer_verbs(&c);
        return 0;
    }

    completion_due(&cli_commands, words, count, &c.due);
    for (int i = 0; i < c.due.at; i++)
        argv[1 + i] = words[i];
    args_parse(&c.line, &cli_commands, 1 + c.due.at, argv, context->environment, NULL);
    const char *folder = args_value(&c.line, "project-directory");
    if (!folder || !chdir(folder))
        answer(&c);
    args_free(&c.line);
    return 0;
}

const struct command cmd_complete = {
    .name = "__complete",
    .summary = "names for completion",
    .usage = "-- WORD…",
    .description = "",
    .hidden = true,
    .takes_command = true,
    .run = complete,
};
