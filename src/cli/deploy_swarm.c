/* `deploy swarm`: the conversation with the user about it. What is done is the room deploy/'s.
 *
 * Every change is a line on standard error as it is made; with -o json all of them are one document at the
 * end. A difference (--diff) is data: on standard output. */
#include "cli/deploy.h"
#include "session/question.h"
#include "deploy/deploy.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdio.h>
#include <stdlib.h>

struct talk {
    struct context *context;
    const struct deploy_options *options;
    cJSON *changes; /* with -o json */
};

/* ---- news ---- */

/* "created", where it was done; "create", where it would be. */
static const char *const done_words[] = {
    [DEPLOY_CREATE] = "created",    [DEPLOY_UPDATE] = "updated", [DEPLOY_REPLACE] = "replaced",
    [DEPLOY_RUN] = "started again", [DEPLOY_REMOVE] = "removed", [DEPLOY_ROLL_BACK] = "goes back",
    [DEPLOY_KEEP] = "unchanged",    [DEPLOY_WAIT] = "waits",     [DEPLOY_READY] = "ready",
    [DEPLOY_FAIL] = "failed",       [DEPLOY_SAY] = "",
};
EACH_OF(done_words, DEPLOY_VERB_COUNT);

static void keep(struct talk *talk, const struct deploy_news *news)
{
    cJSON *object = cJSON_CreateObject();
    json_add_string(object, "action", names_text(&deploy_verb_names, news->verb));
    json_add_string(object, "kind", news->kind);
    json_add_string(object, "name", news->name);
    json_add_string(object, "why", news->why);
    if (news->verb == DEPLOY_READY)
        json_add_int(object, "afterMs", news->took_ms);
    cJSON_AddItemToArray(talk->changes, object);
}

static void print_planned(const struct talk *talk, const struct deploy_news *news)
{
    FILE *stream = stderr;
    if (talk->options->diff)
        stream = stdout;
    cleanup_free char *why = str_printable(text_or_empty(news->why));
    fprintf(stream, "%s %s %s%s%s\n", names_text(&deploy_verb_names, news->verb), news->kind, news->name,
            text_if(news->why, ": "), why);
}

static void print_done(const struct talk *talk, const struct deploy_news *news)
{
    const struct output *output = &talk->context->output;
    cleanup_free char *why = str_printable(text_or_empty(news->why));
    char took[24] = "";
    if (news->took_ms)
        str_elapsed(news->took_ms, took);
    if (news->verb == DEPLOY_SAY)
        output_note(output, "%s: %s", news->name, why);
    else
        output_note(output, "%s %s: %s%s%s%s%s", news->kind, news->name, done_words[news->verb],
                    text_if(news->why, ": "), why, text_if(news->took_ms, " after "), took);
}

static void tell(const struct deploy_news *news, void *data)
{
    struct talk *talk = data;
    if (talk->context->output.json)
        keep(talk, news);
    else if (news->is_planned)
        print_planned(talk, news);
    else
        print_done(talk, news);
}

/* ---- the question ---- */

static int confirm(int changes, void *data, struct error *err)
{
    struct talk *talk = data;
    const struct context *context = talk->context;
    const char *where = context->project.engine.host;
    if (!context->output.interactive || context->output.json) {
        error_set(err, ERROR_USAGE, "%d change%s in the swarm at %s, and nobody to ask", changes,
                  plural_s(changes), where);
        error_hint(err, "-y makes them without asking, --diff shows them");
        return -1;
    }
    fprintf(stderr, "%d change%s of %s in the swarm at %s (%s). Go on? [y/N] ", changes, plural_s(changes),
            context->project.name, where, context->project.engine.origin);
    return question_ask(NULL, "nothing was changed", err);
}

/* ---- ways ---- */

static int converge(struct engine_once *once, struct deployment *d, const struct deploy_wish *wish,
                    struct error *err)
{
    const struct talk *talk = wish->data;
    const struct output *output = &talk->context->output;
    int count = 0;
    if (!talk->options->diff)
        return deploy_swarm(once, d, wish, err);
    count = deploy_swarm_diff(once, d, wish, err);
    if (count == 0 && !output->json)
        output_note(output, "nothing would change");
    return int_min(count, 0);
}

static int with_engine(struct talk *talk, struct cli_deployment *c, struct engine_once *once,
                       struct error *err)
{
    const struct deploy_options *options = talk->options;
    struct deploy_wish wish = {
        .wait_ms = options->wait_ms,
        .takes_over = options->takes_over,
        .places = &options->places,
        .store = &c->store,
        .tell = tell,
        .data = talk,
    };

    if (!options->yes && !options->diff)
        wish.confirm = confirm;
    if (options->remove)
        return deploy_swarm_remove(once, c->deployment->project, options->volumes, &wish, err);
    if (options->rollback)
        return deploy_swarm_roll_back(once, c->deployment->project, &wish, err);
    return converge(once, c->deployment, &wish, err);
}

static void print_json(const struct talk *talk)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "target", "swarm");
    json_add_string(document, "project", talk->context->project.name);
    json_add_string(document, "engine", talk->context->project.engine.host);
    cJSON_AddItemToObject(document, "changes", cJSON_Duplicate(talk->changes, true));
    output_json(document);
}

static int with_deployment(struct talk *talk, struct cli_deployment *c, struct error *err)
{
    struct context *context = talk->context;
    struct project_options how = context_project_options(context);
    struct engine_once once;
    if (project_resolve_engine(&context->project, &how, err) ||
        engine_once_open(&once, &context->project.engine, context->environment, err))
        return -1;
    int failed = with_engine(talk, c, &once, err);
    engine_once_close(&once);
    if (!failed && context->output.json)
        print_json(talk);
    return failed;
}

int cli_deploy_swarm(struct context *context, const struct deploy_options *options, struct error *err)
{
    struct deployment_options how = {
        .target = DEPLOYMENT_SWARM, .project = context->project.name, .with_tools = options->with_tools};
    struct talk talk = {.context = context, .options = options, .changes = cJSON_CreateArray()};
    struct cli_deployment c;
    int failed = cli_deployment_open(&c, context, &how, err);
    if (!failed)
        failed = with_deployment(&talk, &c, err);
    cli_deployment_close(&c);
    cJSON_Delete(talk.changes);
    return failed;
}
