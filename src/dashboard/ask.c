/* Questions of the page's that the supervisor answers. Each belongs to a request, which may end before the
 * answer is there; then the answer is not waited for. */
#include "dashboard/internal.h"

#include "base/mem.h"

#include <stdlib.h>

static void asking_free(struct page_question *asking)
{
    struct supervisor_link *link = &asking->dashboard->link;
    if (asking->prev)
        asking->prev->next = asking->next;
    else
        link->askings = asking->next;
    if (asking->next)
        asking->next->prev = asking->prev;
    if (asking->data)
        asking->drop(asking->data);
    free(asking->text);
    free(asking);
}

static void on_done(const struct error *error, const cJSON *result, void *data)
{
    struct page_question *asking = data;
    if (error && !asking->takes_errors)
        answer_error(asking->request, error);
    else
        asking->answer(asking, error, result);
    asking_free(asking);
}

static void on_gone(void *data)
{
    struct page_question *asking = data;
    if (asking->dashboard->link.connection)
        control_forget(asking->dashboard->link.connection, asking->id);
    asking_free(asking);
}

void ask_supervisor(struct web_request *request, struct dashboard *dashboard, enum ask ask, cJSON *message,
                    const struct page_question *how)
{
    struct supervisor_link *link = &dashboard->link;
    struct control_request_handlers handlers = {.on_done = on_done};
    if (!link->is_up) {
        cJSON_Delete(message);
        free(how->text);
        if (how->data)
            how->drop(how->data);
        answer_no_session(request, dashboard);
        return;
    }

    struct page_question *asking = xmalloc(sizeof *asking);
    *asking = *how;
    asking->dashboard = dashboard;
    asking->request = request;
    asking->prev = NULL;
    asking->next = link->askings;
    if (asking->next)
        asking->next->prev = asking;
    link->askings = asking;
    handlers.data = asking;
    asking->id = control_request(link->connection, ask_name(ask), message, &handlers);
    web_request_watch(request, on_gone, asking);
}

void ask_end_all(struct dashboard *dashboard, bool is_told)
{
    /* The analyser does not know that the dashboard of each of them is this one.
     * NOLINTBEGIN(clang-analyzer-unix.Malloc) */
    for (struct page_question *asking; (asking = dashboard->link.askings);) {
        if (is_told)
            answer_no_session(asking->request, dashboard);
        asking_free(asking);
    }
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}
