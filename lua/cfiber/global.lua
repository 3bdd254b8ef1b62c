--- cfiber.global: puts fibers in the place of the global `coroutine` table.
-- `lua -l cfiber.global prog.lua` runs an unmodified program on fibers.
require("cfiber").install()
