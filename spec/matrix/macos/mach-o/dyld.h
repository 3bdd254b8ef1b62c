/* mach-o/dyld.h: see ../types.h */

#ifndef mach_o_dyld_h
#define mach_o_dyld_h

#include "../types.h"

uint32_t _dyld_image_count (void);

#endif
