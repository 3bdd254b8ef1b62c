-- threads_spec.lua: Lua states that OS threads hand to each other

local child = require "child"

local host = (package.cpath:match "([^;]*)/spec/%?%.so" or "") .. "/host/threads"
local there = io.open(host)
local havecpp = package.searchpath("objects", package.cpath)

-- Runs the host; returns what it prints and what it says of the threads.
local function start(arguments, script)
  local r = child.shell(("exec %s %s"):format(child.quote(host), arguments), script)
  if child.refusesjump(r.errors) then
    pending "Lua is built to abort at such a jump"
  end
  assert.same({0, nil}, {r.status, r.signal}, r.errors)
  local moves, elsewhere = r.errors:match "^(%d+) moves, (%d+) closed elsewhere\n$"
  assert(moves, r.errors)
  return r.output, tonumber(moves), tonumber(elsewhere)
end

local function run(threads, states, steps)
  return start(("spec/host/threads.lua %d %d %d"):format(threads, states, steps))
end

if there then
  there:close()
end

local function case(name, body)
  it(name, function()
    if not there then
      pending "there is no library of Lua to link the host with"
      return
    end
    body()
  end)
end

describe("Lua states with suspended fibers", function()
  if (os.getenv "CFIBER_SPEC_MODE" or "plain") ~= "plain" then
    return
  end

  local alone, together

  case("live in one OS thread", function()
    local moves
    alone, moves = run(1, 64, 5)
    assert.equal(64, select(2, alone:gsub("%d+ %d+ %d+ %d+\n", "")))
    assert.equal(0, moves)
  end)

  case("end alike when four OS threads hand them to each other", function()
    local moves, elsewhere
    together, moves, elsewhere = run(4, 64, 5)
    assert.equal(alone, together)
    assert.is_true(moves >= 64 * 5, moves .. " moves")
    assert.equal(64, elsewhere)
  end)

  case("destroy each object on the stacks of their fibers once", function()
    if not havecpp then
      pending "there is no C++ compiler"
    elseif not child.unwinds() then
      pending "this Lua has no unwind tables"
    end
    for made, destroyed in together:gmatch "(%d+) (%d+)\n" do
      assert.is_true(tonumber(made) > 0)
      assert.equal(made, destroyed)
    end
  end)

  case("end alike where each OS thread sees each of them seldom", function()
    assert.equal(run(1, 8, 6), (run(32, 8, 6)))
  end)

  case("leave the exceptions alone of a thread that finds a fiber jumped out of on another", function()
    if not havecpp then
      pending "there is no C++ compiler"
    end
    assert.match("^B\ttrue\n", (start("$SCRIPT 1 1 1", [[
      local cfiber, host, raise = require "cfiber", require "host", require "control".raise
      local objects = require "objects"(select(2, ...))
      return function()
        pcall(cfiber.resume, cfiber.create(function() raise(nil, "x") end))
        host.elsewhere(function()
          print(objects.within("B", function() cfiber.resume(cfiber.create(type), 1) end))
        end)
      end, function() return 0 end]])))
  end)
end)
