/*
** unwinder.h
** What of <unwind.h> is not the same everywhere: the interfaces are those of
** the Itanium C++ ABI, on 32-bit ARM those of its Exception Handling ABI
** (EHABI, IHI 0038), whose frames have no tables but what they say to a
** personality. The functions are found at run time (cxx.h).
*/

#ifndef unwinder_h
#define unwinder_h

#include <stdint.h>
#include <unwind.h>

#if defined(__arm__) && defined(__ARM_EABI__) && !defined(__ARM_DWARF_EH__) \
    && !defined(__USING_SJLJ_EXCEPTIONS__)

/* clang's header has this name for the type without 'struct', gcc's so. */
#if !defined(_Unwind_Exception)
#define _Unwind_Exception _Unwind_Control_Block
#endif

/* The runtime keeps one thing more for each thread (the ABI's implementations
   in libstdc++ and libc++abi): the exceptions for which a destructor runs. */
#define UNWINDER_PROPAGATING void *propagating;

/* Registers of a frame are read and written by number: 12 has the address of
   the unwinder's block, 15 is where the frame goes on. */
#define UNWINDER_READ _Unwind_VRS_Get
#define UNWINDER_WRITE _Unwind_VRS_Set
#pragma weak _Unwind_VRS_Get
#pragma weak _Unwind_VRS_Set

/* Has the frame language-specific data? One of the three personalities of the
   ABI itself (bit 31) has none, in gcc's code and in clang's. */
static inline int unwinder_hasdata (struct _Unwind_Context *context,
                                    __typeof__(UNWINDER_READ) *read) {
  struct _Unwind_Control_Block *block = NULL;
  read(context, _UVRSC_CORE, 12, _UVRSD_UINT32, &block);
  return (*block->pr_cache.ehtp >> 31) == 0;
}

/* The frame goes on at the address that is its data. Nobody asks for it:
   outermost.h has no SWITCH_CATCHES. */
static inline void unwinder_land (struct _Unwind_Context *context,
                                  __typeof__(UNWINDER_READ) *read,
                                  __typeof__(UNWINDER_WRITE) *write) {
  (void)context; (void)read; (void)write;
}

#else

#define UNWINDER_PROPAGATING
#define UNWINDER_READ _Unwind_GetLanguageSpecificData
#define UNWINDER_WRITE _Unwind_SetIP
#pragma weak _Unwind_GetLanguageSpecificData
#pragma weak _Unwind_SetIP

static inline int unwinder_hasdata (struct _Unwind_Context *context,
                                    __typeof__(UNWINDER_READ) *read) {
  return read(context) != 0;
}

static inline void unwinder_land (struct _Unwind_Context *context,
                                  __typeof__(UNWINDER_READ) *read,
                                  __typeof__(UNWINDER_WRITE) *write) {
  write(context, (_Unwind_Ptr)read(context));
}

#endif

#define UNWINDER_NAME(function) UNWINDER_STRING(function)
#define UNWINDER_STRING(function) #function

#endif
