-- A to-be-closed variable suspended a fiber that was closing several threads;
-- when that fiber was closed in turn, those whose turn had not come were
-- forgotten: their variables did not run and they stayed "normal".

local helper = require "helper"
local handler_it = require "since"("5.4.3", "calls a handler again that did not return")
local cfiber, stock = helper.cfiber, helper.stock

local log

local function closable(name, f)
  return setmetatable({}, {__close = function()
    log[#log + 1] = name
    if f then f() end
  end})
end

-- Runs f(me) in a fiber, which is to be suspended inside, closes it and
-- expects that this runs these variables.
local function expect(names, f)
  return function()
    helper.leakless(function()
      log = {}
      local co = cfiber.create(function()
        local _ <close> = closable "outer"
        f(cfiber.running())
      end)
      assert.same({true, "out"}, {cfiber.resume(co)})
      assert.is_true(cfiber.close(co))
      assert.equal(names, table.concat(log, " "))
      assert.equal("dead", cfiber.status(co))
    end)
  end
end

describe("Closing a fiber that is suspended while it closes", function()
  local threads

  before_each(function() threads = {} end)

  after_each(function()
    for i, co in ipairs(threads) do
      assert.equal("dead", cfiber.status(co), "thread " .. i)
    end
  end)

  local function new(f, lib)
    local co = (lib or cfiber).create(f)
    threads[#threads + 1] = co
    return co
  end

  handler_it("a chain closes the rest of it", expect("c2 c1 b a outer", function(me)
    local a = new(function()
      local _ <close> = closable "a"
      local this = cfiber.running()
      cfiber.resume(new(function()
        local _ <close> = closable "b"
        cfiber.resume(new(function()
          local _ <close> = closable "c1"
          local _ <close> = closable("c2", function() cfiber.suspend(me, "out") end)
          cfiber.suspend(this)
        end))
      end))
    end)
    cfiber.resume(a)
    cfiber.close(a)
  end))

  handler_it("a stock coroutine that exits closes the fiber around it", expect("stock fiber outer", function(me)
    cfiber.resume(new(function()
      local _ <close> = closable "fiber"
      stock.resume(new(function()
        local _ <close> = closable("stock", function() cfiber.suspend(me, "out") end)
        cfiber.exit()
      end, stock))
    end))
  end))

  handler_it("a handler that exits in a stock coroutine closes the rest", expect("b stock b1 a outer", function(me)
    local a = new(function()
      local _ <close> = closable "a"
      local this = cfiber.running()
      cfiber.resume(new(function()
        local _ <close> = closable "b1"
        local _ <close> = closable("b", function()
          stock.resume(new(function()
            local _ <close> = closable("stock", function() cfiber.suspend(me, "out") end)
            cfiber.exit()
          end, stock))
        end)
        cfiber.suspend(this)
      end))
    end)
    cfiber.resume(a)
    cfiber.close(a)
  end))
end)
