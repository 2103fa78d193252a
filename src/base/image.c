/* See image.h.
 *
 * The grammar is that of the distribution project (github.com/distribution/reference): the first component is
 * a registry when it has a dot, a colon or an upper-case letter, or is "localhost"; a path of one component
 * on Docker Hub is below "library/". */
#include "base/image.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LIMIT = 255, TAG_LIMIT = 128, DIGEST_HEX_LEAST = 32 };

static bool is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") == length && strlen(text) == length;
}

/* alphanumerics, separated by one ".", one or two "_", or any number of "-" */
static bool is_path_component(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length) {
        size_t start = i;
        while (i < length && (islower((unsigned char)text[i]) || isdigit((unsigned char)text[i])))
            i++;
        if (i == start)
            return false;
        if (i == length)
            return true;
        size_t run = 0;
        char separator = text[i];
        while (i < length && text[i] == separator) {
            run++;
            i++;
        }
        if (separator != '-' && !(separator == '.' && run == 1) && !(separator == '_' && run <= 2))
            return false;
    }

    return false; /* empty, or a separator at the end */
}

static bool is_path(const char *path)
{
    while (true) {
        size_t length = strcspn(path, "/");
        if (!is_path_component(path, length))
            return false;
        if (!path[length])
            return true;
        path += length + 1;
    }
}

static bool is_registry(const char *text)
{
    if (*text == '[') /* IPv6 */
        text += strcspn(text, "]");
    size_t host = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-]");
    if (host == 0 || text[0] == '-' || text[0] == '.')
        return false;
    if (!text[host])
        return true;
    const char *port = text + host + 1;
    return text[host] == ':' && *port && strspn(port, "0123456789") == strlen(port);
}

static bool looks_like_registry(const char *first)
{
    if (strpbrk(first, ".:") || strcmp(first, "localhost") == 0)
        return true;
    for (; *first; first++)
        if (isupper((unsigned char)*first))
            return true;
    return false;
}

static bool is_tag(const char *tag)
{
    size_t length = strspn(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
    return length > 0 && length <= TAG_LIMIT && !tag[length] && tag[0] != '.' && tag[0] != '-';
}

static bool is_digest(const char *digest)
{
    const char *colon = strchr(digest, ':');
    if (!colon || colon == digest ||
        strspn(digest, "abcdefghijklmnopqrstuvwxyz0123456789+._-") != (size_t)(colon - digest))
        return false;
    size_t hex = strlen(colon + 1);
    if (str_starts(digest, "sha256:") && hex != 64)
        return false;
    return hex >= DIGEST_HEX_LEAST && is_hex(colon + 1, hex);
}

static void split_name(char *name, struct image_reference *reference)
{
    char *slash = strchr(name, '/');
    if (slash) {
        *slash = '\0';
        if (looks_like_registry(name)) {
            reference->registry = xstrdup(text_pick(strcmp(name, "index.docker.io") == 0, "docker.io", name));
            name = slash + 1;
        } else {
            *slash = '/';
        }
    }
    if (!reference->registry)
        reference->registry = xstrdup("docker.io");
    bool official = strcmp(reference->registry, "docker.io") == 0 && !strchr(name, '/');
    reference->path = xasprintf("%s%s", text_if(official, "library/"), name);
}

/* Cuts the text after the last `mark` behind the last slash; NULL when there is none. */
static char *cut_after(char *text, char mark)
{
    char *slash = strrchr(text, '/');
    char *found = strrchr(text, mark);
    if (!found || (slash && found < slash))
        return NULL;
    *found = '\0';
    return found + 1;
}

static const char *why_invalid(const struct image_reference *reference)
{
    if (reference->digest && !is_digest(reference->digest))
        return "the digest is not algorithm:hex";
    if (reference->tag && !is_tag(reference->tag))
        return "the tag may have letters, digits, '_', '.', '-', 128 at most";
    if (!is_registry(reference->registry))
        return "the registry is not host[:port]";
    if (strlen(reference->registry) + 1 + strlen(reference->path) > NAME_LIMIT)
        return "the name is longer than 255 characters";
    if (strchr(reference->path, ':'))
        return "there is more than one ':' behind the registry";
    for (const char *c = reference->path; *c; c++)
        if (isupper((unsigned char)*c))
            return "the repository must be lower case";

    if (!is_path(reference->path))
        return "the repository has an empty component, or characters that are not allowed";
    return NULL;
}

/* Fills the reference, whatever is wrong with it. NULL: nothing is. */
static const char *split(const char *text, struct image_reference *reference)
{
    *reference = (struct image_reference){0};
    if (strlen(text) > 4 * NAME_LIMIT)
        return "it is too long";
    if (str_starts(text, "sha256:") && is_digest(text)) {
        reference->digest = xstrdup(text);
        reference->is_id = true;
        return NULL;
    }

    cleanup_free char *name = xstrdup(text);
    char *at = strchr(name, '@');
    if (at) {
        *at = '\0';
        reference->digest = xstrdup(at + 1);
    }
    reference->tag = xstrdup_null(cut_after(name, ':'));
    split_name(name, reference);
    if (!reference->tag && !reference->digest)
        reference->tag = xstrdup("latest");
    return why_invalid(reference);
}

int image_reference_parse(const char *text, struct image_reference *reference, struct error *err)
{
    const char *why = split(text, reference);
    if (!why)
        return 0;
    image_reference_free(reference);
    cleanup_free char *shown = str_printable(text);
    return error_set(err, ERROR_MANIFEST, "\"%s\" is no image reference: %s", shown, why);
}

const char *image_reference_fault(const char *text)
{
    struct image_reference reference;
    const char *why = split(text, &reference);
    image_reference_free(&reference);
    return why;
}

void image_reference_free(struct image_reference *reference)
{
    free(reference->registry);
    free(reference->path);
    free(reference->tag);
    free(reference->digest);
    *reference = (struct image_reference){0};
}

char *image_reference_text(const struct image_reference *reference, const char *prefix, bool strip_library)
{
    if (reference->is_id)
        return xstrdup(reference->digest);
    bool to_mirror = prefix && *prefix && strcmp(reference->registry, "docker.io") == 0;
    const char *registry = reference->registry, *path = reference->path;
    if (to_mirror)
        registry = prefix;
    if (to_mirror && strip_library && str_starts(path, "library/"))
        path += strlen("library/");

    struct strbuf out = {0};
    strbuf_addf(&out, "%s%s%s", registry, text_if(!str_ends(registry, "/"), "/"), path);
    if (reference->tag)
        strbuf_addf(&out, ":%s", reference->tag);
    if (reference->digest)
        strbuf_addf(&out, "@%s", reference->digest);
    return strbuf_take(&out);
}
