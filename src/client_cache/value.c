/* Values: bytes that the caller frees, in one block, or in a reply. */
#include "client_cache/value.h"
#include "resp/resp.h"

#include <stdlib.h>
#include <string.h>

void apphost_value_free(struct apphost_value *value)
{
    if (!value)
        return;
    resp_reply_free(value->owner);
    *value = (struct apphost_value){0};
}

int value_new(struct apphost_value *value, size_t len)
{
    struct resp_reply *owner = malloc(sizeof(*owner) + len + 1);

    if (!owner)
        return -1;
    *owner =
        (struct resp_reply){.type = RESP_STRING, .str = (char *)(owner + 1), .len = len, .is_block = true};
    owner->str[len] = '\0';
    *value = (struct apphost_value){.data = owner->str, .len = len, .owner = owner};
    return 0;
}

int value_copy(struct apphost_value *value, const void *data, size_t len)
{
    if (value_new(value, len) < 0)
        return -1;
    if (len > 0)
        memcpy((char *)value->data, data, len);
    return 0;
}
