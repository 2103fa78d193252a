/* Rows of records whose type is not their member's. See scripts/check-wrong. */
#include "record/record.h"

enum mood { CALM, LOUD, MOODS };
struct inner {
    const char *name;
};
struct outer {
    const char *text;
    int number;
    int64_t large;
    bool flag;
    enum mood mood;
    const char **words;
    size_t word_count;
    int *codes;
    struct inner one, *many;
    int many_count;
};

static NAMES(moods, MOODS, [CALM] = "calm", [LOUD] = "loud");
static const struct record_field inner_fields[] = {RECORD_FIELD(struct inner, name, FIELD_STRING, true)};
static RECORD(inner, struct inner, inner_fields);

static const struct record_field fields[] = {
    RECORD_FIELD(struct outer, text, FIELD_STRING, true),
    RECORD_NAMED(struct outer, mood, moods, false),
    RECORD_NESTED(struct outer, one, inner, false),
#if CASE == 1 /* a text that is a number */
    RECORD_FIELD(struct outer, number, FIELD_STRING, false),
#elif CASE == 2  /* a long number in a short one */
    RECORD_FIELD(struct outer, number, FIELD_INT64, false),
#elif CASE == 3  /* a number in a flag */
    RECORD_FIELD(struct outer, flag, FIELD_INT, false),
#elif CASE == 4  /* a name in a text */
    RECORD_NAMED(struct outer, text, moods, false),
#elif CASE == 5  /* texts that are numbers */
    RECORD_COUNTED(struct outer, codes, word_count, FIELD_STRINGS, false),
#elif CASE == 6  /* a counter of another size */
    RECORD_COUNTED(struct outer, words, many_count, FIELD_STRINGS, false),
#elif CASE == 7  /* another structure than the record's */
    RECORD_NESTED(struct outer, mood, inner, false),
#elif CASE == 8  /* one structure where many are */
    RECORD_NESTED(struct outer, many, inner, false),
#elif CASE == 9  /* many where one is */
    RECORD_ARRAY(struct outer, one, word_count, inner, false),
#elif CASE == 10 /* no such member */
    RECORD_FIELD(struct outer, nothing, FIELD_INT, false),
#endif
};
extern const struct record wrong_record;
RECORD(wrong_record, struct outer, fields);
