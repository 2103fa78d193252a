/* The words of libyaml 0.2. See yaml_words.h. */
#include "manifest/yaml_words.h"

#include <stddef.h>
#include <string.h>

static const struct {
    enum yaml_saying saying;
    const char *words;
} sayings[] = {
    {YAML_SAYS_ESCAPE, "escape"}, /* "found unknown escape character" */
    {YAML_SAYS_ALIAS, "alias"},   /* "found undefined alias", "while scanning an alias" */
    {YAML_SAYS_ANCHOR, "anchor"}, /* "found duplicate anchor", "while scanning an anchor" */
    {YAML_SAYS_MAPPING, "mapping values"},
};

bool yaml_says(unsigned wanted, const char *text)
{
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++)
        if ((sayings[i].saying & wanted) && strstr(text, sayings[i].words))
            return true;
    return false;
}
