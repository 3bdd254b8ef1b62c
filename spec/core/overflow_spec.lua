-- overflow_spec.lua: endless recursion ends in a Lua error

local helper = require "helper"
local child = require "child"
local cfiber = helper.cfiber

-- Runs one recursion in a stock coroutine, in a fiber, and in a fiber that
-- catches the error and goes on; prints what came of it.
local recursion = [[
  local f = require "crash.overflow"[%q]
  local function kind(ok, message)
    message = tostring(message)
    return ok, message:match "C stack overflow" or message:match "stack overflow"
      or message:match "error in error handling" or message:sub(1, 200)
  end
  print(kind(stock.resume(stock.create(f))))
  print(kind(cfiber.resume(cfiber.create(f))))
  local co = cfiber.create(function()
    local ok, message = kind(pcall(f))
    ;("x"):gsub("x", function() cfiber.yield(ok, message) end)
    return #("x"):rep(10):gsub("x", tostring)
  end)
  print(select(2, cfiber.resume(co)))
  print(cfiber.resume(co))
  print(cfiber.stats().mounted)
]]

local function sorted(t)
  local names = {}
  for name in pairs(t) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- Each handler is called again when the one inside it fails: that takes forever.
local ending_it = require "since"("5.4.3", "does not end there, stock Lua neither")

describe("in a fiber on a default stack, endless recursion through", function()
  for _, name in ipairs(sorted(require "crash.overflow")) do
    -- Lua answers an error of the handler that handles an error in its own way.
    local expected = name:find "error in a message handler" and "error in error handling" or "stack overflow"
    local test = name == "__close" and ending_it or it
    test(name .. " ends in the error of stock Lua", function()
      local lines = {}
      for line in child.output(recursion:format(name)):gmatch "[^\n]+" do
        lines[#lines + 1] = line
      end
      assert.match("^false\t.*" .. expected .. "$", lines[1])
      assert.same({lines[1], lines[1], lines[1], "true\t10", "0"}, lines)
    end)
  end
end)

describe("nested resumes", function()
  local function levels(n)
    if n == 0 then
      return 0
    end
    return 1 + cfiber.wrap(levels)(n - 1)
  end

  it("reach max_depth and no further", function()
    helper.leakless(function()
      local max = cfiber.config().max_depth
      assert(max >= 1000)
      assert.equal(max, levels(max))
      local ok, message = pcall(levels, max + 1)
      assert.is_false(ok)
      assert.match("C stack overflow", message)
    end)
  end)

  it("below gsub reach max_depth too", function()
    local script = [[
      local n = 0
      local function f()
        n = n + 1
        return (("x"):gsub("x", cfiber.wrap(f)))
      end
      local ok, message = pcall(f)
      print(n - 1 == cfiber.config().max_depth, ok, message:match "C stack overflow")
      print(cfiber.wrap(function() return cfiber.stats().mounted end)())
    ]]
    assert.equal("true\tfalse\tC stack overflow\n1\n", child.output(script))
  end)

  it("that overflow are an error of the innermost resume alone", function()
    helper.leakless(function()
      local before, inner = cfiber.config().max_depth, nil
      cfiber.config {max_depth = 3}
      local ok, result = pcall(cfiber.wrap(function()
        return cfiber.wrap(function()
          return cfiber.wrap(function()
            local co = cfiber.create(math.abs)
            inner = {cfiber.resume(co, -1)}
            return co
          end)()
        end)()
      end))
      cfiber.config {max_depth = before}
      assert.is_true(ok)
      assert.same({false, "C stack overflow"}, inner)
      assert.equal("suspended", cfiber.status(result))
      assert.same({true, 7}, {cfiber.resume(result, -7)})
    end)
  end)

  it("overflow without harm to a fiber that is suspended natively", function()
    helper.leakless(function()
      local co = cfiber.create(function()
        return (("x"):gsub("x", cfiber.yield))
      end)
      cfiber.resume(co)
      local before = cfiber.config().max_depth
      cfiber.config {max_depth = 1}
      local _, refused, message = cfiber.resume(cfiber.create(cfiber.resume), co, "refused")
      cfiber.config {max_depth = before}
      assert.is_false(refused)
      assert.equal("C stack overflow", message)
      assert.same({true, "y"}, {cfiber.resume(co, "y")})
    end)
  end)

  it("by close handlers that close fibers end in an error", function()
    local script = [[
      local depth, deepest, message = 0, 0, nil
      local function body()
        local _ <close> = setmetatable({}, {__close = function()
          depth = depth + 1
          deepest = math.max(deepest, depth)
          local co = cfiber.create(body)
          cfiber.resume(co)
          local ok, m = pcall(cfiber.close, co)
          message = not ok and m or message
          depth = depth - 1
        end})
        ;("x"):gsub("x", cfiber.yield)
      end
      local co = cfiber.create(body)
      cfiber.resume(co)
      print(pcall(cfiber.close, co))
      print(deepest >= 900, message:match "C stack overflow")
      co = nil
      collectgarbage()
      collectgarbage()
      print(cfiber.stats().mounted)
    ]]
    assert.equal("true\ttrue\ntrue\tC stack overflow\n0\n", child.output(script))
  end)
end)

describe("calls nested by a C module", function()
  local boundary = require "boundary"

  it("end in a Lua error inside a fiber", function()
    helper.leakless(function()
      local ok, message = cfiber.resume(cfiber.create(boundary.nest), print, 1000)
      assert.is_false(ok)
      assert.match("C stack overflow", message)
      assert.same({true, 151}, {cfiber.resume(cfiber.create(boundary.nest), math.abs, 150)})
    end)
  end)
end)
