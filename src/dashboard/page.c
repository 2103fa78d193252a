/* The page: its files, packed into the program when it is built (scripts/embed-page). A folder named by
 * APPHOST_DASHBOARD_PAGE is served instead, for whoever works on the page. */
#include "dashboard/internal.h"
#include "dashboard/page_files.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 4 << 20 };

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml; charset=utf-8"},
};

static const char *type_of(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_ends(name, types[i].ending))
            return types[i].type;
    return NULL;
}

static void answer_nowhere(struct web_request *request)
{
    answer_refusal(request, 404, "no-path", "there is nothing of that name");
}

/* A plain name of that folder, and nothing else. */
static void answer_from_folder(struct web_request *request, const char *folder, const char *name)
{
    size_t length = 0;
    char etag[65];
    cleanup_free char *path = path_join(folder, name);
    char *text = NULL;
    if (type_of(name) && *name != '.' && !strchr(name, '/') && !strchr(name, '%'))
        text = file_read(path, FILE_LIMIT, &length, NULL);
    if (!text) {
        answer_nowhere(request);
        return;
    }
    digest_sha256(text, length, etag);
    web_reply(request,
              &(struct web_reply){.type = type_of(name), .body = text, .length = length, .etag = etag});
}

void page_answer(struct web_request *request)
{
    const struct web_head *head = web_request_head(request);
    const char *folder = getenv(VARIABLE_DASHBOARD_PAGE), *name = head->path + 1;
    if (web_is_change(head)) {
        answer_refusal(request, 405, "no-method", "that is asked with another method");
        return;
    }

    if (!*name)
        name = "index.html";
    if (folder && *folder) {
        answer_from_folder(request, folder, name);
        return;
    }
    for (size_t i = 0; i < page_file_count; i++) {
        const struct page_file *file = &page_files[i];
        const struct web_reply reply = {.type = type_of(name),
                                        .fixed = file->begin,
                                        .length = (size_t)(file->end - file->begin),
                                        .is_packed = true,
                                        .etag = file->etag};
        if (!strcmp(file->name, name)) {
            web_reply(request, &reply);
            return;
        }
    }
    answer_nowhere(request);
}
