/* What a child does not inherit: our parameters, which may be secrets, and what steers a command of ours.
 *
 * One list for all children: resources, the command of `run` and `exec`, native servers, ssh, credential
 * helpers. What a manifest or a flag sets by name is no inheritance and is not looked at here. Children keep
 * what tells who and where they are: APPHOST_PROJECT, APPHOST_RESOURCE, APPHOST_SESSION, APPHOST_WORKER and
 * its kin; and what does not steer apphost, whatever its name. */
#include "process/process.h"

#include <string.h>

/* Whole names end with "=". */
static const char *const withheld[] = {
    /* values of parameters */
    "APPHOST_PARAM_", "Parameters__",
    /* twins of flags: a flag is not inherited either */
    "APPHOST_FILE=", "APPHOST_PROJECT_NAME=", "APPHOST_PROJECT_DIRECTORY=", "APPHOST_ENV_FILE=",
    "APPHOST_PROFILE=", "APPHOST_PROFILES=", "APPHOST_ENGINE=", "APPHOST_HOST=", "APPHOST_CONTEXT=",
    "APPHOST_PROGRESS=", "APPHOST_COLOR=", "APPHOST_QUIET=", "APPHOST_VERBOSE=", "APPHOST_DEBUG=",
    "APPHOST_WAIT_TIMEOUT=", "APPHOST_OUTPUT=", "APPHOST_DRY_RUN=",
    /* the session around us: who starts a child says of which session it is */
    "APPHOST_PARENT_SESSION=",
    /* where images and ports are found */
    "APPHOST_IMAGE_PREFIX=", "APPHOST_PUBLISHED_HOST=",
    /* between guard and gc, and between us and a server: its configuration holds its password */
    "APPHOST_LOCK_FD=", "APPHOST_REDIS_CONF=", "APPHOST_TLS_CERT=", "APPHOST_TLS_KEY="};

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
