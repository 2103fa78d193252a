/* Any bytes as a request: the head, whether it may come in, and what its texts say once they are decoded. */
#include "web/head.h"
#include "web/door.h"
#include "web/keys.h"
#include "web/query.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came in is what both readers of it agree on. */
static void look(const struct web_head *head)
{
    struct web_policy policy = {.body_limit = 1000};
    char value[WEB_SEALED_SIZE];
    strlist_add(&policy.hosts, "localhost");
    strlist_add(&policy.guests, "tunnel.example");
    struct web_verdict verdict = web_judge(head, &policy);
    strlist_free(&policy.hosts);
    strlist_free(&policy.guests);
    if (web_head_count(head, "host") != 1 || *head->path != '/' || (head->is_chunked && head->length >= 0))
        abort();
    if (!verdict.status && head->length > 1000)
        abort();

    for (size_t i = 0; i < head->header_count; i++)
        if (!web_cookie_find(head->headers[i].value, "a", value, sizeof value))
            web_sealed("token", WEB_COOKIE, head->headers[i].value, 0, NULL);
    cleanup_free char *bytes = web_query_bytes(head->query, "a", NULL);
    cleanup_free char *piece = web_path_piece(head->path, strlen(head->path));
    if ((bytes && strlen(bytes) > strlen(head->query)) || (piece && strlen(piece) > strlen(head->path)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct web_head head;
    const char *why = NULL;
    size_t end = web_head_end((const char *)data, size);
    if (end > size)
        abort();
    int status = web_head_read(&head, (const char *)data, size, &why);
    if (status && !why)
        abort();
    if (!status)
        look(&head);
    web_head_free(&head);
    return 0;
}
