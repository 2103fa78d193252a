/* The checks of `apphost doctor`, in order. See doctor.h. */
#include "doctor/doctor.h"
#include "project/native.h"

#include "machine/port.h"
#include "base/file.h"
#include "base/mem.h"
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
        doctor_add(doctor, DOCTOR_PASS, "native: the servers run on this machine, without containers", NULL);
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
        doctor_add(doctor, DOCTOR_FAIL, text,
                   "run apphost in the engine's network, or set APPHOST_PUBLISHED_HOST");
        return;
    }

    bool has_other = where->count > 1;
    cleanup_free char *text =
        xasprintf("published ports are reached at %s%s%s: %s", where->places[0].host, has_other ? " or " : "",
                  has_other ? where->places[1].host : "", where->how);
    doctor_add(doctor, DOCTOR_PASS, text, NULL);
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

    cleanup_free char *which = xasprintf("%s (%s)", project->engine.host,
                                         project->engine.origin ? project->engine.origin : "default");

    if (engine_once_open(&doctor->engine, &project->engine, context->environment, &error)) {
        doctor_fail(doctor, &error);
        return;
    }
    engine_ping(doctor->engine.engine, engine_once_done, &doctor->engine);
    if (engine_once_wait(&doctor->engine, &error)) {
        doctor_add(doctor, DOCTOR_WARNING, which, NULL);
        native_offer(project, context->environment, &error);
        doctor_fail(doctor, &error);
        engine_once_close(&doctor->engine);
        return;
    }

    doctor->has_engine = true;
    cleanup_free char *version =
        xasprintf("%s, %s, API %s", which, *doctor->engine.server ? doctor->engine.server : "engine",
                  doctor->engine.api_version);
    doctor_add(doctor, DOCTOR_PASS, version, NULL);
    check_published(doctor);
}

static void check_manifest(struct doctor *doctor)
{
    const struct project *project = &doctor->context->project;
    if (project->plan) {
        cleanup_free char *text =
            xasprintf("%s: project %s, %zu resource%s", project->manifest, project->name,
                      project->plan->resource_count, project->plan->resource_count == 1 ? "" : "s");
        doctor_add(doctor, DOCTOR_PASS, text, NULL);
    } else if (!project->problems.errors) {
        doctor_add(doctor, DOCTOR_WARNING, doctor->manifest.text ? doctor->manifest.text : "no manifest",
                   "apphost init");
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
    cleanup_free char *text =
        xasprintf("%s %s", image, missing ? "is not there yet: up will pull it" : "is there");
    doctor_add(doctor, missing ? DOCTOR_WARNING : DOCTOR_PASS, text, missing ? "apphost pull" : NULL);
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
    int number = port->fixed_port ? port->fixed_port : port->preferred_port;
    if (!number || machine_port_is_free(port->bind_address, number))
        return;
    cleanup_free char *holder = machine_port_holder(number);
    cleanup_free char *text =
        xasprintf("port %d of %s is taken%s%s", number, node->resource ? node->resource : node->id,
                  holder ? " by " : "", holder ? holder : "");
    if (port->fixed_port)
        doctor_add(doctor, DOCTOR_FAIL, text, "another host_port in the manifest, or end who holds it");
    else
        doctor_add(doctor, DOCTOR_PASS, text, NULL);
}

/* While the project runs, its ports are taken, by itself. */
static void check_ports(struct doctor *doctor)
{
    const struct project *project = &doctor->context->project;
    struct state_session session = {0};
    bool runs = project->prefix && !supervisor_find(project->root, project->prefix, &session, NULL);
    state_session_free(&session);
    if (runs) {
        doctor_add(doctor, DOCTOR_PASS, "the project is running: its ports are its own", NULL);
        return;
    }
    int before = doctor->counts[DOCTOR_FAIL];
    for (size_t i = 0; project->plan && i < project->plan->node_count; i++)
        for (size_t p = 0; p < project->plan->nodes[i].run.port_count; p++)
            check_port(doctor, &project->plan->nodes[i], &project->plan->nodes[i].run.ports[p]);
    if (project->plan && before == doctor->counts[DOCTOR_FAIL])
        doctor_add(doctor, DOCTOR_PASS, "no port of the manifest is in anybody's way", NULL);
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
    const char *labels[] = {"io.apphost.project", NULL};
    int orphans = 0;
    engine_container_list(doctor->engine.engine, labels, engine_once_done, &doctor->engine);
    if (engine_once_wait(&doctor->engine, NULL))
        return 0;

    const cJSON *container;
    cleanup_free char *uid = xasprintf("%ld", (long)getuid());

    cJSON_ArrayForEach(container, doctor->engine.json)
    {
        const cJSON *own = json_get(container, "labels");
        const char *project = json_string(own, "io.apphost.project", "");
        cleanup_free char *prefix =
            xasprintf("%s-%s", project, json_string(own, "io.apphost.project-hash", ""));
        if (str_eq(json_string(own, "io.apphost.uid", ""), uid) && !strlist_has(live, prefix) &&
            !str_eq(json_string(own, "io.apphost.lifetime", ""), "persistent")) {
            orphans++;
            if (!strlist_has(projects, project))
                strlist_add(projects, project);
        }
    }
    return orphans;
}

static void check_leftovers(struct doctor *doctor)
{
    cleanup_strlist struct strlist live = {0}, projects = {0};
    cleanup_free char *root = state_root(doctor->context->environment, NULL);
    int dead = root ? count_dead(root, &live) : 0;
    int orphans = doctor->has_engine ? count_orphans(doctor, &live, &projects) : 0;
    if (!dead && !orphans) {
        doctor_add(doctor, DOCTOR_PASS, "no dead session has left anything", NULL);
        return;
    }
    cleanup_strbuf struct strbuf text = {0};
    strbuf_addf(&text, "%d dead session%s, %d container%s without an owner", dead, dead == 1 ? "" : "s",
                orphans, orphans == 1 ? "" : "s");
    for (size_t i = 0; i < projects.count; i++)
        strbuf_addf(&text, "%s%s", i ? ", " : " of ", projects.items[i]);
    doctor_add(doctor, DOCTOR_WARNING, strbuf_text(&text),
               dead ? "apphost gc" : "apphost down, in the project's folder");
}

static void check_state(struct doctor *doctor)
{
    cleanup_error struct error error = {0};
    cleanup_free char *root = state_root(doctor->context->environment, &error);
    if (!root || file_mkdirs(root, 0700, &error)) {
        doctor_fail(doctor, &error);
        return;
    }

    struct statvfs space;
    bool is_writable = !access(root, W_OK | X_OK);
    bool is_full = !statvfs(root, &space) && (uint64_t)space.f_bavail * space.f_frsize < LITTLE_ROOM;
    cleanup_free char *text = xasprintf("%s%s", root,
                                        !is_writable ? " may not be written"
                                        : is_full    ? " has little room left"
                                                     : "");

    doctor_add(doctor,
               !is_writable ? DOCTOR_FAIL
               : is_full    ? DOCTOR_WARNING
                            : DOCTOR_PASS,
               text, !is_writable || is_full ? "another folder in XDG_STATE_HOME, or make room" : NULL);
    const struct project *project = &doctor->context->project;
    cleanup_free char *folder = project->prefix ? state_folder(root, project->prefix) : NULL;
    struct state *state = folder && file_is_dir(folder) ? state_open(folder, false, &error) : NULL;

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
    doctor_add(doctor, DOCTOR_PASS, folder, NULL);
}

const struct doctor_check doctor_checks[] = {
    {"engine", check_engine},
    {"manifest", check_manifest},
    {"images", check_images},
    {"ports", check_ports},
    {"leftovers", check_leftovers},
    {"state", check_state},
    {"sessions", doctor_check_sessions},
    {"sockets", check_sockets},
    {NULL, NULL},
};
