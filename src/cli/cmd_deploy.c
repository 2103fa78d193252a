/* apphost deploy: makes an engine that is there already run the manifest's application. One row a target. */
#include "cli/deploy.h"
#include "cli/deploy_kubernetes.h"

#include "base/mem.h"

typedef int deploy_target(struct context *context, const struct deploy_options *options, struct error *err);

/* NULL: it has no deploy. */
static deploy_target *const targets[] = {
    [DEPLOYMENT_COMPOSE] = NULL,
    [DEPLOYMENT_SWARM] = cli_deploy_swarm,
    [DEPLOYMENT_KUBERNETES] = cli_deploy_kubernetes,
};
EACH_OF(targets, DEPLOYMENT_TARGET_COUNT);

static int refuse_compose(struct error *err)
{
    error_set(err, ERROR_USAGE, "compose deploys by itself, what apphost publish compose writes");
    error_hint(err, "apphost publish compose -o DIR && cd DIR && docker compose up -d --wait");
    return -1;
}

/* Each of them is another thing to do. */
static int check_together(const struct deploy_options *options, struct error *err)
{
    if (options->diff + options->remove + options->rollback > 1)
        return error_set(err, ERROR_USAGE, "--diff, --remove and --rollback exclude each other");
    if (options->volumes && !options->remove)
        return error_set(err, ERROR_USAGE, "--volumes goes with --remove");
    return 0;
}

static int run(struct context *context, struct error *err)
{
    const struct args *args = &context->args;
    enum deployment_target target;
    if (cli_deployment_target(context, &target, err))
        return -1;
    if (!targets[target])
        return refuse_compose(err);

    struct deploy_options options = {
        .diff = args_flag(args, "diff") || context->dry_run,
        .remove = args_flag(args, "remove"),
        .volumes = args_flag(args, "volumes"),
        .rollback = args_flag(args, "rollback"),
        .yes = context->yes,
        .with_tools = args_flag(args, "with-tools"),
        .takes_over = args_flag(args, "take-over"),
        .wait_ms = context->wait_timeout_ms,
        .context_name = args_value(args, "context"),
        .namespace = args_value(args, "namespace"),
    };
    args_values(args, "place", &options.places);
    int code = check_together(&options, err);
    if (!code)
        code = targets[target](context, &options, err);
    strlist_free(&options.places);
    return code;
}

static const struct option options[] = {
    {.name = "diff", .type = OPTION_FLAG, .help = "only say what would change, and why"},
    {.name = "remove", .type = OPTION_FLAG, .help = "take away what this manifest deployed"},
    {.name = "volumes", .type = OPTION_FLAG, .help = "with --remove: the data too"},
    {.name = "rollback", .type = OPTION_FLAG, .help = "undo the last deploy"},
    {.name = "namespace",
     .type = OPTION_TEXT,
     .value = "NAME",
     .help = "kubernetes: where (default: that of the context)"},
    {.name = "place",
     .type = OPTION_TEXT,
     .repeat = true,
     .value = "RES=NODE",
     .help = "swarm: the node that keeps the data of a resource"},
    {.name = "take-over",
     .type = OPTION_FLAG,
     .help = "swarm: what another machine deployed becomes this one's, with new passwords"},
    DEPLOYMENT_OPTIONS(""),
};

const struct command cmd_deploy = {
    .name = "deploy",
    .summary = "make another engine run the application",
    .usage = "TARGET [--diff]\nTARGET --remove [--volumes]\nTARGET --rollback",
    .description =
        "Makes an engine that is there already run the application as the manifest describes it. TARGET is "
        "`swarm`: the Docker Swarm that the engine in use manages (--host, --context); or `kubernetes`: the "
        "cluster that your kubectl points at (--context, --namespace).\n"
        "What is there is compared with what is wanted, and only what differs is changed: a second deploy "
        "changes nothing. Services come up in the order of what they need, and each is waited for "
        "(--wait-timeout, else two minutes); what is ours and no longer in the manifest is deleted. Where it "
        "goes is named, and asked about once; -y does not ask.\n"
        "Swarm: images are looked for before anything is changed. A service that does not get ready goes "
        "back "
        "to what it was, and the command ends with what its task said. Passwords are secrets of the swarm, "
        "which "
        "does not tell them again: they are made once, and deployed.json in the project's state folder "
        "remembers them; from another machine nothing is changed without it. Data lives on one node: on "
        "several say which (--place).\n"
        "Kubernetes: what `apphost publish kubernetes` would write is applied by kubectl, server-side. "
        "Passwords that the cluster has are read back from it.\n"
        "Volumes stay at --remove, unless --volumes is given.",
    .examples = "apphost deploy swarm --diff\n"
                "apphost deploy swarm -y\n"
                "apphost deploy kubernetes --diff\n"
                "apphost deploy kubernetes -y\n"
                "apphost deploy kubernetes --remove -y\n",
    .options = options,
    .group = GROUP_MANIFEST,
    .needs = NEEDS_MODEL,
    .least = 1,
    .most = 1,
    .run = run,
};
