/*
** config.h
** Every tunable: default, unit and reason
*/

#ifndef config_h
#define config_h

#include <stddef.h>

/* Functions that the files of this library share and nobody else sees: where
   programs show what is not hidden. */
#if defined(__ELF__) || defined(__MACH__)
#define PRIVATE __attribute__((visibility("hidden")))
#else
#define PRIVATE
#endif

/* Functions on the way from Lua to a switch and back. Return addresses are
   predicted from calls: a fiber and its resumer must leave at the same depth
   below Lua, and a call that is not there cannot differ. */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define RARE __attribute__((noinline, cold))  /* kept out of such a way */
#define NOINLINE __attribute__((noinline))
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define INLINE static inline
#define LIKELY(x) (x)
#define RARE
#define NOINLINE
#define PREFETCH(address) ((void)0)
#endif

/* Bytes, whole pages of any usual size. One page is jumped over:
   'luaL_loadfilex' has a frame of 8.3 KB and does not probe it. At 16 KB no
   alignment misses. */
#define GUARD_SIZE ((size_t)16 << 10)

/* Bytes. At the minimum 'require', 'string.format' and 'io.open' still run;
   the maximum keeps sizes far from overflow and, with 32 bits, a sixteenth of
   the address space. */
#define STACK_SIZE_MIN ((size_t)64 << 10)
#define STACK_SIZE_MAX ((size_t)1 << (sizeof(void *) > 4 ? 30 : 27))

/* Bytes; for a Lua without 'string.gsub' to measure. Debian's Lua at -O0
   needs 1.1 MB. */
#define STACK_SIZE_FALLBACK ((size_t)1280 << 10)

/* Lua's own limit of nested C calls (LUAI_MAXCCALLS in llimits.h) and the
   tenth above it that handling the overflow may use (lstate.c). */
#define NESTED_C_CALLS 220

/* Bytes below the deepest of those calls: 200 levels of pattern matching
   take 60 KB at -O0, 'glob' 32 KB, 'printf' 6 KB, a signal frame 3.4 KB. */
#define STACK_SLACK ((size_t)128 << 10)

/* Bytes below the top that a stack keeps while it waits for the next fiber: a
   usual one touches 4 KB. The bytes below those that tell whether it was used
   deeply. And how many bytes of stacks come back before those that came are
   looked at, which takes 60 ns each: as much of deep pages may stay in a pool
   that nothing comes back to, less where there is less. */
#define STACK_KEEP ((size_t)16 << 10)
#define STACK_LOOK ((size_t)4 << 10)
#define TRIM_INTERVAL ((size_t)(sizeof(void *) > 4 ? 64 : 16) << 20)

/* How often the latest stack may come back alone before that counts for
   TRIM_INTERVAL, once, and the pool looks at its limit, which takes 2 ns; where
   stacks are so small, in bytes, that one hardly adds to TRIM_INTERVAL. */
#define WARM_TURNS 15
#define WARM_SIZE_MAX (TRIM_INTERVAL / 64)

/* By how many bytes, whole cache lines, a stack's top lies lower than that of
   the one before, and after how many that begins again. A cache keeps few lines
   from the same place of pages, in an L2 of 2 MB those of 512: 1,000 fibers in
   turn are a third faster. Only the first STACKS_SHIFTED of a pool are shifted:
   below C frames a fiber often touches a second page by it, and past that many
   others yield compactly. */
#define STACK_SHIFT 128
#define STACK_SHIFTS 16
#define STACKS_SHIFTED NATIVE_LIMIT

/* Stacks in one mapping, and its bytes, at most: creation then costs the guard
   and the first touch, little else. With 32 bits a 512th of the address
   space. */
#define SLAB_SLOTS_MAX 128
#define SLAB_BYTES_MAX ((size_t)1 << (sizeof(void *) > 4 ? 28 : 23))

/* Bytes of an alternate signal stack, or what the system asks for: room for
   the handlers of a host that come after the report, which print a backtrace
   perhaps. The report takes 1.5 KB, a signal frame 3.4 KB. */
#define OVERFLOW_STACK ((size_t)64 << 10)

/* Bytes of the report's line, at most: the texts, three numbers and the name
   of a chunk (LUA_IDSIZE, 60). */
#define OVERFLOW_LINE 256

/* How often a handler tries to get the lock, which others hold for a moment,
   or for ever if the handler interrupted its holder. */
#define OVERFLOW_TRIES 1000

/* Nested resumes before "C stack overflow". Each costs a stack of which two
   pages or so are touched: endless recursion ends at some 12 MB. */
#define MAX_DEPTH 1000
#define MAX_DEPTH_MAX 1000000

/* Natively suspended stacks after which a yield that can be compact is.
   Up to here the native yield is the faster one, past 2,000 the cache and
   the TLB make it three times slower than the compact one. */
#define NATIVE_LIMIT 1024

/* A fiber that comes back before some 4,000 others yielded compactly switches
   often: it yields natively from then on, while one that yields once never
   pays for an anchor. Among 2,000 in turn the native yields win by it; with a
   window of 16,000, 100,000 in turn lose a fifth. RECENT_PLACES, a power of
   two, is how many yields are remembered; age is counted in RECENT_UNIT. The
   clocks of threads that share a place are RECENT_MARK of these apart. */
#define RECENT_PLACES 4096
#define RECENT_UNIT 1024
#define RECENT_UNITS 4
#define RECENT_MARK 256

/* Bytes from a thread to what a resume reads first and late: its last fields
   and the Lua stack that 'lua_newthread' allocates behind it, and the records
   of the first two calls, which mostly follow. Where an allocator puts them
   elsewhere nothing is gained. Of 1,000,000 fibers resumed in no order a resume
   saves three tenths; in turn, where all that of the third next is loaded
   instead, a third: one resume is too short for what comes from far. */
#define NEAR_STACK 192
#define NEAR_CALL 960
#define ROW_AHEAD 3

/* Stacks that may be lost to threads that went without a word, beside as many
   as are in use, before it is looked for them: a walk through all. */
#define LOST_BATCH 1024

/* Stacks cached for reuse: as many as may be suspended natively by choice. */
#define POOL_LIMIT 1024
#define COUNT_LIMIT_MAX 100000000

/* VM instructions between two looks at the budget of a slice, at most. A look
   costs some 50 ns, an instruction under a count hook 4. A finalizer that the
   collector calls in between moves the count without a look, so that one may
   be missing. Stock coroutines that are made in a slice count in such steps. */
#define SLICE_STEP 256
#define SLICE_MAX 2147483647

/* Bytes that one natively suspended stack usually touches, in the unit of
   'lua_gc' (KB), and how many of them are told to the collector at once. */
#define PRESSURE_KB 8
#define PRESSURE_BATCH 16

#endif
