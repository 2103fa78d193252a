/* Which libraries the program works with, and where they came from: for `version` and `doctor`.
 *
 * Those that are opened late are opened for it, so that what is said is what would be used. Nothing is
 * printed and nothing fails: a library that cannot be had is an entry that says why. */
#ifndef LIBRARY_INVENTORY_H
#define LIBRARY_INVENTORY_H

#include "library/library.h"
#include "base/json.h"

/* [{"name","how","version","path","for","error","fix"}], the caller deletes it. `how` is "opened" (`path` is
 * the file), "linked" (by the loader, or into the program), "within" (of a program that has all within), or
 * "missing" (`error` says what, `fix` what to do). What is not known is left out. */
cJSON *library_inventory(void);

#endif
