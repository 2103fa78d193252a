/*
 * The fast path of the reader: an array of a few plain items, as HMGET, EXEC and MGET answer, whose bytes are
 * all there becomes one allocation that holds nodes and strings.
 *
 * One pass over the headers says where the items are and how much room they need, the second fills. Whatever
 * is unusual (another type, too many items, bytes that are still to come, a limit, a header that is not
 * right) is "not here": the general path in reader.c takes it and knows how to wait and how to fail.
 */
#include "resp/resp.h"
#include "resp/tree.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 16, MAX_DIGITS = 18 };

struct span {
    const char *at, *end;
};

/* A sign, at most MAX_DIGITS digits, CR LF: moves past them. False for anything else. */
static bool take_number(struct span *rest, long long *number)
{
    const char *p = rest->at;
    bool is_negative = p < rest->end && *p == '-';
    long long value = 0;

    p += is_negative;
    const char *first = p;
    for (; p < rest->end && (unsigned char)(*p - '0') <= 9 && p - first < MAX_DIGITS; p++)
        value = value * 10 + (*p - '0');
    if (p == first || rest->end - p < 2 || p[0] != '\r' || p[1] != '\n')
        return false;
    rest->at = p + 2;
    if (is_negative)
        *number = -value;
    else
        *number = value;
    return true;
}

static bool take_string(struct span *rest, long long len, const struct resp_limits *limits,
                        struct resp_reply *node)
{
    *node = (struct resp_reply){.type = RESP_NIL};
    if (len == -1)
        return true;
    if (len < 0 || (unsigned long long)len > limits->bulk || rest->end - rest->at < len + 2)
        return false;
    if (rest->at[len] != '\r' || rest->at[len + 1] != '\n')
        return false;
    *node = (struct resp_reply){.type = RESP_STRING, .str = (char *)rest->at, .len = (size_t)len};
    rest->at += len + 2;
    return true;
}

/* A number or a string, whose text still points into the input: build() copies it. */
static bool take_item(struct span *rest, const struct resp_limits *limits, struct resp_reply *node)
{
    long long number;
    char mark = '\0';
    if (rest->at < rest->end)
        mark = *rest->at;

    if (mark != '$' && mark != ':')
        return false;
    rest->at++;
    if (!take_number(rest, &number))
        return false;
    if (mark == '$')
        return take_string(rest, number, limits, node);
    *node = (struct resp_reply){.type = RESP_INTEGER, .integer = number};
    return true;
}

/* Root, elements, bytes: the strings are moved behind the nodes. */
static struct resp_reply *build(const struct resp_reply *items, size_t count, size_t bytes)
{
    size_t nodes = (count + 1) * sizeof(struct resp_reply);
    struct resp_reply *root = malloc(nodes + bytes);

    if (!root)
        return NULL;
    *root = (struct resp_reply){.type = RESP_ARRAY, .elements = root + 1, .count = count, .is_block = true};
    memcpy(root->elements, items, count * sizeof(*items));
    char *to = (char *)root + nodes;
    for (size_t i = 0; i < count; i++) {
        struct resp_reply *node = &root->elements[i];

        if (!node->str)
            continue;
        memcpy(to, node->str, node->len);
        to[node->len] = '\0';
        node->str = to;
        to += node->len + 1;
    }
    return root;
}

size_t resp_flat_take(const char *data, size_t len, const struct resp_limits *limits,
                      struct resp_reply **reply)
{
    struct resp_reply items[MAX_ITEMS];
    struct span rest = {data + 1, data + len};
    long long count;
    size_t bytes = 0, strings = 0;

    if (len == 0 || *data != '*' || !take_number(&rest, &count) || count < 1 || count > MAX_ITEMS ||
        (unsigned long long)count > limits->elements)
        return 0;
    for (long long i = 0; i < count; i++) {
        if (!take_item(&rest, limits, &items[i]))
            return 0;
        strings += items[i].len;
        if (items[i].str)
            bytes += items[i].len + 1;
    }
    if (strings > limits->total || !(*reply = build(items, (size_t)count, bytes)))
        return 0;
    return (size_t)(rest.at - data);
}
