/* From an engine's words to our kinds of failure: one table, first match wins.
 *
 * Statuses alone say little: Podman 4.3 answers 500 to nearly everything, and 20.10 answers 500 to a port
 * that is taken and to every trouble with a registry. The texts are those of Docker 20.10–29 and Podman 4.3.
 * Letters' case is ignored. Failures of a pull that are not about space or versions are ERROR_PULL whatever
 * they say; their rows only add hints. What is acted upon without being a failure (something to forgive, to
 * mend, or a state told in words) is a table of its own below, engine_says(). */
#include "engine/internal.h"
#include "base/pick.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_LIMIT = 2048 };

struct classify_row {
    uint8_t context, code, detail; /* enums, small: there are many rows */
    int16_t status;                /* 0: any */
    const char *first, *second;    /* both must occur; NULL: no condition */
    const char *hint;
};

static const char auth_hint[] = "log in to the registry (docker login), or check the image's name";
static const char offline_hint[] =
    "check the network and the registry's address, or set APPHOST_IMAGE_PREFIX to a mirror";

#define EXACT(on, number, one, two, kind, words, what)                                                       \
    {                                                                                                        \
        .context = on, .status = number, .first = one, .second = two, .code = kind, .hint = words,           \
        .detail = what                                                                                       \
    }
#define ROW(context, status, first, second, code, hint)                                                      \
    EXACT(context, status, first, second, code, hint, DETAIL_NONE)
static const struct classify_row rows[] = {
    ROW(ON_ANY, 400, "client version", "is too ", ERROR_ENGINE, "unset DOCKER_API_VERSION"),
    ROW(ON_ANY, 400, "http request to an https server", NULL, ERROR_ENGINE, "set DOCKER_TLS_VERIFY=1"),
    ROW(ON_ANY, 0, "no space left on device", NULL, ERROR_SPACE,
        "free some space where the engine keeps its data (docker system df)"),

    EXACT(ON_ANY, 0, "not a swarm manager", "worker node", ERROR_ENGINE,
          "ask one of the swarm's managers (--host, --context), or make this node one: docker node promote",
          DETAIL_NO_SWARM),
    EXACT(ON_ANY, 0, "not a swarm manager", NULL, ERROR_ENGINE,
          "make it one with docker swarm init, or point to another engine (--host, --context)",
          DETAIL_NO_SWARM),
    EXACT(ON_ANY, 0, "swarm is encrypted", NULL, ERROR_ENGINE, "unlock it: docker swarm unlock",
          DETAIL_NO_SWARM),
    EXACT(ON_ANY, 0, "swarm does not have a leader", NULL, ERROR_ENGINE,
          "too few of its managers can be reached: look at them with docker node ls", DETAIL_NO_SWARM),
    EXACT(ON_ANY, 0, "update out of sequence", NULL, ERROR_CONFLICT, NULL, DETAIL_OUT_OF_SEQUENCE),

    ROW(ON_PULL, 0, "toomanyrequests", NULL, ERROR_PULL,
        "the registry limits anonymous pulls: log in (docker login), or set APPHOST_IMAGE_PREFIX to a "
        "mirror"),
    ROW(ON_PULL, 0, "rate limit", NULL, ERROR_PULL,
        "the registry limits anonymous pulls: log in (docker login), or set APPHOST_IMAGE_PREFIX to a "
        "mirror"),
    ROW(ON_PULL, 0, "manifest unknown", NULL, ERROR_PULL, "check the image's tag"),
    ROW(ON_PULL, 0, "unauthorized", NULL, ERROR_PULL, auth_hint),
    ROW(ON_PULL, 0, "denied", NULL, ERROR_PULL, auth_hint),
    ROW(ON_PULL, 0, "no basic auth", NULL, ERROR_PULL, auth_hint),
    ROW(ON_PULL, 0, "authentication required", NULL, ERROR_PULL, auth_hint),
    ROW(ON_PULL, 0, "no such host", NULL, ERROR_PULL, offline_hint),
    ROW(ON_PULL, 0, "connection refused", NULL, ERROR_PULL, offline_hint),
    ROW(ON_PULL, 0, "i/o timeout", NULL, ERROR_PULL, offline_hint),
    ROW(ON_PULL, 0, "deadline exceeded", NULL, ERROR_PULL, offline_hint),
    ROW(ON_PULL, 0, "network is unreachable", NULL, ERROR_PULL, offline_hint),
    ROW(ON_PULL, 0, "no matching manifest", NULL, ERROR_PULL,
        "the image does not exist for this platform; set `platform`"),
    ROW(ON_PULL, 0, NULL, NULL, ERROR_PULL, NULL),

    ROW(ON_CREATE | ON_IMAGE, 0, "no such image", NULL, ERROR_NO_IMAGE, NULL),
    ROW(ON_CREATE | ON_IMAGE, 0, "image not known", NULL, ERROR_NO_IMAGE, NULL),
    EXACT(ON_CREATE | ON_START, 0, "network", "not found", ERROR_CONFLICT,
          "the network was removed: the container has to be made anew", DETAIL_NETWORK_GONE),
    ROW(ON_IMAGE, 404, NULL, NULL, ERROR_NO_IMAGE, NULL),
    EXACT(ON_ANY, 0, "port is already allocated", NULL, ERROR_PORT, NULL, DETAIL_PORT_TAKEN),
    EXACT(ON_ANY, 0, "address already in use", NULL, ERROR_PORT, NULL, DETAIL_PORT_TAKEN),
    EXACT(ON_ANY, 0, "cannot assign requested address", NULL, ERROR_PORT,
          "the address is not one of this machine's", DETAIL_ADDRESS_FOREIGN),
    ROW(ON_START | ON_EXEC, 0, "executable file", "not found", ERROR_NOT_FOUND, NULL),
    ROW(ON_START | ON_EXEC, 0, "exec: ", "no such file or directory", ERROR_NOT_FOUND, NULL),
    ROW(ON_START | ON_EXEC, 0, "exec: ", "permission denied", ERROR_NOT_EXECUTABLE, NULL),
    ROW(ON_START | ON_EXEC, 0, "exec: ", "is a directory", ERROR_NOT_EXECUTABLE, NULL),
    ROW(ON_START | ON_EXEC, 0, "exec format error", NULL, ERROR_NOT_EXECUTABLE,
        "the image is for another platform"),

    ROW(ON_START, 0, "error setting rlimit", NULL, ERROR_FAILED,
        "the engine's default limits are above what it may give: set default_ulimits in containers.conf"),

    ROW(ON_ANY, 404, NULL, NULL, ERROR_GONE, NULL),
    ROW(ON_ANY, 0, "no such container", NULL, ERROR_GONE, NULL),
    ROW(ON_ANY, 0, "no such volume", NULL, ERROR_GONE, NULL),
    EXACT(ON_ANY, 0, "network not found", NULL, ERROR_GONE, NULL, DETAIL_NETWORK_GONE),
    ROW(ON_ANY, 0, "no such exec", NULL, ERROR_GONE, NULL),

    EXACT(ON_ANY, 0, "marked for removal", NULL, ERROR_CONFLICT, NULL, DETAIL_BEING_REMOVED),
    ROW(ON_ANY, 409, NULL, NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "already in use by", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "is ambiguous", NULL, ERROR_CONFLICT,
        "several networks have this name: remove the spare ones"),
    ROW(ON_ANY, 0, "network already exists", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "has active endpoints", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "has associated containers", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "is in use", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "is being used", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "container state improper", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "is not running", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "already in progress", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "without force", NULL, ERROR_CONFLICT, NULL),
    ROW(ON_ANY, 0, "non-overlapping ipv4 address pool", NULL, ERROR_FAILED,
        "the engine has no addresses left for networks: remove unused ones (docker network prune)"),
};

static bool has_words(const char *message, const char *words)
{
    if (!words)
        return true;
    if (*words == '^')
        return strcasestr(message, words + 1) == message;
    return strcasestr(message, words) != NULL;
}

static bool matches(const struct classify_row *row, enum engine_context context, int status,
                    const char *message)
{
    return (row->context & context) && (!row->status || row->status == status) &&
           has_words(message, row->first) && has_words(message, row->second);
}

void engine_classify(enum engine_context context, int status, const char *message, const char *what,
                     struct error *err)
{
    const struct classify_row *found = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !found; i++)
        if (matches(&rows[i], context, status, message))
            found = &rows[i];
    enum error_code code = ERROR_FAILED;
    if (found)
        code = found->code;
    if (*message)
        error_set(err, code, "cannot %s: %s", what, message);
    else
        error_set(err, code, "cannot %s: the engine answered HTTP %d", what, status);
    if (found && found->hint)
        error_hint(err, "%s", found->hint);
    if (found)
        error_is_exactly(err, found->detail);
}

static const struct {
    uint16_t saying;
    int16_t status;             /* 0: any */
    const char *first, *second; /* as above; "^…": where the text begins */
} sayings[] = {
    {SAYS_VERSION, 400, "client version", "is too "},
    {SAYS_GONE, 404, NULL, NULL},
    {SAYS_GONE, 0, "no such container", NULL},
    {SAYS_GONE, 0, "no such volume", NULL},
    {SAYS_GONE, 0, "network not found", NULL},
    {SAYS_GOING, 0, "already in progress", NULL},
    {SAYS_STOPPED, 0, "is not running", NULL},
    {SAYS_MEMBER, 0, "endpoint with name", "already exists in network"},
    {SAYS_MEMBER, 0, "is already connected to network", NULL},
    {SAYS_STRANGER, 0, "is not connected to", NULL},
    {SAYS_NO_INIT, 0, "container-init binary not found", NULL},
    {SAYS_NO_CREDENTIALS, 0, "credentials not found", NULL},
    {SAYS_PULLED, 0, "^status: ", NULL},
    {SAYS_HEALTHY, 0, "(healthy)", NULL},
    {SAYS_UNHEALTHY, 0, "(unhealthy)", NULL},
    {SAYS_NOT_HEALTHY_YET, 0, "(health: starting)", NULL},
    {SAYS_FIELD_TAKEN, 0, "conflict", NULL},
    {SAYS_NO_PAST, 0, "no rollout history", NULL},
    {SAYS_NO_PAST, 0, "no last revision", NULL},
};

bool engine_says(unsigned wanted, int status, const char *message)
{
    bool is_said = false;
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings && !is_said; i++)
        is_said = (sayings[i].saying & wanted) && (!sayings[i].status || sayings[i].status == status) &&
                  has_words(message, sayings[i].first) && has_words(message, sayings[i].second);
    return is_said;
}

/* "Bind for 127.0.0.1:20123 failed", "listen tcp4 127.0.0.1:20123: bind: …". */
bool engine_names_port(const struct error *err, int port)
{
    char number[16];
    int length = snprintf(number, sizeof number, ":%d", port);
    const char *at = strstr(err->text, number);
    return at && (at[length] < '0' || at[length] > '9');
}

char *engine_message(const char *body, size_t length)
{
    cleanup_json cJSON *document = json_parse(body, length, NULL);
    const char *text = body;
    if (document)
        text = json_string(document, "message", "");
    cleanup_free char *cut = xstrndup(text_or_empty(text), strnlen(text_or_empty(text), MESSAGE_LIMIT));
    size_t end = strlen(cut);
    for (char *c = cut; (c = strpbrk(c, "\t\r\n"));)
        *c = ' ';
    while (end && cut[end - 1] == ' ')
        cut[--end] = '\0';
    return str_printable(cut);
}
