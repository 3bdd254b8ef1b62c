-- report_spec.lua: the report of an overflow on Windows, by a vectored handler

local child = require "child"

local SEGV = 11  -- what child.lua makes of exceptions

-- Runs a script whose locals are cfiber, stock and overrun.
local function run(script)
  return child.run("local overrun = require 'overrun' " .. script)
end

local usual = [[
  local co = cfiber.create(function()
    ("x"):gsub("x", function() overrun.%s() end)
  end, 128 << 10)
  cfiber.resume(co)
]]

local line = "^cfiber: C stack overflow in fiber 0x%x+ at SCRIPT:2: its stack has 128 KB, "
  .. "cfiber%.config{stack_size=%.%.%.} raises it\r?\n$"

describe("Native recursion past the end of a stack", function()
  it("is reported, and ends the process", function()
    local r = run(usual:format "overflow")
    assert.match(line, r.errors)
    assert.equal(SEGV, r.signal)
  end)

  it("is reported in an OS thread that is not the main one", function()
    local r = run [[overrun.state():run([=[
      local cfiber, overrun = require "cfiber", require "overrun"
      cfiber.resume(cfiber.create(overrun.overflow, 128 << 10))
    ]=], true)]]
    assert.match("^cfiber: C stack overflow in fiber 0x%x+: its stack has 128 KB, ", r.errors)
    assert.equal(SEGV, r.signal)
  end)

  it("is reported without a place where that cannot be read", function()
    local r = run(usual:format "muddle")
    assert.match("^cfiber: C stack overflow in fiber 0x%x+: its stack has 128 KB, ", r.errors)
    assert.equal(SEGV, r.signal)
  end)

  it("is reported with two Lua states", function()
    local r = run("local other = overrun.state() other:run('require \"cfiber\"')" .. usual:format "overflow")
    assert.match(line, r.errors)
    assert.equal(SEGV, r.signal)
  end)

  it("is not reported where the report is off", function()
    local r = run("cfiber.config {overflow_report = false}" .. usual:format "overflow")
    assert.equal("", r.errors)
    assert.equal(SEGV, r.signal)
  end)

  it("is not reported where no fiber runs", function()
    local r = run "overrun.overflow()"
    assert.equal("", r.errors)
    assert.equal(SEGV, r.signal)
  end)
end)

describe("Another fault", function()
  it("in a fiber goes on without a word", function()
    local r = run(usual:format "fault")
    assert.equal("", r.errors)
    assert.equal(SEGV, r.signal)
  end)
end)

describe("Errors in a fiber", function()
  it("do not disturb who unwinds the main stack afterwards", function()
    local output = child.output [[
      for i = 1, 1000 do
        local co = cfiber.create(function()
          ("x"):gsub("x", function() cfiber.yield(pcall(error, i)) end)
          error(i)
        end)
        cfiber.resume(co)
        assert(select(2, pcall(error, i)) == i)
        assert(select(2, cfiber.resume(co)) == i)
        assert(select(2, pcall(error, i)) == i)
      end
      print "done"
    ]]
    assert.equal("done\n", output)
  end)
end)
