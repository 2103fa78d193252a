/* Lists of names that do not fit their enum. See scripts/check-wrong. */
#include "base/names.h"

enum mood { CALM, LOUD, GONE, MOODS };

static NAMES(right, MOODS, [CALM] = "calm", [LOUD] = "loud", [GONE] = "gone");
extern const char *const plain[3];
const char *const plain[] = {"calm", "loud", "gone"};
EACH_OF(plain, MOODS);

#if CASE == 1 /* the last one is missing */
static NAMES(wrong, MOODS, [CALM] = "calm", [LOUD] = "loud");
#elif CASE == 2 /* one in the middle is missing */
static NAMES(wrong, MOODS, [CALM] = "calm", [GONE] = "gone");
#elif CASE == 3 /* one too many */
static NAMES(wrong, MOODS, [CALM] = "calm", [LOUD] = "loud", [GONE] = "gone", [MOODS] = "none");
#elif CASE == 4 /* one twice, another one missing */
static NAMES(wrong, MOODS, [CALM] = "calm", [LOUD] = "loud", [LOUD] = "gone");
#elif CASE == 5 /* a list that is too short */
EACH_OF(plain, MOODS + 1);
#endif

const char *names(void);
const char *names(void)
{
#if CASE > 0 && CASE < 5
    return wrong.texts[0];
#else
    return right.texts[0];
#endif
}
