-- backtrace_spec.lua: 'backtrace' of <execinfo.h> on fibers, also in handlers of
-- signals that arrive at any instruction

local child = require "child"
local helper = require "helper"
local backtrace = require "backtrace"

if helper.mode ~= "plain" then
  return  -- the stacks are the same in every mode
end

-- Where Lua has no unwind tables, as on 32-bit ARM, a backtrace ends at once.
local sees = backtrace.frames and #backtrace.frames() > 2

local function case(name, needed, body)
  it(name, sees and backtrace[needed] and body or function()
    pending("not on this system: " .. needed)
  end)
end

-- In children, because a handler that goes astray ends the process. 'show'
-- prints what is wrong with a record.
local script = [[
  local backtrace = require "backtrace"
  local create, resume, wrap, yield = cfiber.create, cfiber.resume, cfiber.wrap, cfiber.yield
  local ucontext = cfiber.stats().switch == "ucontext"
  local main = backtrace.frames()
  local fiber = wrap(backtrace.frames)()
  local ends = {[main[#main] ] = true, [fiber[#fiber] ] = true}
  local function show(record)
    assert(record.samples > 0 and record.longest < record.most, record.samples .. " of " .. record.longest)
    if record.places.nowhere and not ucontext then
      print "an address outside of all code"
    end
    for place in pairs(record.last) do
      -- Where libc changes stacks its unwind tables read what lies there.
      local inside = ucontext and (place == "nowhere" or place:find "^libc%.")
      if not ends[place] and not inside then
        print("a stack that ends in " .. place)
      end
    end
  end
  local function generator()
    while true do
      ("x"):gsub("x", yield)
    end
  end
]]

local function prints(expected, text)
  return function()
    assert.equal(expected, child.output(script .. text))
  end
end

describe("backtrace", function()
  case("in a fiber goes through C functions to the entry, and ends", "frames", prints("", [[
    wrap(function()
      for n = 0, 20, 10 do
        local function nest(i)
          if i > 0 then
            return (("x"):gsub("x", function() nest(i - 1) end))
          end
          local found = backtrace.frames()
          assert(#found > 3 * n and #found < 150)
          assert(found[#found] == fiber[#fiber], found[#found])
          assert(found[#found - 2]:find "lua_resume")
        end
        nest(n)
      end
    end)()
  ]]))

  case("in a fiber that was switched to and from is the same", "frames", prints("", [[
    local take = wrap(function()
      for _ = 1, 3 do
        ("x"):gsub("x", function() yield(table.concat(backtrace.frames(), "\n")) end)
      end
    end)
    local first = take()
    assert(take() == first and take() == first)
  ]]))

  case("at each instruction of switches finds code alone and ends where the stack does", "step", prints("", [[
    local native = create(generator)
    local function switches()
      resume(native)
      local me
      me = create(function()
        wrap(function() cfiber.suspend(me) end)()
        pcall(cfiber.throw, create(yield), "x")
        cfiber.transfer(create(cfiber.exit))
      end)
      resume(me)
      resume(me)
      cfiber.close(me)
    end
    switches()
    show(backtrace.step(switches))
  ]]))

  -- Emulators of a processor (qemu) have signal frames of their own.
  case("in a handler of SIGPROF during 300,000 switches does so too", "profile", function()
    local r = child.run(script .. [[
      show(backtrace.profile(function()
        for _ = 1, 300000 do
          ("x"):gsub("x", string.upper)
        end
      end))
    ]])
    if r.status ~= 0 or r.output ~= "" then
      pending "no stack is followed through a signal handler here, whether or not there are fibers"
      return
    end
    prints("", [[
      local native = create(generator)
      show(backtrace.profile(function()
        for _ = 1, 150000 do
          resume(native)
        end
      end))
    ]])()
  end)
end)
