rockspec_format = "3.0"
package = "cfiber"
version = "0.1.0-1"
source = {
  url = "git+https://github.com/cfiber/cfiber.git",
  tag = "v0.1.0",
}
description = {
  summary = "Coroutines on native stacks: yield from anywhere, across C calls too",
  detailed = [[
Fibers with the functions and semantics of Lua's own coroutine library, each
on a native stack. A fiber yields wherever Lua code runs: inside table.sort,
string.gsub, metamethods and the callbacks of C libraries, where stock
coroutines fail with "attempt to yield across a C-call boundary".]],
  homepage = "https://github.com/cfiber/cfiber",
  license = "MIT",
  labels = {"coroutine", "fiber", "concurrency"},
}
supported_platforms = {"unix", "mingw32"}
dependencies = {"lua >= 5.4, < 5.6"}
build = {
  type = "builtin",
  modules = {
    cfiber = {
      sources = {
        "csrc/capi.c",
        "csrc/chain.c", "csrc/close.c",
        "csrc/control.c",
        "csrc/cxx_posix.c", "csrc/cxx_windows.c",
        "csrc/escape.c",
        "csrc/fiber.c",
        "csrc/finalizer.c",
        "csrc/libcontrol.c",
        "csrc/libcoroutine.c",
        "csrc/libinspect.c",
        "csrc/libinstall.c",
        "csrc/libiter.c",
        "csrc/liblimits.c",
        "csrc/libslice.c",
        "csrc/libstack.c",
        "csrc/lifecycle.c",
        "csrc/map.c",
        "csrc/measure.c",
        "csrc/module.c",
        "csrc/overflow_posix.c", "csrc/overflow_windows.c",
        "csrc/pages_posix.c", "csrc/pages_windows.c",
        "csrc/pool.c",
        "csrc/report.c",
        "csrc/slab.c",
        "csrc/slice.c",
        "csrc/stack.c",
        "csrc/status.c",
        "csrc/unwinding.c",
      },
    },
    ["cfiber.global"] = "lua/cfiber/global.lua",
    ["cfiber.task"] = "lua/cfiber/task.lua",  -- needs binaryheap; the rest does not
    ["cfiber.task.await"] = "lua/cfiber/task/await.lua",
    ["cfiber.task.basic"] = "lua/cfiber/task/basic.lua",
    ["cfiber.task.brood"] = "lua/cfiber/task/brood.lua",
    ["cfiber.task.budget"] = "lua/cfiber/task/budget.lua",
    ["cfiber.task.channel"] = "lua/cfiber/task/channel.lua",
    ["cfiber.task.check"] = "lua/cfiber/task/check.lua",
    ["cfiber.task.combine"] = "lua/cfiber/task/combine.lua",
    ["cfiber.task.core"] = "lua/cfiber/task/core.lua",
    ["cfiber.task.ends"] = "lua/cfiber/task/ends.lua",
    ["cfiber.task.group"] = "lua/cfiber/task/group.lua",
    ["cfiber.task.host"] = "lua/cfiber/task/host.lua",
    ["cfiber.task.locals"] = "lua/cfiber/task/locals.lua",
    ["cfiber.task.loop"] = "lua/cfiber/task/loop.lua",
    ["cfiber.task.mutex"] = "lua/cfiber/task/mutex.lua",
    ["cfiber.task.queue"] = "lua/cfiber/task/queue.lua",
    ["cfiber.task.records"] = "lua/cfiber/task/records.lua",
    ["cfiber.task.repair"] = "lua/cfiber/task/repair.lua",
    ["cfiber.task.report"] = "lua/cfiber/task/report.lua",
    ["cfiber.task.signal"] = "lua/cfiber/task/signal.lua",
    ["cfiber.task.story"] = "lua/cfiber/task/story.lua",
    ["cfiber.task.timers"] = "lua/cfiber/task/timers.lua",
    ["cfiber.task.types"] = "lua/cfiber/task/types.lua",  -- for editors
    ["cfiber.task.trace"] = "lua/cfiber/task/trace.lua",  -- to record needs dkjson
    ["cfiber.types"] = "lua/cfiber/types.lua",  -- for editors
    ["cfiber.task.waits"] = "lua/cfiber/task/waits.lua",
  },
  copy_directories = {"csrc/include", "doc"},  -- headers: what C modules include
}
test = {  -- from the root of a checkout; arguments go to busted
  type = "command",
  command = [[export LUA="${LUA:-lua5.4}" && make -s specmodules && eval "$(make -s env)" && "$LUA" spec/run.lua]],
}
