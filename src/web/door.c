/* See door.h. What browsers do, measured: cookies ignore ports, so that SameSite=Strict lets another server
 * of the same host name write to us; Origin and Sec-Fetch-Site tell it from ours. */
#include "web/door.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

#define OPEN_IT "open the address that `apphost dashboard --url` prints, or type it"

static struct web_verdict refusal(int status, const char *code, const char *text, const char *hint)
{
    return (struct web_verdict){.status = status, .code = code, .text = text, .hint = hint};
}

/* "name:port", "[::1]:port": the name's length, brackets included. */
static size_t name_length(const char *host)
{
    const char *end = *host == '[' ? strchr(host, ']') : NULL;
    if (end)
        return (size_t)(end + 1 - host);
    return strcspn(host, ":");
}

static bool has_port_only(const char *rest)
{
    return !*rest || (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")] == '\0');
}

static bool is_listed(const struct strlist *names, const char *host)
{
    size_t length = name_length(host);
    for (size_t i = 0; i < names->count; i++)
        if (strlen(names->items[i]) == length && !strncasecmp(names->items[i], host, length))
            return true;
    return false;
}

int web_host_port(const struct web_head *head)
{
    const char *host = web_head_value(head, "host");
    int64_t port = 80;
    if (!host)
        return 80;
    host += name_length(host);
    if (*host == ':' && !str_to_int64(host + 1, 1, 65535, &port))
        return 80;
    return (int)port;
}

static bool is_host_ours(const struct web_policy *policy, const char *host)
{
    return has_port_only(host + name_length(host)) &&
           (is_listed(&policy->hosts, host) || is_listed(&policy->guests, host));
}

static bool is_origin_ours(const struct web_policy *policy, const char *host, const char *origin)
{
    const char *name = NULL;
    bool is_tls = str_starts(origin, "https://");
    if (is_tls)
        name = origin + 8;
    else if (str_starts(origin, "http://"))
        name = origin + 7;
    if (!name || !has_port_only(name + name_length(name)))
        return false;
    if (is_listed(&policy->guests, name))
        return true;
    return !is_tls && !strcasecmp(name, host);
}

static bool is_page(const struct web_head *head)
{
    return !web_is_change(head) && strncmp(head->path, "/api", 4) != 0;
}

/* Only browsers that know it send it; what they say of another site is true. */
static bool is_site_ours(const struct web_head *head)
{
    size_t count = web_head_count(head, "sec-fetch-site");
    const char *site = web_head_value(head, "sec-fetch-site");
    if (!count)
        return true;
    if (!site)
        return false;
    return !strcmp(site, "same-origin") || (!strcmp(site, "none") && is_page(head));
}

bool web_is_change(const struct web_head *head)
{
    return strcmp(head->method, "GET") != 0 && strcmp(head->method, "HEAD") != 0;
}

static struct web_verdict judge_source(const struct web_head *head, const struct web_policy *policy)
{
    const char *host = web_head_value(head, "host"), *origin = web_head_value(head, "origin");
    if (!host || !is_host_ours(policy, host))
        return refusal(
            421, "wrong-host", "this server is not called by that name",
            "where a proxy or a tunnel leads here under another name: apphost dashboard --allow-host NAME");
    if (web_head_count(head, "origin") && (!origin || !is_origin_ours(policy, host, origin)))
        return refusal(
            403, "wrong-origin", "a page of another origin asks",
            "where a proxy or a tunnel leads here under another name: apphost dashboard --allow-host NAME");
    if (!is_site_ours(head))
        return refusal(403, "wrong-site", "a page of another site leads here", OPEN_IT);
    return (struct web_verdict){0};
}

bool web_is_type(const struct web_head *head, const char *type)
{
    const char *value = web_head_value(head, "content-type");
    size_t length = strlen(type);
    if (!value || strncasecmp(value, type, length))
        return false;
    value += length;
    value += strspn(value, " \t");
    return !*value || *value == ';';
}

/* None of them is one that a form can send. */
static bool is_type_taken(const struct web_head *head, const struct web_policy *policy)
{
    static const char *const json[] = {"application/json", NULL};
    const char *const *type = policy->types;
    if (!type)
        type = json;
    for (; *type; type++)
        if (web_is_type(head, *type))
            return true;
    return false;
}

static struct web_verdict judge_body(const struct web_head *head, const struct web_policy *policy)
{
    if (!web_is_change(head)) {
        if (head->length > 0 || head->is_chunked)
            return refusal(400, "bad-request", "a question has no body", NULL);
        return (struct web_verdict){0};
    }
    if (!is_type_taken(head, policy))
        return refusal(415, "unsupported-type", "what changes something comes as application/json",
                       "Content-Type: application/json");
    if (head->length > policy->body_limit)
        return refusal(413, "too-large", "the body is larger than is taken here", NULL);
    return (struct web_verdict){0};
}

static struct web_verdict judge_method(const struct web_head *head)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "DELETE"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(head->method, known[i]))
            return (struct web_verdict){0};
    if (!strcmp(head->method, "OPTIONS"))
        return refusal(403, "wrong-origin", "other origins have no business here", NULL);
    return refusal(405, "no-method", "that is done with GET, HEAD, POST or DELETE", NULL);
}

struct web_verdict web_judge(const struct web_head *head, const struct web_policy *policy)
{
    struct web_verdict verdict = judge_source(head, policy);
    if (!verdict.status)
        verdict = judge_method(head);
    if (!verdict.status)
        verdict = judge_body(head, policy);
    return verdict;
}
