/* The words of error replies, of Redis, Valkey and Garnet. A word that is not here is the caller's mistake.
 */
#include "client_base/verdict.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *word;
    unsigned verdict;
} rows[] = {
    {"OOM", VERDICT_ABSENT},
    {"MISCONF", VERDICT_ABSENT},
    {"NOREPLICAS", VERDICT_ABSENT},
    {"BUSY", VERDICT_ABSENT | VERDICT_PRIMARY},
    {"LOADING", VERDICT_ABSENT | VERDICT_PRIMARY},
    {"MASTERDOWN", VERDICT_ABSENT | VERDICT_PRIMARY},
    {"CLUSTERDOWN", VERDICT_ABSENT | VERDICT_PRIMARY},
    {"TRYAGAIN", VERDICT_ABSENT | VERDICT_PRIMARY},
    {"READONLY", VERDICT_ABSENT | VERDICT_REDIAL},
    {"NOAUTH", VERDICT_AUTH},
    {"WRONGPASS", VERDICT_AUTH},
    {"MOVED", VERDICT_ELSEWHERE},
    {"ASK", VERDICT_ELSEWHERE},
    {"CROSSSLOT", VERDICT_ELSEWHERE},
};

unsigned verdict_of(const char *word)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].word, word) == 0)
            return rows[i].verdict;
    return 0;
}

void verdict_word(const char *text, char word[64])
{
    size_t len = strcspn(text, " ");

    if (len >= 64)
        len = 0;
    memcpy(word, text, len);
    word[len] = '\0';
}

unsigned verdict_of_text(const char *text)
{
    char word[64];

    verdict_word(text, word);
    return verdict_of(word);
}

static const struct {
    enum verdict_saying saying;
    const char *words;
} sayings[] = {
    {SAYS_FULL, "max number of clients"},
    {SAYS_NO_PASSWORD, "without any password"}, /* Redis 6 and later */
    {SAYS_NO_PASSWORD, "no password is set"},   /* before */
    {SAYS_PASSWORD, "password"},
    {SAYS_PASSWORD, "AUTH"},
    {SAYS_NO_COMMAND, "unknown command"},
};

bool verdict_says(unsigned wanted, const char *text)
{
    for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++)
        if ((sayings[i].saying & wanted) && strstr(text, sayings[i].words))
            return true;
    return false;
}
