/*
** system.h
** <windows.h> for tests, which have a SIZE of their own
*/

#ifndef windows_system_h
#define windows_system_h

#pragma push_macro("SIZE")
#undef SIZE
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#pragma pop_macro("SIZE")

#endif
