/* See keys.h. */
#include "web/keys.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX "0123456789abcdef"

static const char *const purposes[] = {[WEB_COOKIE] = "cookie", [WEB_TICKET] = "ticket"};
EACH_OF(purposes, WEB_PURPOSE_COUNT);

void web_token_make(char out[WEB_TOKEN_SIZE])
{
    digest_random_text(out, WEB_TOKEN_SIZE - 1, HEX);
}

bool web_token_is(const char *text)
{
    return strlen(text) == WEB_TOKEN_SIZE - 1 && strspn(text, HEX) == WEB_TOKEN_SIZE - 1;
}

/* Over digests, so that neither the place of a difference nor a length shows in the time. */
bool web_keys_equal(const char *a, const char *b)
{
    char left[65], right[65];
    unsigned char difference = 0;
    digest_sha256(a, strlen(a), left);
    digest_sha256(b, strlen(b), right);
    for (size_t i = 0; i < sizeof left; i++)
        difference |= (unsigned char)(left[i] ^ right[i]);
    mem_wipe(left, sizeof left);
    mem_wipe(right, sizeof right);
    return difference == 0;
}

static void make_seal(const char *token, enum web_purpose purpose, const char *what, char out[65])
{
    cleanup_free char *text = xasprintf("%s:%s", purposes[purpose], what);
    digest_hmac(token, strlen(token), text, strlen(text), out);
}

void web_seal(const char *token, enum web_purpose purpose, int64_t end_ms, char out[WEB_SEALED_SIZE])
{
    char nonce[WEB_NONCE_SIZE], what[64], seal[65];
    digest_random_text(nonce, sizeof nonce - 1, HEX);
    int length = snprintf(what, sizeof what, "%" PRIx64 ".%s", (uint64_t)end_ms, nonce);
    make_seal(token, purpose, what, seal);
    memcpy(out, what, (size_t)length);
    out[length] = '.';
    memcpy(out + length + 1, seal, sizeof seal);
}

bool web_sealed(const char *token, enum web_purpose purpose, const char *text, int64_t now_ms,
                char nonce[WEB_NONCE_SIZE])
{
    char what[64] = "", seal[65];
    const char *last = strrchr(text, '.'), *first = strchr(text, '.');
    size_t length = strlen(text);
    if (!last || first == last || length >= WEB_SEALED_SIZE || (size_t)(last - text) >= sizeof what ||
        last - first != WEB_NONCE_SIZE)
        return false;

    memcpy(what, text, (size_t)(last - text));
    make_seal(token, purpose, what, seal);
    if (!web_keys_equal(seal, last + 1))
        return false;
    if (nonce) {
        memcpy(nonce, first + 1, WEB_NONCE_SIZE - 1);
        nonce[WEB_NONCE_SIZE - 1] = '\0';
    }
    return strtoll(what, NULL, 16) > now_ms;
}

bool web_cookie_find(const char *header, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    while (*header) {
        header += strspn(header, "; ");
        size_t end = strcspn(header, ";");
        if (end > length && !strncmp(header, name, length) && header[length] == '=' &&
            end - length - 1 < size) {
            memcpy(out, header + length + 1, end - length - 1);
            out[end - length - 1] = '\0';
            return true;
        }
        header += end;
    }
    return false;
}
