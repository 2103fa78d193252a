/* See preflight.h. Values that are known only when something runs (a port in a command) are not judged. */
#include "cli/preflight.h"
#include "project/native.h"

#include "machine/port.h"
#include "base/mem.h"
#include "base/pick.h"
#include "certs/certs.h"
#include "process/process.h"
#include "supervisor/supervisor.h"

#include <stdlib.h>
#include <string.h>

struct preflight {
    struct context *context;
    const struct plan *plan;
    bool is_running;     /* the project: its ports are its own */
    struct strlist said; /* hints: a PATH is long, and the same for many */
};

/* ---- how bad it is ---- */

static bool may_come_true(const struct plan *plan, const struct plan_node *node)
{
    const struct plan_resource *resource = NULL;
    if (node->resource)
        resource = plan_find_resource(plan, node->resource);
    if (resource && (resource->optional || resource->manual))
        return true;
    return plan_needs_task(plan, node);
}

/* Takes the error. */
static void add(struct preflight *p, const struct plan_node *node, const struct model_pos *pos,
                struct error *error)
{
    struct manifest_problems *problems = &p->context->project.problems;
    bool is_warning = may_come_true(p->plan, node);
    cleanup_free char *text = xasprintf("%s: %s", node->resource ? node->resource : node->id, error->text);
    struct error problem = {0};
    error_set(&problem, ERROR_MANIFEST, "%s", text);
    if (error->hint && !strlist_has(&p->said, error->hint)) {
        error_hint(&problem, "%s", error->hint);
        strlist_add(&p->said, error->hint);
    }
    if (!(pos && pos->line))
        pos = &node->pos;
    error_at(&problem, pos->file, pos->line, pos->column);
    error_clear(error);
    manifest_problems_add(problems, &problem, is_warning);
}

/* ---- programs and folders ---- */

static const char *literal_of(const struct plan_text *text)
{
    bool is_literal = text->count == 1 && text->parts[0].kind == PLAN_LITERAL;
    if (is_literal)
        return text->parts[0].text;
    return NULL;
}

/* "PATH=…" of a child; false when nobody can know it yet. */
static bool find_path(const struct preflight *p, const struct plan_run *run, struct strlist *environment)
{
    for (size_t i = run->environment_count; i > 0; i--) {
        const struct plan_variable *variable = &run->environment[i - 1];
        if (strcmp(variable->name, "PATH") != 0)
            continue;
        const char *value = literal_of(&variable->value);
        if (value)
            strlist_take(environment, xasprintf("PATH=%s", value));
        return value != NULL;
    }
    for (char **entry = p->plan->environment; entry && *entry; entry++)
        if (str_starts(*entry, "PATH="))
            strlist_add(environment, *entry);
    return true;
}

static const struct model_pos *command_pos(const struct model_resource *resource)
{
    bool has_command = resource && resource->kind == MODEL_PROCESS && resource->process.command_count;
    if (has_command)
        return &resource->process.command[0].pos;
    return NULL;
}

static void check_program(struct preflight *p, const struct plan_node *node, const char *program,
                          const struct model_pos *pos)
{
    const struct model_resource *resource = model_find(p->context->project.model, node->resource);
    cleanup_strlist struct strlist environment = {0};
    struct error error = {0};
    const char *argv[] = {program, NULL};
    if (!program || !find_path(p, &node->run, &environment))
        return;
    const struct process_options options = {.argv = argv,
                                            .environment = (const char *const *)environment.items,
                                            .working_dir = node->run.working_dir};
    if (process_check(&options, &error) == 0)
        return;
    bool is_folder = error.code == ERROR_RESOURCE && resource && resource->kind == MODEL_PROCESS;
    add(p, node, is_folder ? &resource->process.working_dir_pos : pos, &error);
}

static void check_process(struct preflight *p, const struct plan_node *node)
{
    const struct model_resource *resource = model_find(p->context->project.model, node->resource);
    const struct plan_run *run = &node->run;
    if (!resource || resource->kind != MODEL_PROCESS || !run->command_count)
        return;
    size_t before = p->context->project.problems.count;
    check_program(p, node, literal_of(&run->command[0]), command_pos(resource));
    bool is_good = before == p->context->project.problems.count;
    if (is_good && run->ready.kind == PLAN_PROBE_EXEC && run->ready.exec)
        check_program(p, node, run->ready.exec[0], &resource->ready.pos);
}

/* Replicas are the same but for their number. */
static void check_processes(struct preflight *p)
{
    for (size_t i = 0; i < p->plan->resource_count; i++) {
        const struct plan_node *node = plan_find(p->plan, p->plan->resources[i].node);
        if (node && node->kind == PLAN_PROCESS)
            check_process(p, node);
    }
    struct error error = {0};
    if (native_check(p->plan, p->context->environment, &error))
        manifest_problems_add(&p->context->project.problems, &error, false);
}

/* ---- certificates ---- */

static void check_certificate(struct preflight *p, const struct model_resource *resource)
{
    const struct plan_resource *planned = plan_find_resource(p->plan, resource->name);
    const struct plan_node *node = NULL;
    if (planned)
        node = plan_find(p->plan, planned->node);
    const struct model_tls *tls = &resource->redis.tls;
    struct certs_pair pair = {0};
    struct error error = {0};
    if (!node || !tls->on || !tls->cert)
        return;
    if (certs_load(tls->cert, tls->key, &pair, &error))
        add(p, node, &tls->pos, &error);
    certs_pair_free(&pair);
}

static void check_certificates(struct preflight *p)
{
    const struct model *model = p->context->project.model;
    for (size_t i = 0; i < model->resource_count; i++)
        if (!model->resources[i].inactive && model_is_server(model->resources[i].kind))
            check_certificate(p, &model->resources[i]);
}

/* ---- ports ---- */

static void check_port(struct preflight *p, const struct plan_node *node, const struct plan_port *port)
{
    /* What is kept from one session to the next holds its ports in between. */
    if (!port->fixed_port || node->run.persistent ||
        machine_port_is_free(port->bind_address, port->fixed_port))
        return;
    cleanup_free char *holder = machine_port_holder(port->fixed_port);
    const struct model_pos *pos;
    if (port->pos.line)
        pos = &port->pos;
    else
        pos = &node->pos;

    struct error error = {0};
    error_set(&error, ERROR_MANIFEST, "%s: port %d is taken now%s%s",
              node->resource ? node->resource : node->name, port->fixed_port, text_if(holder, ", by "),
              text_or_empty(holder));
    error_hint(&error, "another port, or end who holds it before `up`");
    error_at(&error, pos->file, pos->line, pos->column);
    manifest_problems_add(&p->context->project.problems, &error, true);
}

static void check_ports(struct preflight *p)
{
    for (size_t i = 0; !p->is_running && i < p->plan->node_count; i++)
        for (size_t j = 0; j < p->plan->nodes[i].run.port_count; j++)
            check_port(p, &p->plan->nodes[i], &p->plan->nodes[i].run.ports[j]);
}

/* ---- all of it ---- */

static int compare(const void *left, const void *right)
{
    const struct source *a = &((const struct manifest_problem *)left)->error.source;
    const struct source *b = &((const struct manifest_problem *)right)->error.source;
    if (!str_eq(a->file, b->file))
        return strcmp(text_or_empty(a->file), text_or_empty(b->file));
    if (a->line != b->line)
        return a->line - b->line;
    return a->column - b->column;
}

static void sort_since(struct manifest_problems *problems, size_t before)
{
    if (problems->count > before)
        qsort(problems->items + before, problems->count - before, sizeof *problems->items, compare);
}

void preflight(struct context *context)
{
    struct project *project = &context->project;
    struct preflight p = {.context = context, .plan = project->plan};
    struct state_session session = {0};
    size_t before = project->problems.count;
    p.is_running = project->prefix && !supervisor_find(project->root, project->prefix, &session, NULL);
    state_session_free(&session);
    check_processes(&p);
    check_certificates(&p);
    if (!project->has_engine || !project->engine.remote)
        check_ports(&p);
    strlist_free(&p.said);
    sort_since(&project->problems, before);
}
