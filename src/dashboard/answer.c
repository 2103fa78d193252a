/* Errors as answers: their own shape, {"code","message","resource"?,"hint"?,"source"?}, with the status that
 * fits. */
#include "dashboard/internal.h"

#include "base/names.h"

static const int statuses[] = {
    [ERROR_NONE] = 500,      [ERROR_FAILED] = 500,         [ERROR_USAGE] = 400,
    [ERROR_MANIFEST] = 409,  [ERROR_ENGINE] = 502,         [ERROR_PULL] = 502,
    [ERROR_RESOURCE] = 409,  [ERROR_TIMEOUT] = 504,        [ERROR_PORT] = 409,
    [ERROR_OWNER] = 503,     [ERROR_NOT_RUNNING] = 404,    [ERROR_RUN_TIMEOUT] = 504,
    [ERROR_CANCELLED] = 503, [ERROR_NOT_EXECUTABLE] = 409, [ERROR_NOT_FOUND] = 404,
    [ERROR_NO_IMAGE] = 502,  [ERROR_GONE] = 404,           [ERROR_CONFLICT] = 409,
    [ERROR_SPACE] = 507,     [ERROR_PROTOCOL] = 502,       [ERROR_CUT] = 502,
    [ERROR_NO_FILE] = 404,
};
EACH_OF(statuses, ERROR_CODE_COUNT);

void answer_error(struct web_request *request, const struct error *error)
{
    web_reply_json(request, statuses[error->code], control_error_to_json(error));
}

void answer_refusal(struct web_request *request, int status, const char *code, const char *text)
{
    const struct web_verdict verdict = {.status = status, .code = code, .text = text};
    web_reply_refusal(request, &verdict);
}

void answer_no_session(struct web_request *request, const struct dashboard *dashboard)
{
    cleanup_error struct error error = {0};
    error_set(&error, ERROR_NOT_RUNNING, "%s does not run", dashboard->identity.name);
    error_hint(&error, "apphost up starts it");
    cJSON *json = control_error_to_json(&error);
    json_add_string(json, "state", "no-session");
    web_reply_json(request, 503, json);
}

void answer_nothing(struct web_request *request, const char *cookie)
{
    web_reply(request, &(struct web_reply){.status = 204, .fixed = "", .cookie = cookie});
}
