/* assert.h: see types.h */

#ifndef assert_h
#define assert_h

void __assert_rtn (const char *function, const char *file, int line,
                   const char *text);

#define assert(e) \
  ((e) ? (void)0 : __assert_rtn(__func__, __FILE__, __LINE__, #e))

#endif
