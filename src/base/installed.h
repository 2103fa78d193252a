/* How this program came to where it is: written into it when it was built (INSTALLED of the Makefile), never
 * guessed from where it lies. */
#ifndef BASE_INSTALLED_H
#define BASE_INSTALLED_H

/* "source", "package", "tarball" or "image". */
const char *installed_as(void);

#endif
