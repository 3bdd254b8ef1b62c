-- pagesize_spec.lua: pages of 16 and 64 KB, as some systems on ARM and POWER
-- have; simulated by a library that is preloaded

local child = require "child"
local helper = require "helper"

if helper.mode ~= "plain" or not io.open "/proc/self/maps" then
  return  -- the child has no mode; it is preloaded, which Linux knows how to do
end

local library = package.searchpath("pagesize", package.cpath)

-- Sizes that are whole pages and guards that fault, with stacks that come and
-- go. Overflows its stack in the end.
local script = [[
local page = %d
local cfiber = require "cfiber"
local usual = cfiber.config().stack_size
local most = cfiber.stats().switch == "ucontext" and 16383 or 8192  -- a ucontext_t of AArch64 has 4.5 KB
assert(usual %% page == 0)
assert(cfiber.config {stack_size = (64 << 10) + 1}.stack_size == (64 << 10) + page)
cfiber.config {stack_size = usual, pool_limit = 10}
local function deep() return (("x"):gsub("x", cfiber.yield)) end
local all = {}
for i = 1, 300 do
  all[i] = cfiber.create(deep, i %% 3 * 40000 + 1)
  assert(cfiber.resume(all[i]))
  local info = cfiber.info(all[i])
  assert(info.stack_size %% page == 0 and info.stack_used <= most)
end
assert(cfiber.stats().reserved %% page == 0)
for i = 1, 300 do
  assert(cfiber.resume(all[i], "y"))
end
all = nil
for _ = 1, 3 do
  collectgarbage()
end
cfiber.trim()
print(cfiber.stats().reserved, cfiber.stats().guard)
cfiber.wrap(require "overrun".overflow)()
]]

local function run(page, way)
  return child.after(("export PAGESIZE=%d CFIBER_GUARD=%s LD_PRELOAD=%s"):format(page, way, child.quote(library)),
    script:format(page))
end

describe("With pages of", function()
  for _, page in ipairs {16384, 65536} do
    it(("%d bytes stacks come, go and are guarded"):format(page), function()
      for _, way in ipairs {"advice", "mprotect"} do
        local r = run(page, way)
        assert.match("^0\t%l+\n$", r.output)
        assert.match("^cfiber: C stack overflow in fiber [^\n]+\n$", r.errors)
        assert.equal(11, r.signal)
      end
    end)
  end
end)
