# cfiber: build, demo, test, install. 'make help' lists the targets.

# Or the environment's
LUA ?= lua5.4
CC = cc
OBJCOPY = objcopy
# Yours. What distributions harden with (-D_FORTIFY_SOURCE=3 -fcf-protection
# -fstack-protector-strong -fstack-clash-protection -mbranch-protection=standard)
# makes a resume and its yield 2 % longer.
CFLAGS = -O2 -g
PREFIX = /usr/local
# native: the switch written for this machine. ucontext: the portable one.
SWITCH = native
# 1: ends the process where two OS threads use one Lua state at once
DEBUG =

# The language of the sources, c99 or later
STD = c99

# The directory of Lua's headers is mostly named after the interpreter.
LUA_NAME = $(notdir $(firstword $(LUA)))
LUA_DIRS = $(if $(LUA_NAME),/usr/include/$(LUA_NAME) /usr/local/include/$(LUA_NAME)) \
  $(if $(findstring 5,$(LUA_NAME)),,/usr/include/lua5.4) /usr/local/include /usr/include
LUA_INCDIR = $(firstword $(foreach d,$(LUA_DIRS),$(if $(wildcard $(d)/lua.h),$(d))) $(LUA_DIRS))
# Of the headers: what is built is for that version.
LUA_VERSION := $(or $(shell sed -n 's/^.define LUA_VERSION_MINOR[_N]*[[:space:]]*"*\([0-9][0-9]*\).*/5.\1/p' \
  '$(LUA_INCDIR)/lua.h' 2>/dev/null),$(patsubst lua%,%,$(filter lua5.%,$(LUA_NAME))),5.4)
LUA_SUFFIX = $(subst .,_,$(LUA_VERSION))
INSTALL_CDIR = $(PREFIX)/lib/lua/$(LUA_VERSION)
INSTALL_LUADIR = $(PREFIX)/share/lua/$(LUA_VERSION)

# Commands are shown with V=1.
Q = $(if $(V),,@)

ifneq ($(words $(SWITCH)) $(filter native ucontext,$(SWITCH)),1 $(SWITCH))
$(error SWITCH is '$(SWITCH)': native or ucontext)
endif

# What CC compiles for. Windows: GCC or clang for mingw-w64, which a cross compiler
# is, too: make BUILD=build/windows CC=x86_64-w64-mingw32-gcc LUA_INCDIR=... LUA_DLL=...
WINDOWS := $(findstring mingw,$(shell $(CC) -dumpmachine 2>/dev/null))
# There, what a module links: lua54.dll, or its import library
LUA_DLL = -llua54
# There, what runs a program that was built, if the system cannot: wine
RUN =
SO = $(if $(WINDOWS),dll,so)
EXE = $(if $(WINDOWS),.exe)

BUILD = build$(if $(filter-out native,$(SWITCH)),/$(SWITCH))$(if $(DEBUG),/debug)
SOURCES = $(wildcard csrc/*.c)
HEADERS = $(wildcard csrc/include/*)
OBJECTS = $(SOURCES:csrc/%.c=$(BUILD)/obj/%.o)
# The layers below Lua and their tests
LOW = map pages_posix pages_windows pool slab stack
CTESTS = $(patsubst spec/c/%.c,$(BUILD)/c/%$(EXE),$(wildcard spec/c/*_test.c) \
  $(if $(WINDOWS),$(wildcard spec/c/windows/*_test.c)))
# C modules that the Lua specs load
SPECMODULES = $(patsubst spec/c/%.c,$(BUILD)/spec/%.$(SO),\
  $(filter-out %_test.c $(if $(WINDOWS),$(POSIXMODULES)),\
    $(wildcard spec/c/*.c $(if $(WINDOWS),spec/c/windows/*.c)))) \
  $(if $(shell command -v $(CXX)),\
    $(patsubst spec/cpp/%.cpp,$(BUILD)/spec/%.$(SO),$(wildcard spec/cpp/*.cpp)))
# Of these, what takes the place of the system's functions, or asks POSIX systems
POSIXMODULES = $(patsubst %,spec/c/%.c,confine failing outside pagesize)
# Modules to copy from, and one program
EXAMPLES = $(patsubst spec/examples/%.c,$(BUILD)/examples/%.so,\
  $(filter-out %/contexts.c,$(wildcard spec/examples/*.c))) \
  $(BUILD)/examples/contexts

# Warnings are errors where they can be mended: in CI, which sets CI.
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Wcast-align $(if $(CI),-Werror)
DEFINES = $(if $(filter ucontext,$(SWITCH)),-DCFIBER_SWITCH_UCONTEXT $(UCONTEXT)) \
  $(if $(DEBUG),-DCFIBER_DEBUG)
DIRECT =
# The name of the directory, which -g writes down, is left out: the same sources
# give the same bytes everywhere.
PLACELESS = -ffile-prefix-map="$$PWD"=.
# Unwind tables: C++ exceptions, debuggers and profilers pass through.
COMPILE = $(CC) -std=$(STD) -fPIC $(DIRECT) -fexceptions -fasynchronous-unwind-tables $(PLACELESS) $(CFLAGS) $(WARNINGS) $(DEFINES) $(CPPFLAGS)
LUACOMPILE = $(COMPILE) -I$(LUA_INCDIR)

ifneq ($(WINDOWS),)
# No other library than the system's and Lua's is needed.
SHARED = -shared -static-libgcc
MODULELIBS = $(LUA_DLL)
OBJCOPY = $(shell $(CC) -print-prog-name=objcopy)
AR = $(shell $(CC) -print-prog-name=ar)
LOCALIZE = $(OBJCOPY) --keep-global-symbol=luaopen_cfiber
ARCHIVE = $(AR) rcsD
else ifeq ($(shell uname -s),Darwin)
SHARED = -bundle -undefined dynamic_lookup
LOCALIZE = :
ARCHIVE = ZERO_AR_DATE=1 $(AR) rcs
# What <ucontext.h> wants there, which calls its functions deprecated
UCONTEXT = -D_XOPEN_SOURCE=600 -D_DARWIN_C_SOURCE -Wno-deprecated-declarations
else
# Functions of other libraries are looked up when the module is loaded, not on a
# fiber's stack, and their addresses are read-only from then on. So the table that
# looks them up at the first call is not needed: on x86-64 a call without it is faster.
SHARED = -shared -Wl,-z,relro,-z,now
DIRECT := $(if $(findstring __x86_64__,$(shell $(CC) -dM -E -x c /dev/null 2>/dev/null)),-fno-plt)
# Of code that many objects have in common (COMDAT: on i386, what loads a GOT) the
# linker keeps one, in which names must not be local then. On MIPS relocations to
# local names mean something else (psABI, R_MIPS_GPREL16), so names stay hidden.
LOCALIZE = $(if $(findstring mips,$(shell $(CC) -dumpmachine)),:,$(OBJCOPY) --localize-hidden --remove-section=.group)
# OpenBSD's is of 2007: OBJCOPY=llvm-objcopy, too, if that does not know the above.
ARCHIVE = $(AR) rcs$(if $(filter OpenBSD,$(shell uname -s)),,D)
endif

.PHONY: all help amalgamation env demo game bench bench-peers manual test check soak matrix \
  fuzz asan tsan memcheck analyze lint rockspec install clean force
all: $(BUILD)/cfiber.$(SO) $(BUILD)/libcfiber.a

help:
	@printf '%s\n' \
	'make                  build/cfiber.so and build/libcfiber.a' \
	'make DEBUG=1          the same in build/debug: reports two OS threads in one' \
	'                      Lua state' \
	'make amalgamation     build/amalgamation: cfiber.c, which is all of it in one' \
	'                      file, and its headers, for hosts to compile in' \
	'make demo [XML=file]  installs what it needs, builds, reads an XML document' \
	'make game [GAME=--help]   installs what it needs, builds, runs a village of' \
	'                      fibers in a window (SDL2), or without one' \
	'make bench [FIGURE=many]   installs what it needs, builds, measures against' \
	'                      stock coroutines; FIGURE is a program in spec/bench' \
	'make bench-peers      the same against what one would use instead of cfiber' \
	'make manual           installs what it needs (pandoc), makes HTML and man pages' \
	'                      in build/manual' \
	'make test             installs what it needs, builds, runs all tests' \
	'make check            the same without installing anything; for 32 bits, with' \
	'                      CC="gcc -m32" LUA= LUA_INCDIR= of such a Lua' \
	'make soak [SOAK=allocations]   the long forms of tests, which take minutes,' \
	'                      or an hour: SOAK=mixed, with a plot of it (gnuplot)' \
	'make fuzz [OPS=10000000] [SEED=1]   random programs on stock coroutines and on' \
	'                      fibers, compared; others: lua spec/fuzz/run.lua --help' \
	'make matrix [ROW=arm64] [FORM=short] [JOBS=2] [LIMIT=30]   installs what it' \
	'                      needs, as root (Debian roots, cross compilers, qemu),' \
	'                      runs the tests on other versions of Lua, processors,' \
	'                      systems and compilers: JOBS rows at once, each for LIMIT' \
	'                      minutes at most; without FORM=short it takes hours' \
	'make specmodules      all that running one spec needs' \
	'make examples         the C modules in spec/examples; or one of them:' \
	'                      make build/examples/qsort.so' \
	'make -s env           shell exports that use this checkout in place:' \
	'                      eval "$$(make -s env)"' \
	'make asan, make tsan, make memcheck   builds below build/asan, build/tsan, runs' \
	'                      the tests under ASan and UBSan, TSan, valgrind' \
	'make fuzz-arguments, make fuzz-layers   coverage-guided (clang), for TIME=60' \
	'                      seconds: the functions of cfiber, the layers below Lua;' \
	'                      UNDER=undefined without ASan: jumps of hosts, too' \
	'make analyze [BY=gcc]  gcc -fanalyzer, cppcheck and clang-tidy on csrc, as far' \
	'                      as they are installed; or one: gcc, cppcheck, tidy' \
	'make lint             luacheck, luarocks lint' \
	'make rockspec         writes the rockspec of the release from that of the' \
	'                      sources' \
	'make install PREFIX=  into $(PREFIX) (DESTDIR is honoured): the module,' \
	'                      headers, libcfiber.a, files for pkg-config and CMake, the' \
	'                      manual; man pages and HTML of it where pandoc is' \
	'make clean            removes what was built here' \
	'' \
	'LUA=$(LUA) LUA_INCDIR=$(LUA_INCDIR)' \
	'CC=$(CC) CFLAGS="$(CFLAGS)" SWITCH=native|ucontext DEBUG='

$(BUILD)/cfiber.$(SO): $(OBJECTS)
	@echo '$(CC) $@'
	$(Q)$(CC) $(SHARED) $(CFLAGS) $(LDFLAGS) -o $@ $(OBJECTS) $(MODULELIBS)

# With -flto the sources are compiled together here: what is not compiled yet has
# no symbols to make local, and gcc's objects of that kind are not linked twice.
COMPILED = $(if $(findstring -flto,$(CFLAGS)),$(CFLAGS) $(shell \
  $(CC) -flinker-output=nolto-rel -E -x c /dev/null >/dev/null 2>&1 && echo -flinker-output=nolto-rel))

# One object with nothing visible but the API: no clash with a host's names.
$(BUILD)/libcfiber.a: $(OBJECTS)
	@echo '$(AR) $@'
	$(Q)$(CC) $(COMPILED) -nostdlib -r -o $(BUILD)/obj/cfiber-all.o $(OBJECTS)
	$(Q)$(LOCALIZE) $(BUILD)/obj/cfiber-all.o
	$(Q)rm -f $@ && $(ARCHIVE) $@ $(BUILD)/obj/cfiber-all.o

AMALGAMATION = $(BUILD)/amalgamation

amalgamation: $(AMALGAMATION)/cfiber.c

$(AMALGAMATION)/cfiber.c: csrc/package/amalgamate.lua LICENSE $(SOURCES) $(HEADERS) \
    $(wildcard csrc/*.h csrc/switch/*.h)
	@mkdir -p $(@D)
	@echo '$(LUA) $@'
	$(Q)$(LUA) $< $(@D) LICENSE $(sort $(SOURCES)) $(HEADERS)

$(BUILD)/obj/%.o: csrc/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '$(CC) $<'
	$(Q)$(LUACOMPILE) -MMD -MP -c -o $@ $<

# Not every C library has the functions: musl has the header alone.
ifeq ($(SWITCH),ucontext)
$(BUILD)/flags: $(BUILD)/linked
$(BUILD)/linked:
	@mkdir -p $(@D)
	@printf '#include <ucontext.h>\nint main (void) { ucontext_t c; return getcontext(&c); }\n' \
	  | $(CC) $(UCONTEXT) -x c -o $@ - $(LDFLAGS) || { echo 'SWITCH is ucontext, and the C library' \
	  'of $(CC) has no functions for <ucontext.h>: SWITCH=native does without' >&2; exit 1; }
endif

# Changes when the command line does, and everything is compiled again.
$(BUILD)/flags: force
	@mkdir -p $(@D)
	@[ "$$(cat $@ 2>&1)" = '$(LUACOMPILE)' ] || printf '%s\n' '$(LUACOMPILE)' >$@

-include $(OBJECTS:.o=.d) $(CTESTS:=.d) $(SPECMODULES:=.d) $(EXAMPLES:=.d) \
  $(wildcard $(BUILD)/host/*.d $(BUILD)/game/*.d $(BUILD)/peers/*.d)

$(BUILD)/c/%$(EXE): spec/c/%.c $(LOW:%=$(BUILD)/obj/%.o)
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -MF $@.d -Icsrc -o $@ $< $(LOW:%=$(BUILD)/obj/%.o) \
	  $(LDFLAGS) -lcmocka -lm -pthread

$(BUILD)/spec/%.$(SO): spec/c/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '$(CC) $<'
	$(Q)$(LUACOMPILE) $(SHARED) -pthread -Icsrc/include -MMD -MP -MF $@.d -o $@ $< $(MODULELIBS)

$(BUILD)/spec/%.$(SO): spec/cpp/%.cpp $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '$(CXX) $<'
	$(Q)$(CXX) -std=c++17 -fPIC $(CFLAGS) -Wall -Wextra -Wpedantic $(if $(CI),-Werror) \
	  $(CPPFLAGS) -I$(LUA_INCDIR) $(SHARED) -Icsrc/include -MMD -MP -MF $@.d -o $@ $< $(MODULELIBS)

# A Lua that is compiled as C++, where the system has one
$(BUILD)/spec/host: spec/cpp/host.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(LUACOMPILE) -o $@ $< -llua$(LUA_VERSION)-c++

# Programs of the fuzzers in spec/fuzz: with libFuzzer, or to run on inputs that
# are there
FUZZ = fuzz-arguments fuzz-layers
FUZZER =
arguments_OBJECTS = $(OBJECTS)
arguments_LIBS = $(LUA_ARCHIVE) -lm -ldl -pthread
layers_OBJECTS = $(LOW:%=$(BUILD)/obj/%.o)
$(BUILD)/fuzz/%: spec/fuzz/%.c spec/fuzz/replay.c $(OBJECTS) $(wildcard spec/c/*.h)
	@mkdir -p $(@D)
	@echo '$(CC) $<'
	$(Q)$(LUACOMPILE) -iquote csrc -o $@ $< $(or $(FUZZER),spec/fuzz/replay.c) \
	  $($*_OBJECTS) $(LDFLAGS) $($*_LIBS)
REPLAYS = $(if $(WINDOWS),,$(patsubst spec/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard spec/fuzz/layers.c) \
  $(if $(LUA_ARCHIVE),$(wildcard spec/fuzz/arguments.c))))

# Programs that have Lua and cfiber in them, where there is a Lua to link
LUA_ARCHIVE = $(filter /%,$(shell $(CC) -print-file-name=liblua$(LUA_VERSION).a))
HOSTS = $(if $(LUA_ARCHIVE),$(patsubst spec/host/%.c,$(BUILD)/host/%,$(wildcard spec/host/threads.c)))
$(BUILD)/host/%: spec/host/%.c $(BUILD)/libcfiber.a
	@mkdir -p $(@D)
	@echo '$(CC) $<'
	$(Q)$(LUACOMPILE) -Icsrc/include -MMD -MP -MF $@.d -o $@ $< $(LDFLAGS) \
	  -Wl,-E $(BUILD)/libcfiber.a $(LUA_ARCHIVE) -lm -ldl -pthread

# It loads a module in C++, where that can be built.
$(BUILD)/host/threads: | $(filter %/objects.so,$(SPECMODULES))

$(BUILD)/examples/%.so: spec/examples/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '$(CC) $<'
	$(Q)$(LUACOMPILE) $(SHARED) -Icsrc/include -MMD -MP -MF $@.d -o $@ $< $($*_LIBS)

loop_LIBS = -luv
sqlite_LIBS = -lsqlite3
xml_LIBS = -lexpat

$(BUILD)/examples/contexts: spec/examples/contexts.c $(LOW:%=$(BUILD)/obj/%.o)
	@mkdir -p $(@D)
	@echo '$(CC) $<'
	$(Q)$(COMPILE) -Icsrc -MMD -MP -o $@ $< $(LOW:%=$(BUILD)/obj/%.o)

.PHONY: examples
examples: $(BUILD)/cfiber.so $(EXAMPLES)

# The example of a host: spec/examples/game
GAMEOBJECTS = $(patsubst spec/examples/game/%.c,$(BUILD)/game/%.o,\
  $(wildcard spec/examples/game/*.c))
LUA_LIB = -llua$(LUA_VERSION)

$(BUILD)/game/%.o: spec/examples/game/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '$(CC) $<'
	$(Q)$(LUACOMPILE) -Icsrc/include $$(sdl2-config --cflags) -MMD -MP -c -o $@ $<

$(BUILD)/game/village: $(GAMEOBJECTS) $(BUILD)/libcfiber.a
	@echo '$(CC) $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(GAMEOBJECTS) $(BUILD)/libcfiber.a \
	  $(LUA_LIB) $$(sdl2-config --libs) -lpng -lm -pthread

# For the specs, which do without it where SDL2 or libpng is missing
HAS_SDL2 = $(shell $(CC) $$(sdl2-config --cflags 2>/dev/null) -include SDL.h \
  -include png.h -E -x c /dev/null >/dev/null 2>&1 && echo yes)
SPECGAME = $(if $(GAMEOBJECTS),$(if $(filter native,$(SWITCH)),$(if $(HAS_SDL2),$(BUILD)/game/village)))

.PHONY: ctests specmodules
ctests: $(CTESTS)
	$(if $(RUN),@set -e; for t in $(CTESTS); do $(RUN) "$$t"; done)
specmodules: all $(SPECMODULES) $(HOSTS) $(REPLAYS) $(SPECGAME)

# What 'make bench' and 'make bench-peers' time
BENCHMODULES = $(patsubst %,$(BUILD)/spec/%.so,calls capi_bench)
$(BUILD)/peers/%: spec/bench/peers/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '$(CC) $<'
	$(Q)$(COMPILE) -O2 -Icsrc -MMD -MP -o $@ $< -pthread $($*_LIBS)

fcontext_LIBS = -lboost_context

# One word of the shell, whatever characters it has
quoted = '$(subst ','\'',$(1))'

# Debian has some modules in Lua alone, such as binaryheap, for 5.3 only.
PURE = $(if $(wildcard /usr/share/lua/5.3/binaryheap.lua),;/usr/share/lua/5.3/?.lua)

# Lua prefers the variables with its version to those without.
env:
	@printf '%s\n' \
	  $(call quoted,export LUA_PATH=$(call quoted,$(CURDIR)/lua/?.lua;)"$${LUA_PATH_$(LUA_SUFFIX):-$${LUA_PATH:-;}}"$(call quoted,$(PURE))) \
	  $(call quoted,export LUA_CPATH=$(call quoted,$(CURDIR)/$(BUILD)/?.so;$(CURDIR)/$(BUILD)/spec/?.so;$(CURDIR)/$(BUILD)/examples/?.so;)"$${LUA_CPATH_$(LUA_SUFFIX):-$${LUA_CPATH:-;}}") \
	  'unset LUA_PATH_$(LUA_SUFFIX) LUA_CPATH_$(LUA_SUFFIX)'


demo:
	@LUA='$(LUA)' CC='$(CC)' LUA_INCDIR='$(LUA_INCDIR)' spec/need.sh demo
	@$(MAKE) --no-print-directory $(BUILD)/cfiber.so
	@eval "$$($(MAKE) -s --no-print-directory env)" && $(LUA) spec/examples/demo.lua "$$XML"

game:
	@LUA='$(LUA)' CC='$(CC)' LUA_INCDIR='$(LUA_INCDIR)' spec/need.sh game
	@$(MAKE) --no-print-directory $(BUILD)/game/village
	@$(BUILD)/game/village $(GAME)

bench:
	@LUA='$(LUA)' CC='$(CC)' LUA_INCDIR='$(LUA_INCDIR)' spec/need.sh bench
	@$(MAKE) --no-print-directory $(BUILD)/cfiber.so $(BENCHMODULES) $(BUILD)/peers/switch
	@-$(MAKE) --no-print-directory $(BUILD)/peers/fcontext
	@eval "$$($(MAKE) -s --no-print-directory env)" && LUA_PATH="./spec/bench/?.lua;$$LUA_PATH" \
	  LUA='$(LUA)' CC='$(CC)' BUILD='$(BUILD)' $(LUA) spec/bench/run.lua $(FIGURE)

bench-peers:
	@LUA='$(LUA)' CC='$(CC)' LUA_INCDIR='$(LUA_INCDIR)' spec/need.sh bench-peers
	@$(MAKE) --no-print-directory $(BUILD)/cfiber.so
	@eval "$$($(MAKE) -s --no-print-directory env)" \
	  && LUA='$(LUA)' CC='$(CC)' MAKE='$(MAKE)' BUILD='$(BUILD)' $(LUA) spec/bench/peers.lua

manual:
	@LUA='$(LUA)' spec/need.sh manual
	@$(LUA) doc/manual/build.lua
	@$(LUA) doc/manual/build.lua build/manual
	@echo build/manual/index.html

test:
	@LUA='$(LUA)' CC='$(CC)' LUA_INCDIR='$(LUA_INCDIR)' spec/need.sh test
	@$(MAKE) --no-print-directory check

check:
	@LUA='$(LUA)' CC='$(CC)' MAKE='$(MAKE)' spec/run.sh

soak:
	@LUA='$(LUA)' MAKE='$(MAKE)' spec/soak.sh $(SOAK)

# Operations of the programs; the first seed is the time, or SEED
OPS = 10000000

# Of the rows: full, or short, without what takes long
FORM = full

matrix:
	@LUA='$(LUA)' MAKE='$(MAKE)' FORM='$(FORM)' $(LUA) spec/matrix/run.lua $(ROW)

fuzz:
	@$(MAKE) --no-print-directory build/cfiber.so
	@$(MAKE) --no-print-directory SWITCH=ucontext build/ucontext/cfiber.so
	@LUA='$(LUA)' $(LUA) spec/fuzz/run.lua --ops $(OPS) $(if $(SEED),--seed $(SEED))

asan tsan memcheck:
	@LUA='$(LUA)' MAKE='$(MAKE)' spec/sanitize.sh $@

TIME = 60
UNDER = address,undefined
.PHONY: $(FUZZ)
$(FUZZ): fuzz-%:
	@$(MAKE) --no-print-directory BUILD=build/fuzz/$(UNDER) CC=clang FUZZER=-fsanitize=fuzzer \
	  CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,$(UNDER) \
	  -fno-sanitize-recover=undefined' build/fuzz/$(UNDER)/fuzz/$*
	@mkdir -p build/fuzz/corpus/$*
	@ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1 \
	  build/fuzz/$(UNDER)/fuzz/$* -max_total_time=$(TIME) -max_len=600 -timeout=20 \
	  -artifact_prefix=build/fuzz/ build/fuzz/corpus/$* spec/fuzz/corpus/$*

BY = gcc cppcheck tidy
analyze:
	@LUA_INCDIR='$(LUA_INCDIR)' spec/analyze/run.sh $(BY)

lint:
	luacheck -q csrc doc lua spec
	for r in rockspec/*.rockspec; do luarocks lint "$$r" || exit 1; done

VERSION = $(shell sed -n 's/^.define CFIBER_VERSION "cfiber \(.*\)"/\1/p' csrc/include/cfiber.h)
# What packages for other programs say, with @NAMES@ replaced
FILL = sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@LUA_VERSION@|$(LUA_VERSION)|'

# The rockspec of the release: that of the sources, with a version and a tag
rockspec:
	sed 's/"scm-1"/"$(VERSION)-1"/; s/branch = "main"/tag = "v$(VERSION)"/' \
	  rockspec/cfiber-scm-1.rockspec >rockspec/cfiber-$(VERSION)-1.rockspec

INSTALL_PKGDIR = $(PREFIX)/lib/pkgconfig
INSTALL_CMAKEDIR = $(PREFIX)/lib/cmake/cfiber
INSTALL_DOCDIR = $(PREFIX)/share/doc/cfiber
INSTALL_MANDIR = $(PREFIX)/share/man/man3

install: all
	install -d "$(DESTDIR)$(INSTALL_CDIR)" "$(DESTDIR)$(INSTALL_LUADIR)/cfiber/task" \
	  "$(DESTDIR)$(INSTALL_PKGDIR)" "$(DESTDIR)$(INSTALL_CMAKEDIR)" \
	  "$(DESTDIR)$(PREFIX)/include" "$(DESTDIR)$(INSTALL_DOCDIR)/manual"
	install -m 755 $(BUILD)/cfiber.so "$(DESTDIR)$(INSTALL_CDIR)"
	install -m 644 lua/*.tl "$(DESTDIR)$(INSTALL_LUADIR)"
	install -m 644 lua/cfiber/*.lua lua/cfiber/*.tl "$(DESTDIR)$(INSTALL_LUADIR)/cfiber"
	install -m 644 lua/cfiber/task/*.lua "$(DESTDIR)$(INSTALL_LUADIR)/cfiber/task"
	install -m 644 $(BUILD)/libcfiber.a "$(DESTDIR)$(PREFIX)/lib"
	install -m 644 $(HEADERS) "$(DESTDIR)$(PREFIX)/include"
	$(FILL) csrc/package/cfiber.pc.in >"$(DESTDIR)$(INSTALL_PKGDIR)/cfiber.pc"
	install -m 644 csrc/package/cfiberConfig.cmake "$(DESTDIR)$(INSTALL_CMAKEDIR)"
	$(FILL) csrc/package/cfiberConfigVersion.cmake.in \
	  >"$(DESTDIR)$(INSTALL_CMAKEDIR)/cfiberConfigVersion.cmake"
	chmod 644 "$(DESTDIR)$(INSTALL_PKGDIR)/cfiber.pc" \
	  "$(DESTDIR)$(INSTALL_CMAKEDIR)/cfiberConfigVersion.cmake"
	install -m 644 doc/cfiber-gdb.py doc/porting.md doc/testing.md doc/soak.svg "$(DESTDIR)$(INSTALL_DOCDIR)"
	install -m 644 doc/manual/*.md doc/manual/*.svg "$(DESTDIR)$(INSTALL_DOCDIR)/manual"
	@if command -v pandoc >/dev/null; then \
	  $(LUA) doc/manual/build.lua build/manual && install -d "$(DESTDIR)$(INSTALL_MANDIR)" \
	    && install -m 644 build/manual/*.3 "$(DESTDIR)$(INSTALL_MANDIR)" \
	    && install -m 644 build/manual/*.html build/manual/*.css "$(DESTDIR)$(INSTALL_DOCDIR)/manual"; \
	else echo 'pandoc is not installed: no man pages, and the manual only as Markdown'; fi

# Also what 'luarocks make' leaves here
clean:
	rm -rf build csrc/*.o cfiber.so
