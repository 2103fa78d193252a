/* Adding what a check of `apphost doctor` found. See doctor.h. */
#include "doctor/doctor.h"
#include "base/names.h"

static NAMES(
    status_names,
    DOCTOR_STATUS_COUNT, [DOCTOR_PASS] = "pass", [DOCTOR_WARNING] = "warning", [DOCTOR_FAIL] = "fail");

void doctor_add(struct doctor *doctor, enum doctor_status status, const char *message, const char *fix)
{
    cJSON *finding = cJSON_CreateObject();
    json_add_string(finding, "status", names_text(&status_names, status));
    json_add_string(finding, "message", message);
    json_add_string(finding, "fix", fix);
    cJSON_AddItemToArray(doctor->findings, finding);
    doctor->counts[status]++;
}

void doctor_fail(struct doctor *doctor, const struct error *error)
{
    doctor_add(doctor, DOCTOR_FAIL, error->text, error->hint);
    error_copy(&doctor->first, error);
}
