-- control_memory_spec.lua: throw, exit, suspend and transfer where memory is
-- short: every allocation of an operation fails in turn, until it succeeds

local child = require "child"

local prologue = [[
  local starve = require "starve"
  local function each(operation, check)
    for wait = 0, 1000 do
      collectgarbage()
      starve(wait, 2)
      pcall(operation)
      local _, fails = starve(0, 0)
      for _ = 1, 4 do collectgarbage() end
      if check then check(wait) end
      for _ = 1, 4 do collectgarbage() end
      local left = cfiber.stats()
      assert(left.mounted == 0 and left.suspended == 0, wait .. ": " .. left.mounted)
      if fails > 0 then
        return print "done"
      end
    end
  end
  local function deep(n, f, ...)
    if n == 0 then return f(...) end
    return select(2, assert(cfiber.resume(cfiber.create(deep), n - 1, f, ...)))
  end
]]

local scripts = {
  ["throw"] = [[
    local co, caught
    each(function()
      caught, co = nil, nil
      co = cfiber.create(function()
        caught = select(2, pcall(string.gsub, "x", "x", cfiber.yield))
        pcall(cfiber.yield)
        cfiber.throw(cfiber.create(print), {})
        cfiber.yield "end"
      end)
      assert(cfiber.resume(co))
      assert(cfiber.throw(co, {}))
      assert(cfiber.throw(co, {}))
    end, function()
      if co then cfiber.close(co) end
      co = nil
    end)
  ]],
  ["exit"] = [[
    each(function()
      local co = cfiber.create(function()
        local _ <close> = setmetatable({}, {__close = function() return {} end})
        local list = {}
        for i = 1, 200 do list[i] = i end
        coroutine.wrap(function()
          string.gsub("x", "x", function() pcall(cfiber.exit, table.unpack(list)) end)
        end)()
      end)
      assert(select("#", cfiber.resume(co)) > 1)
    end)
  ]],
  ["suspend"] = [[
    local co, reached
    each(function()
      reached, co = false, nil
      co = cfiber.create(function()
        local me = cfiber.running()
        local list = {}
        for i = 1, 200 do list[i] = i end
        deep(5, function()
          coroutine.wrap(function()
            pcall(cfiber.suspend, me, table.unpack(list))
            reached = true
            cfiber.suspend(me)
          end)()
        end)
      end)
      assert(cfiber.resume(co))
      assert(cfiber.resume(co))
    end, function(wait)
      if reached and cfiber.status(co) == "suspended" then
        assert(cfiber.resume(co), wait)
      end
      assert(not reached or cfiber.status(co) == "dead", wait)
      if co then cfiber.close(co) end
      co = nil
    end)
  ]],
  ["close of a chain"] = [[
    local co
    each(function()
      co = nil
      co = cfiber.create(function()
        local me = cfiber.running()
        deep(5, function()
          local _ <close> = setmetatable({}, {__close = function() return {} end})
          cfiber.suspend(me)
        end)
      end)
      assert(cfiber.resume(co))
      cfiber.close(co)
    end, function(wait)
      local status = co and cfiber.status(co)
      assert(status ~= "normal", wait)
      if co then cfiber.close(co) end
      co = nil
    end)
  ]],
  ["transfer"] = [[
    local f, g, ran
    each(function()
      ran, f, g = false, nil, nil
      g = cfiber.create(function() ran = true end)
      f = cfiber.create(function()
        local list = {}
        for i = 1, 200 do list[i] = i end
        pcall(cfiber.transfer, g, table.unpack(list))
        if not ran then
          assert(cfiber.status(g) == "suspended")
          cfiber.transfer(g)
        end
      end)
      assert(cfiber.resume(f))
    end, function(wait)
      for _, co in pairs {f, g} do
        assert(cfiber.status(co) ~= "normal", wait)
      end
      f, g = nil, nil
    end)
  ]],
}

describe("without memory", function()
  for name, script in pairs(scripts) do
    it(name .. " leaves everything usable", function()
      assert.equal("done\n", child.output(prologue .. script))
    end)
  end
end)
