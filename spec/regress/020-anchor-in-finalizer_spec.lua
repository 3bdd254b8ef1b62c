-- 020: when a finalizer made the table of threads while a yield was making it,
-- the fiber it had resumed was taken for garbage and died

local child = require "child"

-- Eight finalizers run at the end of each cycle of the collector, and cycles
-- follow each other. The k-th that runs during the first yield of one fiber
-- resumes another.
local script = [[
  local k = tonumber((...))
  local inside, calls, acted = false, 0, false
  local function deep()
    (("x"):rep(3)):gsub("x", cfiber.yield)
  end
  local first, second = cfiber.create(deep), cfiber.create(deep)
  local meta = {}
  function meta.__gc(object)
    if inside then
      calls = calls + 1
      if calls == k then
        acted = true
        cfiber.resume(second)
      end
    end
    if not acted then
      setmetatable(object, meta)
    end
  end
  require("collector")("incremental", 1, 1000, 1)
  for _ = 1, 8 do
    setmetatable({}, meta)
  end
  for _ = 1, 1000 do
    local _ = {}
  end
  inside = true
  cfiber.resume(first)
  inside = false
  for _ = 1, 3 do
    collectgarbage()
  end
  print(acted, acted and cfiber.resume(first), acted and cfiber.resume(second))
]]

describe("A fiber that a finalizer resumes in the middle of the first native yield", function()
  it("lives as long as somebody holds it", function()
    local k, output = 1, child.output(script, 1)
    while not output:find "^false" do
      assert.equal("true\ttrue\ttrue\n", (output:gsub("\tx", "")))
      k = k + 4
      output = child.output(script, k)
    end
    assert(k > 1)
  end)
end)
