/* Adding what a check of `apphost doctor` found. See doctor.h. */
#include "doctor/doctor.h"
#include "base/names.h"
#include "base/pick.h"

static NAMES(
    status_names,
    DOCTOR_STATUS_COUNT, [DOCTOR_PASS] = "pass", [DOCTOR_WARNING] = "warning", [DOCTOR_FAIL] = "fail");

static void add(struct doctor *doctor, enum doctor_status status, const char *message, const char *fix)
{
    struct arena *arena = &doctor->arena;
    size_t count = doctor->finding_count++;
    doctor->findings = arena_grow(arena, doctor->findings, count, count + 1, sizeof *doctor->findings);
    struct doctor_finding *finding = &doctor->findings[count];
    *finding = (struct doctor_finding){
        .status = status, .category = doctor->category, .message = arena_strdup(arena, message)};
    if (fix)
        finding->fix = arena_strdup(arena, fix);
    doctor->counts[status]++;
}

cJSON *finding_json(const struct doctor_finding *finding)
{
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "status", names_text(&status_names, finding->status));
    json_add_string(json, "message", finding->message);
    json_add_string(json, "fix", finding->fix);
    json_add_string(json, "category", finding->category);
    return json;
}

void doctor_pass(struct doctor *doctor, const char *message)
{
    add(doctor, DOCTOR_PASS, message, NULL);
}

void doctor_warn(struct doctor *doctor, const char *message, const char *fix)
{
    add(doctor, DOCTOR_WARNING, message, fix);
}

void doctor_refuse(struct doctor *doctor, const char *message, const char *fix)
{
    add(doctor, DOCTOR_FAIL, message, fix);
}

/* What can be done about an error that does not say it itself. */
static const char *fix_of(const struct error *error)
{
    switch (error->code) {
    case ERROR_ENGINE:
    case ERROR_CUT:
    case ERROR_PROTOCOL:
        return "look at the engine: start or restart it, or name another one with --host or DOCKER_HOST";
    case ERROR_MANIFEST:
    case ERROR_USAGE:
        return "apphost validate";
    case ERROR_SPACE:
        return "make room, or use another folder (XDG_STATE_HOME)";
    case ERROR_OWNER:
        return "ask whose it is, or use folders of your own (XDG_STATE_HOME, XDG_RUNTIME_DIR)";
    case ERROR_TIMEOUT:
        return "once more; if it stays so, see what the engine is busy with";
    default:
        return "apphost bundle packs what a report of it needs";
    }
}

void doctor_fail(struct doctor *doctor, const struct error *error)
{
    doctor_refuse(doctor, error->text, text_or(error->hint, fix_of(error)));
    error_copy(&doctor->first, error);
}
