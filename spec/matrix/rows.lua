-- rows.lua: where cfiber runs, and how that is known
--
-- A row has
--
--   name      as in ROW=name
--   platform  for the README
--   switch    the context switch there
--   command   of the shell, run in the root of the checkout by row.sh; without one
--             the row was made by reading manuals
--   what      what it runs, if not the whole suite; 'short': in the short form
--   compiled  true: nothing runs
--   known     what is known of it from elsewhere, said where it was not run
--   test      true: it is 'make test', so it is not in the short form
--
-- CI runs 'make test' and the short form.

local function debian(version, suite, lua)
  return {
    name = "lua" .. version,
    platform = ("Lua %s, x86-64, Debian %s"):format(version, suite),
    switch = "x86-64",
    command = ("spec/matrix/native.sh %s %s"):format(suite, lua),
    short = "C tests, all specs",
  }
end

-- Debian's cross compiler and qemu's name of the processor; with none this one runs
-- its programs.
local function processor(arch, platform, switch, suite, triple, qemu)
  return {
    name = arch,
    platform = platform,
    switch = switch,
    command = ("spec/matrix/foreign.sh %s %s %s %s"):format(suite, arch, triple, qemu or ""),
    what = "C tests, all specs but those that compile",
    short = "C tests, quick specs that compile nothing",
  }
end

return {
  {
    name = "x86-64",
    platform = "Lua 5.4.4, x86-64, Debian 12, gcc 12",
    switch = "x86-64; ucontext",
    command = "${MAKE:-make} test",
    test = true,
    known = "in CI: whole suite, each way of yielding, a restless collector, ASan, TSan",
  },
  debian("5.4.2", "bullseye", "lua5.4"),
  debian("5.4.7", "trixie", "lua5.4"),
  debian("5.4.9", "sid", "lua5.4"),
  debian("5.5", "sid", "lua5.5"),
  processor("arm64", "AArch64, under qemu", "AArch64", "bookworm", "aarch64-linux-gnu", "aarch64"),
  processor("armhf", "ARM, hard float, under qemu", "ARM", "bookworm", "arm-linux-gnueabihf", "arm"),
  processor("armel", "ARM, soft float, under qemu", "ARM", "bookworm", "arm-linux-gnueabi", "arm"),
  processor("i386", "x86, 32 bits", "i386", "bookworm", "i686-linux-gnu"),
  processor("riscv64", "RISC-V 64, under qemu", "RISC-V 64", "trixie", "riscv64-linux-gnu", "riscv64"),
  processor("ppc64el", "POWER, little-endian, under qemu", "ppc64le", "bookworm", "powerpc64le-linux-gnu", "ppc64le"),
  processor("s390x", "s390x, big-endian, under qemu", "s390x", "bookworm", "s390x-linux-gnu", "s390x"),
  processor("mips64el", "MIPS 64, under qemu; Debian's Lua there has no unwind tables: no destructors", "ucontext",
    "bookworm", "mips64el-linux-gnuabi64", "mips64el"),
  {
    name = "pages",
    platform = "pages of 16 and of 64 KB: AArch64, under qemu",
    switch = "AArch64",
    command = "spec/matrix/pages.sh",
    what = "tests of memory and stacks",
  },
  {
    name = "compilers",
    platform = "gcc and clang, -O0 to -O3, -Os, LTO, sanitizers, C99 to C23, C++",
    switch = "x86-64",
    command = "spec/matrix/compilers.sh",
    what = "C tests, specs of the core",
    short = "a few of them: C tests, specs of the core",
  },
  {
    name = "musl",
    platform = "musl, x86-64",
    switch = "x86-64",
    command = "spec/matrix/musl.sh",
    what = "what needs no C++ and no other libraries",
  },
  {
    name = "windows",
    platform = "Windows x86-64, GCC for mingw-w64, under wine; on no Windows yet",
    switch = "x86-64, Windows",
    command = "spec/matrix/windows.sh",
    what = "C tests, specs of the core",
  },
  {
    name = "macos",
    platform = "macOS, x86-64 and arm64, without Apple's headers, not run",
    switch = "x86-64; AArch64",
    command = "spec/matrix/macos.sh",
    compiled = true,
  },
  {name = "freebsd", platform = "FreeBSD", switch = "of the processor"},
  {name = "openbsd", platform = "OpenBSD", switch = "of the processor"},
  {name = "netbsd", platform = "NetBSD", switch = "of the processor"},
  {name = "posix", platform = "other POSIX systems", switch = "ucontext"},
}
