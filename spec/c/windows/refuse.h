/*
** refuse.h
** A system that refuses, on Windows: VirtualAlloc, VirtualFree and
** VirtualProtect of the program, in place of the system's. What they stand for
** has the names of POSIX:
**
**   mmap       VirtualAlloc, to reserve memory
**   madvise    VirtualAlloc, to reset it
**   munmap     VirtualFree, to release it
**   mprotect   VirtualProtect
*/

#ifndef windows_refuse_h
#define windows_refuse_h

#include <string.h>

#include "system.h"

/* There is one reason. */
static inline int refuse_said (int why) {
  (void)why;
  return ENOMEM;
}

/* The function of the system, of the type of 'own'. */
static inline void refuse_find (const char *name, void *function) {
  FARPROC address = GetProcAddress(GetModuleHandleA("kernel32"), name);
  memcpy(function, &address, sizeof(address));
}

static LPVOID WINAPI refuse_alloc (LPVOID at, SIZE_T bytes, DWORD how,
                                   DWORD protection) {
  LPVOID (WINAPI *alloc) (LPVOID, SIZE_T, DWORD, DWORD);
  refuse_find("VirtualAlloc", &alloc);
  if ((how & MEM_RESERVE) ? refuse_this(&refuse_mmap)
                          : refuse_this(&refuse_madvise))
    return NULL;
  return alloc(at, bytes, how, protection);
}

static BOOL WINAPI refuse_free (LPVOID at, SIZE_T bytes, DWORD how) {
  BOOL (WINAPI *release) (LPVOID, SIZE_T, DWORD);
  refuse_find("VirtualFree", &release);
  if ((how & MEM_RELEASE) && refuse_this(&refuse_munmap))
    return FALSE;
  return release(at, bytes, how);
}

static BOOL WINAPI refuse_protect (LPVOID at, SIZE_T bytes, DWORD protection,
                                   PDWORD before) {
  BOOL (WINAPI *protect) (LPVOID, SIZE_T, DWORD, PDWORD);
  refuse_find("VirtualProtect", &protect);
  if (refuse_this(&refuse_mprotect))
    return FALSE;
  return protect(at, bytes, protection, before);
}

/* Calls of a DLL's function go by these. */
extern LPVOID (WINAPI *const __imp_VirtualAlloc) (LPVOID, SIZE_T, DWORD, DWORD);
extern BOOL (WINAPI *const __imp_VirtualFree) (LPVOID, SIZE_T, DWORD);
extern BOOL (WINAPI *const __imp_VirtualProtect) (LPVOID, SIZE_T, DWORD,
                                                  PDWORD);
LPVOID (WINAPI *const __imp_VirtualAlloc) (LPVOID, SIZE_T, DWORD, DWORD)
  = refuse_alloc;
BOOL (WINAPI *const __imp_VirtualFree) (LPVOID, SIZE_T, DWORD) = refuse_free;
BOOL (WINAPI *const __imp_VirtualProtect) (LPVOID, SIZE_T, DWORD, PDWORD)
  = refuse_protect;

#endif
