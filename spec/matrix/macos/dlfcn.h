/* dlfcn.h: see types.h */

#ifndef dlfcn_h
#define dlfcn_h

#define RTLD_LAZY 0x1
#define RTLD_NOLOAD 0x10
#define RTLD_DEFAULT ((void *)-2)

void *dlopen (const char *path, int mode);
void *dlsym (void *handle, const char *symbol);
int dlclose (void *handle);

#endif
