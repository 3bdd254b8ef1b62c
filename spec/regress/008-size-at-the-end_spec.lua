-- 008: a stack size given in a finalizer at the end of a Lua state, after that
-- of the library, was never freed

local child = require "child"

describe("A stack size given after the library's end", function()
  it("leaves nothing behind", function()
    if child.shell("valgrind -q $LUA -e ''").status ~= 0 then
      pending "valgrind is not installed, or not for this Lua"
    end
    local r = child.after([[LUA="valgrind -q --leak-check=full --error-exitcode=9 $LUA"]], [[
      KEPT = setmetatable({}, {__gc = function()
        local cfiber = require "cfiber"
        for i = 1, 10 do
          cfiber.resume(cfiber.create(print, i << 20), i)
          cfiber.wrap(print, i << 20)()
        end
      end})
      require "cfiber".wrap(print, 1 << 20)()
    ]])
    assert.equal("", r.errors)
    assert.equal(0, r.status)
    assert.match("10\n\n$", r.output)
  end)

  it("holds where the library was loaded in a finalizer before", function()
    assert.equal("true\n", child.bare [[
      do
        setmetatable({}, {__gc = function() require "cfiber" end})
      end
      collectgarbage()
      local cfiber = require "cfiber"
      cfiber.config {pool_limit = 0}
      local co = cfiber.create(function() return cfiber.stats().reserved end, 3 << 20)
      print(select(2, cfiber.resume(co)) > 3 << 20)
    ]].output)
  end)
end)
