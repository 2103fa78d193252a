/* What is ours by its name: the environment variables that we read or set, and the labels of what we make at
 * an engine. The one place where these names stand. */
#ifndef BASE_OURS_H
#define BASE_OURS_H

/* What the names of all begin with. */
#define VARIABLES_OURS "APPHOST_"
#define LABELS_OURS "io.apphost."

/* Who and where a process of a session is. */
#define VARIABLE_SESSION "APPHOST_SESSION"
#define VARIABLE_PROJECT "APPHOST_PROJECT"
#define VARIABLE_RESOURCE "APPHOST_RESOURCE"
#define VARIABLE_WORKER "APPHOST_WORKER"
#define VARIABLE_WORKERS "APPHOST_WORKERS"
#define VARIABLE_WORKER_INDEX "APPHOST_WORKER_INDEX"
#define VARIABLE_WORKER_IMAGE "APPHOST_WORKER_IMAGE"

/* The guard leaves the lock's descriptor open for the gc that it becomes, and names it here. */
#define VARIABLE_LOCK "APPHOST_LOCK_FD"

/* What a command that is run in a container is found by, to be ended. */
#define VARIABLE_EXEC "APPHOST_EXEC"

/* The session around a command; which of several workers it is. For us alone. */
#define VARIABLE_PARENT_SESSION "APPHOST_PARENT_SESSION"
#define VARIABLE_WORKER_SLOT "APPHOST_WORKER_SLOT"

/* The values of parameters, each with its name behind it. */
#define VARIABLE_PARAM "APPHOST_PARAM_"

/* Twins of flags (args/options.c), and the list of the one that may be given more than once. */
#define VARIABLE_FILE "APPHOST_FILE"
#define VARIABLE_PROJECT_NAME "APPHOST_PROJECT_NAME"
#define VARIABLE_PROJECT_DIRECTORY "APPHOST_PROJECT_DIRECTORY"
#define VARIABLE_ENV_FILE "APPHOST_ENV_FILE"
#define VARIABLE_PROFILE "APPHOST_PROFILE"
#define VARIABLE_PROFILES "APPHOST_PROFILES"
#define VARIABLE_ENGINE "APPHOST_ENGINE"
#define VARIABLE_HOST "APPHOST_HOST"
#define VARIABLE_CONTEXT "APPHOST_CONTEXT"
#define VARIABLE_PROGRESS "APPHOST_PROGRESS"
#define VARIABLE_COLOR "APPHOST_COLOR"
#define VARIABLE_QUIET "APPHOST_QUIET"
#define VARIABLE_VERBOSE "APPHOST_VERBOSE"
#define VARIABLE_DEBUG "APPHOST_DEBUG"
#define VARIABLE_WAIT_TIMEOUT "APPHOST_WAIT_TIMEOUT"
#define VARIABLE_OUTPUT "APPHOST_OUTPUT"
#define VARIABLE_DRY_RUN "APPHOST_DRY_RUN"

/* Where images and ports are found. */
#define VARIABLE_IMAGE_PREFIX "APPHOST_IMAGE_PREFIX"
#define VARIABLE_PUBLISHED_HOST "APPHOST_PUBLISHED_HOST"

/* From us to a server: its configuration, certificate and key. */
#define VARIABLE_REDIS_CONF "APPHOST_REDIS_CONF"
#define VARIABLE_TLS_CERT "APPHOST_TLS_CERT"
#define VARIABLE_TLS_KEY "APPHOST_TLS_KEY"

/* The page as files, for who works on it. */
#define VARIABLE_DASHBOARD_PAGE "APPHOST_DASHBOARD_PAGE"

/* Labels. */
#define LABEL_CONTAINER LABELS_OURS "container"
#define LABEL_DEPLOYMENT LABELS_OURS "deployment"
#define LABEL_EPHEMERAL LABELS_OURS "ephemeral"
#define LABEL_HASH LABELS_OURS "hash"
#define LABEL_HASH_VERSION LABELS_OURS "hash-version"
#define LABEL_KEY LABELS_OURS "key"
#define LABEL_KIND LABELS_OURS "kind"
#define LABEL_LIFETIME LABELS_OURS "lifetime"
#define LABEL_MANIFEST LABELS_OURS "manifest"
#define LABEL_MANIFEST_OUTSIDE LABELS_OURS "manifest-outside"
#define LABEL_NODE LABELS_OURS "node"
#define LABEL_OWNER LABELS_OURS "owner"
#define LABEL_PORTS LABELS_OURS "ports"
#define LABEL_PROJECT LABELS_OURS "project"
#define LABEL_PROJECT_HASH LABELS_OURS "project-hash"
#define LABEL_RESOURCE LABELS_OURS "resource"
#define LABEL_SECRETS LABELS_OURS "secrets"
#define LABEL_SESSION LABELS_OURS "session"
#define LABEL_SPEC_HASH LABELS_OURS "spec-hash"
#define LABEL_TURN LABELS_OURS "turn"
#define LABEL_UID LABELS_OURS "uid"
#define LABEL_VALUES LABELS_OURS "values"
/* What a container mounts, by the name that comes behind it. */
#define LABEL_VOLUME LABELS_OURS "volume."

#endif
