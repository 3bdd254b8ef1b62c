/*
** pages_windows.c
** pages.h for Windows
**
** All of a reservation is committed: a page takes memory when it is first
** touched, but the system promises from the start that it will be there
** ("commit charge"), as Linux does with vm.overcommit_memory=2. Stacks of
** threads grow instead: the system commits one more page when a guard is
** touched, and lowers the StackLimit of the thread. For that each stack's limit
** would have to be known whichever way it is left, by an exit, a collection or
** a jump, and be the one of the memory again when it is reused: with one too
** high no exception is found, with one too low a probe is left out.
**
** A guard is made of two kinds of pages, drawn for one of 16 KB:
**
**   at        no access     an end that nothing moves
**   at + 4K   PAGE_GUARD    "Creating Guard Pages" (Memory Management): the
**   at + 12K  PAGE_GUARD    first access raises an exception, and the page is
**                           an ordinary one from then on
**
** On the stack that the thread runs on, by what switch_swap tells the system,
** this is STATUS_STACK_OVERFLOW, and the pages are where its handlers run. One
** page without access is enough: who has a larger frame touches each page of it
** in order ("x64 prolog and epilog", __chkstk).
*/

#if defined(_WIN32)

#include "pages.h"

#include <errno.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>


/* Of the memory a reservation starts at multiples of 64 KB; all else goes by
   pages. */
size_t pages_size (void) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return info.dwPageSize;
}


size_t pages_round (size_t bytes) {
  size_t page = pages_size();
  return (bytes + page - 1) & ~(page - 1);
}


void *pages_reserve (size_t bytes) {
  void *at = VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT,
                          PAGE_READWRITE);
  if (at == NULL)
    errno = ENOMEM;
  return at;
}


/* Protections are the only way there is. */
int pages_guard (void *at, size_t bytes, enum pages_guard *way) {
  size_t page = pages_size();
  DWORD before;
  *way = GUARD_MPROTECT;
  if (!VirtualProtect((char *)at + page, bytes - page,
                      PAGE_READWRITE | PAGE_GUARD, &before)
      || !VirtualFree(at, page, MEM_DECOMMIT)) {
    errno = ENOMEM;
    return -1;
  }
  return 0;
}


/* The system takes the pages when it is short of memory, without writing them
   to the disk; one that is still there then holds what it held. They remain
   promised: to give that back and to ask again might fail. */
void pages_discard (void *at, size_t bytes) {
  VirtualAlloc(at, bytes, MEM_RESET, PAGE_READWRITE);
}


int pages_release (void *at, size_t bytes) {
  (void)bytes;
  if (VirtualFree(at, 0, MEM_RELEASE))
    return 0;
  errno = ENOMEM;
  return -1;
}

#else

typedef int pages_windows_is_empty_here;  /* C99 6.9 wants a declaration */

#endif
