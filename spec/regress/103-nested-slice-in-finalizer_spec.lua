-- In a finalizer a slice did not stop what its fiber resumed: the hook that
-- counts was taken for the finalizer.

local helper = require "helper"
local cfiber, stock = helper.cfiber, helper.stock

local places = {
  ["itself"] = function(f) f() end,
  ["in a fiber"] = function(f) cfiber.resume(cfiber.create(f)) end,
  ["in a fiber below a stock coroutine"] = function(f)
    stock.resume(stock.create(function() cfiber.resume(cfiber.create(f)) end))
  end,
}

local threads = {
  ["main thread"] = pcall,
  fiber = function(f, ...) return cfiber.resume(cfiber.create(f), ...) end,
}

describe("In a finalizer a slice stops its fiber", function()
  for place, run in pairs(places) do
    for thread, around in pairs(threads) do
      it(("%s, on a %s"):format(place, thread), function()
        helper.leakless(function()
          local result, ended
          local function spin()
            for _ = 1, 100000 do end  -- luacheck: ignore
            ended = true
          end
          assert(around(helper.finalize, function()
            local co = cfiber.create(run)
            result = {cfiber.slice(co, 1000, spin)}
            cfiber.close(co)
          end))
          assert.is_true(collectgarbage "isrunning")
          assert.same({true, "budget"}, result)
          assert.is_nil(ended)
        end)
      end)
    end
  end
end)
