-- examples_contexts_spec.lua: the layer below Lua, in a program of its own

local child = require "child"
local example = require "example"

describe("The example contexts", function()
  it("goes back to whoever resumed the routines, main or not", function()
    local path, missing = example.build "contexts"
    if not path then
      pending(missing)
      return
    end
    local r = child.shell("exec " .. path)
    local game = "ping 1\npong 1\nping 2\npong 2\nping ends\npong 3\npong ends\nback in "
    assert.equal(game .. "main\n" .. game .. "the referee\n", r.output)
    assert.same({0, ""}, {r.status, r.errors})
  end)
end)
