/* The checks of `apphost doctor`, in order. See doctor.h. */
#include "doctor/doctor.h"
#include "project/drafts.h"
#include "project/native.h"
#include "project/owned.h"
#include "session/heal.h"

#include "machine/port.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"
#include "control/control.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LITTLE_ROOM = 16 << 20 };

/* Without containers: the servers' programs are what has to be there. */
static void check_native(struct doctor *doctor)
{
    const struct plan *plan = doctor->context->project.plan;
    cleanup_error struct error error = {0};
    if (plan && native_check(plan, doctor->context->environment, &error))
        doctor_fail(doctor, &error);
    else
        doctor_pass(doctor, "native: the servers run on this machine, without containers");
}

static void check_published(struct doctor *doctor)
{
    cleanup_error struct error error = {0};
    const struct engine_where *where = &doctor->engine.where;
    engine_find_where(doctor->engine.engine, engine_once_done, &doctor->engine);
    if (engine_once_wait(&doctor->engine, &error)) {
        doctor_fail(doctor, &error);
        return;
    }
    if (!where->count) {
        cleanup_free char *text = xasprintf("published ports cannot be reached from here: %s", where->how);
        doctor_refuse(doctor, text,
                      "run apphost in the engine's network (a container of it: --network host), or "
                      "set " VARIABLE_PUBLISHED_HOST);
        return;
    }

    cleanup_strbuf struct strbuf text = {0};
    strbuf_addf(&text, "published ports are reached at %s", where->places[0].host);
    if (where->count > 1)
        strbuf_addf(&text, " or %s", where->places[1].host);
    strbuf_addf(&text, ": %s", where->how);
    doctor_pass(doctor, strbuf_text(&text));
}

static void check_engine(struct doctor *doctor)
{
    struct context *context = doctor->context;
    struct project *project = &context->project;
    struct project_options options = context_project_options(context);
    cleanup_error struct error error = {0};
    int failed = project_resolve_engine(project, &options, &error);
    if (project->is_native) {
        check_native(doctor);
        return;
    }
    if (failed) {
        native_offer(project, context->environment, &error);
        doctor_fail(doctor, &error);
        return;
    }

    cleanup_free char *which =
        xasprintf("%s (%s)", project->engine.host, text_or(project->engine.origin, "default"));

    if (engine_once_open(&doctor->engine, &project->engine, context->environment, &error)) {
        doctor_fail(doctor, &error);
        return;
    }
    engine_ping(doctor->engine.engine, engine_once_done, &doctor->engine);
    if (engine_once_wait(&doctor->engine, &error)) {
        doctor_warn(doctor, which, "if that is the wrong one: --host ADDRESS, or DOCKER_HOST");
        native_offer(project, context->environment, &error);
        doctor_fail(doctor, &error);
        engine_once_close(&doctor->engine);
        return;
    }

    doctor->has_engine = true;
    cleanup_free char *version =
        xasprintf("%s, %s, API %s", which, *doctor->engine.server ? doctor->engine.server : "engine",
                  doctor->engine.api_version);
    doctor_pass(doctor, version);
    check_published(doctor);
}

static void check_manifest(struct doctor *doctor)
{
    const struct project *project = &doctor->context->project;
    if (project->plan) {
        cleanup_free char *text =
            xasprintf("%s: project %s, %zu resource%s", project->manifest, project->name,
                      project->plan->resource_count, plural_s(project->plan->resource_count));
        doctor_pass(doctor, text);
    } else if (!project->problems.errors) {
        doctor_warn(doctor, text_or(doctor->manifest.text, "no manifest"), "apphost init");
    } else {
        error_hint(&doctor->manifest, "apphost validate");
        doctor_fail(doctor, &doctor->manifest);
    }
}

static void check_image(struct doctor *doctor, const char *image)
{
    cleanup_error struct error error = {0};
    cleanup_free char *reference = engine_image_normalise(doctor->engine.engine, image, &error);
    if (!reference) {
        doctor_fail(doctor, &error);
        return;
    }
    engine_image_inspect(doctor->engine.engine, reference, engine_once_done, &doctor->engine);
    bool missing = engine_once_wait(&doctor->engine, &error) != 0;
    if (missing) {
        cleanup_free char *text = xasprintf("%s is not there yet: up will pull it", image);
        doctor_warn(doctor, text, "apphost pull");
    } else {
        cleanup_free char *text = xasprintf("%s is there", image);
        doctor_pass(doctor, text);
    }
}

static void check_images(struct doctor *doctor)
{
    const struct plan *plan = doctor->context->project.plan;
    cleanup_strlist struct strlist seen = {0};
    for (size_t i = 0; doctor->has_engine && plan && i < plan->node_count; i++) {
        const char *image = plan->nodes[i].run.image;
        if (plan->nodes[i].kind != PLAN_CONTAINER || !image || strlist_has(&seen, image))
            continue;
        strlist_add(&seen, image);
        check_image(doctor, image);
    }
}

static void check_port(struct doctor *doctor, const struct plan_node *node, const struct plan_port *port)
{
    int number = port->fixed_port;
    if (!number)
        number = port->preferred_port;
    if (!number || machine_port_is_free(port->bind_address, number))
        return;
    cleanup_free char *holder = machine_port_holder(number);
    cleanup_free char *text =
        xasprintf("port %d of %s is taken%s%s", number, text_or(node->resource, node->id),
                  text_if(holder, " by "), text_or_empty(holder));
    if (port->fixed_port)
        doctor_refuse(doctor, text, "another host_port in the manifest, or end who holds it");
    else
        doctor_pass(doctor, text);
}

/* While the project runs, its ports are taken, by itself. */
static void check_ports(struct doctor *doctor)
{
    const struct project *project = &doctor->context->project;
    struct state_session session = {0};
    bool runs = project->prefix && !supervisor_find(project->root, project->prefix, &session, NULL);
    state_session_free(&session);
    if (runs) {
        doctor_pass(doctor, "the project is running: its ports are its own");
        return;
    }
    int before = doctor->counts[DOCTOR_FAIL];
    for (size_t i = 0; project->plan && i < project->plan->node_count; i++)
        for (size_t p = 0; p < project->plan->nodes[i].run.port_count; p++)
            check_port(doctor, &project->plan->nodes[i], &project->plan->nodes[i].run.ports[p]);
    if (project->plan && before == doctor->counts[DOCTOR_FAIL])
        doctor_pass(doctor, "no port of the manifest is in anybody's way");
}

/* Sessions whose lock nobody holds; *live gets the prefixes of the others. */
static int count_dead(const char *root, struct strlist *live)
{
    cleanup_strlist struct strlist prefixes = {0};
    int dead = 0;
    if (state_list(root, &prefixes, NULL))
        return 0;

    for (size_t i = 0; i < prefixes.count; i++) {
        cleanup_free char *folder = state_folder(root, prefixes.items[i]);
        struct state *state = state_open(folder, false, NULL);
        struct state_session session = {0};
        bool recorded = state && !state_session_read(state, &session, NULL);
        if (recorded && state_is_locked(state))
            strlist_add(live, prefixes.items[i]);
        else if (recorded)
            dead++;
        state_session_free(&session);
        if (state)
            state_close(state);
    }

    return dead;
}

/* Containers of sessions that nobody owns; *projects gets the names of theirs. */
static int count_orphans(struct doctor *doctor, const struct strlist *live, struct strlist *projects)
{
    const char *labels[] = {LABEL_PROJECT, NULL};
    int orphans = 0;
    engine_container_list(doctor->engine.engine, labels, engine_once_done, &doctor->engine);
    if (engine_once_wait(&doctor->engine, NULL))
        return 0;

    const cJSON *container;
    cJSON_ArrayForEach(container, doctor->engine.json)
    {
        const struct owned owned = owned_of(container);
        cleanup_free char *prefix = identity_prefix(owned.project, owned.hash);
        if (!owned_is_mine(&owned) || strlist_has(live, prefix) || owned.is_persistent)
            continue;
        orphans++;
        if (!strlist_has(projects, owned.project))
            strlist_add(projects, owned.project);
    }
    return orphans;
}

static void tell_healed(const struct heal_report *report, void *data)
{
    cleanup_strbuf struct strbuf text = {0};
    strbuf_addf(&text, "the last session of %s was killed", report->project);
    if (report->error) {
        strbuf_addf(&text, ", and what it left could not be removed: %s", report->error->text);
        doctor_warn(data, strbuf_text(&text), text_or(report->error->hint, "apphost gc"));
        return;
    }
    if (*report->removed)
        strbuf_addf(&text, "; removed what it left: %s", report->removed);
    doctor_pass(data, strbuf_text(&text));
}

static void heal_sessions(struct doctor *doctor)
{
    if (!doctor->context->dry_run)
        heal_all(doctor->context, tell_healed, doctor);
}

static void check_leftovers(struct doctor *doctor)
{
    cleanup_strlist struct strlist live = {0}, projects = {0};
    cleanup_free char *root = state_root(doctor->context->environment, NULL);
    int dead = 0;
    if (root)
        dead = count_dead(root, &live);
    int orphans = 0;
    if (doctor->has_engine)
        orphans = count_orphans(doctor, &live, &projects);
    if (!dead && !orphans) {
        doctor_pass(doctor, "no dead session has left anything");
        return;
    }

    cleanup_strbuf struct strbuf text = {0};
    strbuf_addf(&text, "%d dead session%s, %d container%s without an owner", dead, plural_s(dead), orphans,
                plural_s(orphans));
    const char *joint = " of ", *fix = "apphost down, in the project's folder";
    for (size_t i = 0; i < projects.count; i++) {
        strbuf_addf(&text, "%s%s", joint, projects.items[i]);
        joint = ", ";
    }
    if (dead)
        fix = "apphost gc";
    doctor_warn(doctor, strbuf_text(&text), fix);
}

static void tell_draft(const char *path, void *data)
{
    struct doctor *doctor = data;
    if (doctor->context->dry_run) {
        cleanup_free char *found = xasprintf("%s was left by a command that was killed", path);
        doctor_warn(doctor, found, "apphost gc");
        return;
    }
    cleanup_free char *removed = xasprintf("removed %s, which a killed command did not finish", path);
    doctor_pass(doctor, removed);
}

static void sweep_drafts(struct doctor *doctor)
{
    enum drafts_what what = DRAFTS_REMOVE;
    cleanup_free char *root = state_root(doctor->context->environment, NULL), *here = path_canonical(".");
    if (doctor->context->dry_run)
        what = DRAFTS_FIND;
    drafts_left(root, here, what, tell_draft, doctor);
}

static void check_room(struct doctor *doctor, const char *root)
{
    static const char fix[] = "another folder in XDG_STATE_HOME, or make room";
    struct statvfs space;

    if (access(root, W_OK | X_OK)) {
        cleanup_free char *text = xasprintf("%s may not be written", root);
        doctor_refuse(doctor, text, fix);
    } else if (!statvfs(root, &space) && (uint64_t)space.f_bavail * space.f_frsize < LITTLE_ROOM) {
        cleanup_free char *text = xasprintf("%s has little room left", root);
        doctor_warn(doctor, text, fix);
    } else
        doctor_pass(doctor, root);
}

static void check_state(struct doctor *doctor)
{
    cleanup_error struct error error = {0};
    cleanup_free char *root = state_root(doctor->context->environment, &error);
    if (!root || file_mkdirs(root, 0700, &error)) {
        doctor_fail(doctor, &error);
        return;
    }

    check_room(doctor, root);
    const struct project *project = &doctor->context->project;
    cleanup_free char *folder = NULL;
    if (project->prefix)
        folder = state_folder(root, project->prefix);
    struct state *state = NULL;
    if (folder && file_is_dir(folder))
        state = state_open(folder, false, &error);

    if (state)
        state_close(state);
    else if (error_is_set(&error))
        doctor_fail(doctor, &error);
}

static void check_sockets(struct doctor *doctor)
{
    cleanup_error struct error error = {0};
    cleanup_free char *path = control_socket_path(doctor->context->environment, "doctor", &error);
    if (!path) {
        doctor_fail(doctor, &error);
        return;
    }
    cleanup_free char *folder = path_dirname(path);
    doctor_pass(doctor, folder);
}

const struct doctor_check doctor_checks[] = {
    {"leftovers", heal_sessions}, /* forks: before a connection to the engine is open */
    {"program", doctor_check_program},
    {"engine", check_engine},
    {"leftovers", check_leftovers},
    {"leftovers", sweep_drafts},
    {"manifest", check_manifest},
    {"images", check_images},
    {"ports", check_ports},
    {"state", check_state},
    {"sessions", doctor_check_sessions},
    {"sockets", check_sockets},
    {NULL, NULL},
};
