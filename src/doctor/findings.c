/* Adding what a check of `apphost doctor` found. See doctor.h. */
#include "doctor/doctor.h"
#include "base/names.h"

static NAMES(
    status_names,
    DOCTOR_STATUS_COUNT, [DOCTOR_PASS] = "pass", [DOCTOR_WARNING] = "warning", [DOCTOR_FAIL] = "fail");

void doctor_add(struct doctor *doctor, enum doctor_status status, const char *message, const char *fix)
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

void doctor_fail(struct doctor *doctor, const struct error *error)
{
    doctor_add(doctor, DOCTOR_FAIL, error->text, error->hint);
    error_copy(&doctor->first, error);
}
