/* What libyaml says of a syntax error: it has no codes for that, so these are its words, in one table. An
 * error that they do not fit gets no hint of its own. */
#ifndef MANIFEST_YAML_WORDS_H
#define MANIFEST_YAML_WORDS_H

#include <stdbool.h>

enum yaml_saying {
    YAML_SAYS_ESCAPE = 1,  /* a backslash in double quotes */
    YAML_SAYS_ALIAS = 2,   /* `*name` */
    YAML_SAYS_ANCHOR = 4,  /* `&name` */
    YAML_SAYS_MAPPING = 8, /* a second ": " in one line */
};

/* Is one of these said? */
bool yaml_says(unsigned sayings, const char *text);

#endif
