/* What servers answer instead of PONG, and what that means for a user: one row each. */
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"
#include "redis_conn/redis_conn.h"

#include <string.h>

struct meaning {
    const char *prefix; /* of the error reply */
    bool is_final;
    bool has_words; /* the server's own words follow */
    const char *text;
    const char *hint;
};

static const struct meaning meanings[] = {
    {"LOADING", false, false, "the server is loading its data", NULL},
    {"NOAUTH", true, false, "the server wants a password and none is configured", "set `password`"},
    {"WRONGPASS", true, false, "the server refuses the password",
     "its data or another client may have set a different one"},
    {"ERR invalid password", true, false, "the server refuses the password", NULL},
    {"ERR AUTH <password> called without any password", true, false,
     "a password is configured, but the server has none", NULL},
    {"ERR Client sent AUTH, but no password is set", true, false,
     "a password is configured, but the server has none", NULL},
    {"DENIED", true, false, "the server is in protected mode and refuses connections from outside",
     "set `protected-mode no` in its configuration, or a password"},
    {"NOPERM", true, true, "the server's access list forbids it", NULL},
    {"MISCONF", false, true, "the server cannot save its data and refuses commands",
     "look at its log; `persistence` or the rights of the data folder may be wrong"},
    {"BUSY", false, false, "the server is busy running a script", NULL},
    {"MASTERDOWN", false, false, "the replica has lost its master", NULL},
    {"ERR max number of clients reached", false, false, "the server has too many clients", NULL},
    {"", false, true, "the server answered an error", NULL},
};

bool redis_explain(const struct resp_reply *reply, struct error *err)
{
    enum { WORDS_MAX = 200 };
    const char *words = text_or_empty(reply->str);
    const struct meaning *meaning = meanings;
    while (!str_starts(words, meaning->prefix))
        meaning++;
    if (meaning->has_words) {
        cleanup_free char *start = xstrndup(words, WORDS_MAX);
        cleanup_free char *printable = str_printable(start);
        error_set(err, ERROR_RESOURCE, "%s: %s", meaning->text, printable);
    } else {
        error_set(err, ERROR_RESOURCE, "%s", meaning->text);
    }
    if (meaning->hint)
        error_hint(err, "%s", meaning->hint);
    return meaning->is_final;
}
