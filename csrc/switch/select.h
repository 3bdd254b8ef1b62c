/*
** select.h
** The ladder that selects a port of switch.h
*/

#ifndef select_h
#define select_h

#if defined(CFIBER_SWITCH_UCONTEXT)
#include "ucontext.h"
#elif defined(__x86_64__) && !defined(__ILP32__) && !defined(_WIN32) \
      && !defined(__CYGWIN__) && defined(__GNUC__)
#include "x86_64_sysv.h"
#elif defined(__aarch64__) && !defined(__ILP32__) && !defined(_WIN32) \
      && defined(__GNUC__)
#include "aarch64.h"
#elif defined(__unix__) || defined(__APPLE__)
#include "ucontext.h"
#else
#error "cfiber has no context switch for this system: write one by the \
contract in csrc/switch.h, add it to csrc/switch/select.h, or build with \
SWITCH=ucontext where <ucontext.h> exists"
#endif

#endif
