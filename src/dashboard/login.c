/* Who may ask: whoever has the token, or a cookie that was given for it.
 *
 * A cookie is sealed with the token and good for three days, so it outlives this process. Its name has the
 * port that the browser sees: browsers do not tell the ports of a host apart. Programs send the token itself,
 * and need no Origin; with a cookie a change needs one, because only that tells our page from others of the
 * same host. */
#include "dashboard/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COOKIE_DAYS = 3, PATIENCE = 5, DELAY_MS = 1000 };
#define COOKIE_MS (COOKIE_DAYS * 86400000LL)

static bool is_taken(const struct dashboard *dashboard, const char *nonce)
{
    for (size_t i = 0; i < DASHBOARD_TICKETS; i++)
        if (!strcmp(dashboard->taken[i], nonce))
            return true;
    return false;
}

static void take(struct dashboard *dashboard, const char *nonce)
{
    memcpy(dashboard->taken[dashboard->taken_next], nonce, WEB_NONCE_SIZE);
    dashboard->taken_next = (dashboard->taken_next + 1) % DASHBOARD_TICKETS;
}

static char *cookie_name(const struct web_head *head)
{
    return xasprintf("apphost_%d", web_host_port(head));
}

static bool find_cookie(const struct dashboard *dashboard, const struct web_head *head,
                        char nonce[WEB_NONCE_SIZE])
{
    cleanup_free char *name = cookie_name(head);
    const char *header = web_head_value(head, "cookie");
    char value[WEB_SEALED_SIZE];
    return header && web_cookie_find(header, name, value, sizeof value) &&
           web_sealed(dashboard->token, WEB_COOKIE, value, home_now_ms(), nonce) &&
           !is_taken(dashboard, nonce);
}

/* "Authorization: Bearer TOKEN" */
static const char *find_bearer(const struct web_head *head)
{
    const char *value = web_head_value(head, "authorization");
    if (!value || strncasecmp(value, "Bearer ", 7))
        return NULL;
    return value + 7;
}

bool login_check(struct dashboard *dashboard, struct web_request *request)
{
    static const struct web_verdict nobody = {
        401, "unauthorized", "this is only for whoever has the token",
        "apphost dashboard --open, or --url for the address with the token"};
    static const struct web_verdict strange = {403, "wrong-origin",
                                               "a change comes with the Origin of our own page",
                                               "programs: Authorization: Bearer TOKEN"};
    const struct web_head *head = web_request_head(request);
    const char *bearer = find_bearer(head);
    char nonce[WEB_NONCE_SIZE];

    if (bearer && web_keys_equal(bearer, dashboard->token))
        return true;
    if (bearer || !find_cookie(dashboard, head, nonce)) {
        web_reply_refusal(request, &nobody);
        return false;
    }
    if (!web_is_change(head) || web_head_count(head, "origin"))
        return true;
    web_reply_refusal(request, &strange);
    return false;
}

/* ---- login ---- */

/* A wrong token whose answer waits. */
struct late_answer {
    struct web_request *request;
    struct timer timer;
};

static void refuse_token(struct web_request *request)
{
    static const struct web_verdict wrong = {
        401, "unauthorized", "that is not the token",
        "apphost dashboard --open, or --url for the address with the token"};
    web_reply_refusal(request, &wrong);
}

static void on_late(void *data)
{
    struct late_answer *late = data;
    refuse_token(late->request);
    free(late);
}

static void on_gone(void *data)
{
    struct late_answer *late = data;
    timer_stop(&late->timer);
    free(late);
}

/* Whoever guesses has to wait. */
static void refuse(struct dashboard *dashboard, struct web_request *request)
{
    if (++dashboard->failures <= PATIENCE) {
        refuse_token(request);
        return;
    }
    struct late_answer *late = xcalloc(1, sizeof *late);
    late->request = request;
    timer_init(&dashboard->loop, &late->timer, on_late, late);
    timer_start(&late->timer, DELAY_MS);
    web_request_watch(request, on_gone, late);
}

static bool is_right(struct dashboard *dashboard, const char *text)
{
    char nonce[WEB_NONCE_SIZE];
    if (web_keys_equal(text, dashboard->token))
        return true;
    if (!web_sealed(dashboard->token, WEB_TICKET, text, home_now_ms(), nonce) || is_taken(dashboard, nonce))
        return false;
    take(dashboard, nonce);
    return true;
}

static void give_cookie(struct dashboard *dashboard, struct web_request *request)
{
    cleanup_free char *name = cookie_name(web_request_head(request));
    char value[WEB_SEALED_SIZE];
    web_seal(dashboard->token, WEB_COOKIE, home_now_ms() + COOKIE_MS, value);
    cleanup_free char *cookie =
        xasprintf("%s=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%lld", name, value, COOKIE_MS / 1000);
    answer_nothing(request, cookie);
}

void login_take(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    size_t length = 0;
    const char *body = web_request_body(request, &length);
    cleanup_json cJSON *json = json_parse(body, length, NULL);
    const char *token = json_string(json, "token", "");
    (void)rest;
    if (!is_right(dashboard, token)) {
        refuse(dashboard, request);
        return;
    }
    dashboard->failures = 0;
    give_cookie(dashboard, request);
}

void login_leave(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    char nonce[WEB_NONCE_SIZE];
    (void)rest;
    cleanup_free char *name = cookie_name(web_request_head(request));
    cleanup_free char *cookie = xasprintf("%s=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0", name);
    if (find_cookie(dashboard, web_request_head(request), nonce))
        take(dashboard, nonce);
    answer_nothing(request, cookie);
}
