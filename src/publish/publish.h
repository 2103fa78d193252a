/* The deployment as files for somebody else's tool: compose, Kubernetes, Docker's stacks. Nothing but files
 * is touched, and equal deployments give equal bytes.
 *
 * A writer fills a list of files (publish_compose() and its like); publish_write() looks at all that is there
 * already, refuses as a whole what was edited or is somebody else's, and then writes. Files with secrets have
 * mode 0600. Files begin with a line that marks them and tells whether they were edited since; an environment
 * file, and a list of what git ignores, are only added to.
 *
 * Ownership: the caller frees the list. Threads: none. Blocking writes of local files. */
#ifndef PUBLISH_PUBLISH_H
#define PUBLISH_PUBLISH_H

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "deployment/deployment.h"

enum publish_file_kind {
    PUBLISH_WHOLE, /* ours as a whole, marked by its first line */
    PUBLISH_ADDED, /* lines that are added to what is there; text: only those that are missing */
    PUBLISH_VALUE, /* nothing but the text, without a mark: its name says what is in it */
};
struct publish_file {
    enum publish_file_kind kind;
    char *name; /* relative to the folder: "compose.yaml", "secrets/cache.yaml" */
    char *text;
    bool is_secret;
    bool is_changed;     /* after publish_write(): it is another one than before */
    const char *service; /* Kubernetes: whose it is, borrowed; NULL: everybody's */
};
struct publish_files {
    const char *folder; /* where they are written to; what is there may be read */
    struct publish_file *items;
    size_t count;
    struct strlist notes; /* sentences for the summary */
};
/* Takes text. */
void publish_add(struct publish_files *files, enum publish_file_kind kind, const char *name, char *text);
void publish_add_secret(struct publish_files *files, enum publish_file_kind kind, const char *name,
                        char *text);
/* A line of a file that is only added to, when it is not there yet (with or without a slash before it). */
void publish_add_missing_line(struct publish_files *files, const char *name, const char *line);
void publish_free(struct publish_files *files);
/* ERROR_FAILED names the file that was edited or is foreign; nothing is written then. force: they are
 * replaced. */
int publish_write(struct publish_files *files, bool force, struct error *err);
/* Only looks: -1 as publish_write() would fail; is_changed is set. */
int publish_look(struct publish_files *files, bool force, struct error *err);
/* What stands in a file of the folder, behind the mark; NULL when there is none. The caller wipes and frees.
 */
char *publish_read(const struct publish_files *files, const char *name);

/* What the folder has already of generated secrets: deployment_take(), before deployment_settle(). */
int publish_take_compose(struct publish_files *files, struct deployment *d, struct error *err);
int publish_take_generated(struct publish_files *files, struct deployment *d, struct error *err);

/* Where they are, beside all but a compose file, as `stringData`; and what the key of digests is called among
 * them: no secret has that name. */
#define PUBLISH_GENERATED "secrets/values.generated.yaml"
#define PUBLISH_KEY "apphost.key"
/* All of them by name, after deployment_settle(). The caller deletes. */
cJSON *publish_generated(const struct deployment *d);

/* After deployment_settle(). */
int publish_compose(struct publish_files *files, const struct deployment *d, struct error *err);
int publish_kubernetes(struct publish_files *files, const struct deployment *d, struct error *err);

/* apphost-publish(7): what becomes of each field on each target. The caller frees. */
char *publish_man_page(void);
/* The name of a task's Job: another one when the task is another. The caller frees. */
char *publish_kubernetes_job(const struct deployment *d, const struct deployment_service *s);

/* A JSON document as YAML, members in their order; texts that YAML would take for something else are quoted.
 * Of several documents, each begins with "---". NULL with ERROR_MANIFEST when one has bytes that are no text.
 * The caller frees. */
char *publish_yaml(const cJSON *const *documents, size_t count, struct error *err);
/* "8s", "1m" are "8000ms" to nobody: whole seconds where they are. The caller frees. */
char *publish_duration(int64_t ms);

#endif
