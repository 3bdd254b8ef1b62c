-- threads_spec.lua: Lua states that OS threads hand to each other

local child = require "child"

local host = (package.cpath:match "([^;]*)/spec/%?%.so" or "") .. "/host/threads"
local there = io.open(host)
local run  -- results, then what the host says of the threads

if there then
  there:close()
  function run(threads, states, steps)
    local r = child.shell(("exec %s spec/host/threads.lua %d %d %d"):format(child.quote(host), threads, states, steps))
    assert.same({0, nil}, {r.status, r.signal}, r.errors)
    local moves, elsewhere = r.errors:match "^(%d+) moves, (%d+) closed elsewhere\n$"
    assert(moves, r.errors)
    return r.output, tonumber(moves), tonumber(elsewhere)
  end
end

local function case(name, body)
  it(name, function()
    if not run then
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

  local alone

  case("live in one OS thread", function()
    local moves
    alone, moves = run(1, 64, 6)
    assert.equal(64, select(2, alone:gsub("%d+ %d+\n", "")))
    assert.equal(0, moves)
  end)

  case("end alike when four OS threads hand them to each other", function()
    local together, moves, elsewhere = run(4, 64, 6)
    assert.equal(alone, together)
    assert.is_true(moves > 64, moves .. " moves")
    assert.is_true(elsewhere > 0, "each was closed by the thread that made it")
  end)

  case("end alike where each OS thread sees each of them seldom", function()
    assert.equal(run(1, 8, 8), (run(32, 8, 8)))
  end)
end)
