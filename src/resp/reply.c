/* Reply trees: freeing them and asking simple questions. Building them is the reader's work. */
#include "resp/resp.h"
#include "resp/tree.h"

#include <stdlib.h>
#include <string.h>

const char *resp_type_name(enum resp_type type)
{
    static const char *const names[] = {
        [RESP_NIL] = "nil",
        [RESP_STATUS] = "status",
        [RESP_ERROR] = "error",
        [RESP_INTEGER] = "integer",
        [RESP_STRING] = "bulk string",
        [RESP_ARRAY] = "array",
        [RESP_BOOL] = "boolean",
        [RESP_DOUBLE] = "double",
        [RESP_BIGNUM] = "big number",
        [RESP_VERBATIM] = "verbatim string",
        [RESP_MAP] = "map",
        [RESP_SET] = "set",
        [RESP_PUSH] = "push",
    };

    _Static_assert(sizeof(names) / sizeof(names[0]) == RESP_PUSH + 1, "a name for each type");
    if ((size_t)type < sizeof(names) / sizeof(names[0]))
        return names[type];
    return "unknown";
}

bool resp_reply_is(const struct resp_reply *reply, const char *text)
{
    if (reply->type != RESP_STATUS && reply->type != RESP_ERROR && reply->type != RESP_STRING)
        return false;
    return reply->len == strlen(text) && memcmp(reply->str, text, reply->len) == 0;
}

bool resp_reply_is_error(const struct resp_reply *reply, const char *code)
{
    size_t len = strlen(code);

    if (reply->type != RESP_ERROR || reply->len < len || memcmp(reply->str, code, len) != 0)
        return false;
    return reply->len == len || reply->str[len] == ' ';
}

/* The reader bounds the depth to RESP_MAX_DEPTH, so recursion is safe. */
void resp_tree_clear(struct resp_reply *node)
{
    for (size_t i = 0; i < node->count; i++)
        resp_tree_clear(&node->elements[i]);
    free(node->elements);
    free(node->str);
    *node = (struct resp_reply){.type = RESP_NIL};
}

void resp_reply_free(struct resp_reply *reply)
{
    if (!reply)
        return;
    if (!reply->is_block)
        resp_tree_clear(reply);
    free(reply);
}
