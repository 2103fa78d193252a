/* See head.h. */
#include "web/head.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum {
    BAD = 400,
    TOO_LONG_TARGET = 414,
    TOO_MANY = 431,
    NO_METHOD = 501,
    NO_VERSION = 505,
    TARGET_LIMIT = 8 << 10
};
#define LONGEST_BODY ((int64_t)1 << 40)

static int refuse(const char **why, int status, const char *text)
{
    *why = text;
    return status;
}

size_t web_head_end(const char *bytes, size_t length)
{
    for (size_t i = 3; i < length; i++)
        if (bytes[i] == '\n' && !memcmp(bytes + i - 3, "\r\n\r\n", 4))
            return i + 1;
    return 0;
}

/* RFC 9110, 5.6.2. */
static bool is_token(const char *text)
{
    static const char letters[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *text && text[strspn(text, letters)] == '\0';
}

static bool has_control(const char *text, bool allow_tab)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < 0x20 && !(allow_tab && c == '\t')) || c == 0x7f)
            return true;
    }
    return false;
}

/* Cuts the next line off, without its CR LF; NULL: what ends it is not that. */
static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    if (!end || end == line || end[-1] != '\r' || memchr(line, '\r', (size_t)(end - 1 - line)))
        return NULL;
    end[-1] = '\0';
    *at = end + 1;
    return line;
}

static int read_target(struct web_head *head, char *target, const char **why)
{
    char *question = strchr(target, '?');
    head->query = "";
    if (*target != '/' || target[1] == '/')
        return refuse(why, BAD, "the target is no path");
    if (strlen(target) > TARGET_LIMIT)
        return refuse(why, TOO_LONG_TARGET, "the target is too long");
    for (const char *c = target; *c; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || strchr("\"<>\\#", *c))
            return refuse(why, BAD, "a byte of the target has to be percent-encoded");

    if (question) {
        *question = '\0';
        head->query = question + 1;
    }
    head->path = target;
    return 0;
}

static int read_request_line(struct web_head *head, char *line, const char **why)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version || strchr(version + 1, ' '))
        return refuse(why, BAD, "the request line is not three words");
    *target++ = *version++ = '\0';
    head->method = line;
    if (!is_token(line))
        return refuse(why, BAD, "the method is no word");
    if (strlen(line) > 16)
        return refuse(why, NO_METHOD, "no such method");
    if (strncmp(version, "HTTP/", 5) || strlen(version) != 8)
        return refuse(why, BAD, "the request line does not end with a version of HTTP");
    if (strcmp(version, "HTTP/1.1"))
        return refuse(why, NO_VERSION, "HTTP/1.1 is spoken here");
    return read_target(head, target, why);
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    for (size_t length = strlen(text); length && strchr(" \t", text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

static int read_header(struct web_head *head, char *line, const char **why)
{
    char *colon = strchr(line, ':');
    if (*line == ' ' || *line == '\t')
        return refuse(why, BAD, "a header is folded");
    if (!colon)
        return refuse(why, BAD, "a header has no colon");
    *colon = '\0';
    if (!is_token(line))
        return refuse(why, BAD, "a header's name is no word");
    if (has_control(colon + 1, true))
        return refuse(why, BAD, "a header has control bytes");
    if (head->header_count == WEB_HEADERS)
        return refuse(why, TOO_MANY, "too many headers");

    for (char *c = line; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    head->headers[head->header_count++] = (struct web_header){.name = line, .value = trim(colon + 1)};
    return 0;
}

static int read_lines(struct web_head *head, char *text, const char **why)
{
    char *line = next_line(&text);
    int status = BAD;
    if (!line)
        return refuse(why, BAD, "a line ends without CR LF");
    status = read_request_line(head, line, why);
    while (!status) {
        line = next_line(&text);
        if (!line)
            return refuse(why, BAD, "a line ends without CR LF");
        if (!*line)
            return 0;
        status = read_header(head, line, why);
    }
    return status;
}

size_t web_head_count(const struct web_head *head, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++)
        count += !strcmp(head->headers[i].name, name);
    return count;
}

const char *web_head_value(const struct web_head *head, const char *name)
{
    if (web_head_count(head, name) != 1)
        return NULL;
    for (size_t i = 0; i < head->header_count; i++)
        if (!strcmp(head->headers[i].name, name))
            return head->headers[i].value;
    return NULL;
}

/* How long the body is can be said in one way only. */
static int check_framing(struct web_head *head, const char **why)
{
    const char *length = web_head_value(head, "content-length");
    const char *coding = web_head_value(head, "transfer-encoding");
    size_t lengths = web_head_count(head, "content-length"),
           codings = web_head_count(head, "transfer-encoding");

    head->length = -1;
    if (lengths + codings > 1)
        return refuse(why, BAD, "the body's length is said twice");
    if (codings && (!coding || strcmp(coding, "chunked")))
        return refuse(why, NO_METHOD, "the only transfer coding is \"chunked\"");
    if (lengths &&
        (!length || *length < '0' || *length > '9' || !str_to_int64(length, 0, LONGEST_BODY, &head->length)))
        return refuse(why, BAD, "Content-Length is no number");
    head->is_chunked = codings == 1;
    return 0;
}

int web_head_read(struct web_head *head, const char *bytes, size_t length, const char **why)
{
    *head = (struct web_head){.length = -1};
    if (length > WEB_HEAD_LIMIT)
        return refuse(why, TOO_MANY, "the head is too long");
    if (memchr(bytes, '\0', length))
        return refuse(why, BAD, "a NUL in the head");
    head->text = xstrndup(bytes, length);
    int status = read_lines(head, head->text, why);
    if (!status)
        status = check_framing(head, why);
    if (!status && web_head_count(head, "host") != 1)
        status = refuse(why, BAD, "there has to be one Host");
    return status;
}

void web_head_free(struct web_head *head)
{
    if (head->text)
        mem_wipe(head->text, strlen(head->text));
    free(head->text);
    *head = (struct web_head){0};
}
