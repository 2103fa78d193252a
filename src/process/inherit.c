/* What a child does not inherit: our parameters, which may be secrets, and what steers a command of ours.
 *
 * One list for all children: resources, the command of `run` and `exec`, native servers, ssh, credential
 * helpers. What a manifest or a flag sets by name is no inheritance and is not looked at here. Children keep
 * what tells who and where they are: APPHOST_PROJECT, APPHOST_RESOURCE, APPHOST_SESSION, APPHOST_WORKER and
 * its kin; and what does not steer apphost, whatever its name. */
#include "process/process.h"

#include "base/ours.h"
#include "guard/guard.h"

#include <string.h>

/* Whole names end with "=". */
static const char *const withheld[] = {
    /* values of parameters */
    VARIABLE_PARAM, "Parameters__",
    /* twins of flags: a flag is not inherited either */
    VARIABLE_FILE "=", VARIABLE_PROJECT_NAME "=", VARIABLE_PROJECT_DIRECTORY "=", VARIABLE_ENV_FILE "=",
    VARIABLE_PROFILE "=", VARIABLE_PROFILES "=", VARIABLE_ENGINE "=", VARIABLE_HOST "=", VARIABLE_CONTEXT "=",
    VARIABLE_PROGRESS "=", VARIABLE_COLOR "=", VARIABLE_QUIET "=", VARIABLE_VERBOSE "=", VARIABLE_DEBUG "=",
    VARIABLE_WAIT_TIMEOUT "=", VARIABLE_OUTPUT "=", VARIABLE_DRY_RUN "=",
    /* the session around us: who starts a child says of which session it is */
    VARIABLE_PARENT_SESSION "=",
    /* where images and ports are found */
    VARIABLE_IMAGE_PREFIX "=", VARIABLE_PUBLISHED_HOST "=",
    /* between guard and gc, and between us and a server: its configuration holds its password */
    VARIABLE_LOCK "=", VARIABLE_REDIS_CONF "=", VARIABLE_TLS_CERT "=", VARIABLE_TLS_KEY "="};

bool process_inherits(const char *entry)
{
    for (size_t i = 0; i < sizeof withheld / sizeof *withheld; i++)
        if (str_starts(entry, withheld[i]))
            return false;
    return true;
}

void process_inherit(struct strlist *list, char *const *environment)
{
    for (char *const *entry = environment; entry && *entry; entry++)
        if (process_inherits(*entry))
            strlist_add(list, *entry);
}
