-- budget_spec.lua: updates with a limit

local helper = require "helper"
local cfiber = helper.cfiber
local tasks = require "tasks"

local clean = tasks.clean

-- Loops for ever, in different places; counts.
local places = {
  ["in Lua"] = function(counts)
    while true do
      counts.n = counts.n + 1
    end
  end,
  ["below sort and gsub"] = function(counts)
    table.sort({1, 2}, function()
      ("x"):gsub("x", function()
        while true do
          counts.n = counts.n + 1
        end
      end)
    end)
  end,
  ["in a generator in a stock coroutine"] = function(counts)
    helper.stock.wrap(function()
      for _ in cfiber.wrap(function()
        while true do
          counts.n = counts.n + 1
        end
      end) do end
    end)()
  end,
}

local function cancel(S, threads)
  for _, thread in ipairs(threads) do
    S.cancel(thread)
  end
end

describe("An update with a limit of instructions", function()
  for where, loop in pairs(places) do
    it("starves nobody, with an endless loop " .. where, clean(function(S)
      local spins, frames = {n = 0}, 0
      local threads = {
        S.defer(loop, spins),
        S.defer(function()
          while true do
            frames = frames + 1
            S.wait()
          end
        end),
      }
      local before = 0
      for i = 1, 10 do
        S.update(1, {instructions = 20000})
        assert.True(spins.n > before)
        before = spins.n
        assert.True(frames >= i - 1)
      end
      cancel(S, threads)
    end))

    it("bounds what an endless loop takes " .. where, clean(function(S)
      local spins = {n = 0}
      local thread = S.defer(loop, spins)
      for i = 1, 5 do
        local sliced = cfiber.stats "sliced"
        S.update(1, {instructions = 30000})
        local took = cfiber.stats "sliced" - sliced
        assert.True(took >= 30000 and took < 30100, took .. " in update " .. i)
      end
      S.cancel(thread)
    end))
  end

  it("says how many are left, and who was stopped", clean(function(S)
    local spins = {n = 0}
    local a, b = S.defer(places["in Lua"], spins), S.defer(places["in Lua"], spins)
    S.defer(function() S.wait(1) end)
    local left, stopped
    for _ = 1, 3 do
      left, stopped = S.update(1, {instructions = 5000})
    end
    assert.equal(2, left)
    table.sort(stopped, function(x) return x == a end)
    assert.same({a, b}, stopped)
    cancel(S, {a, b})
    left, stopped = S.update(1, {instructions = 5000})
    assert.equal(0, left)
    assert.Nil(stopped)
  end))

  it("goes on without one", clean(function(S)
    local n = 0
    S.defer(function()
      for i = 1, 100000 do
        n = i
      end
    end)
    S.update(1, {instructions = 5000})
    assert.True(n < 100000)
    S.update(1)
    assert.equal(100000, n)
  end))

  it("holds for what the host spawns after it", clean(function(S)
    S.update(0, {instructions = 5000})
    local spins = {n = 0}
    local thread = S.spawn(places["in Lua"], spins)
    assert.True(spins.n > 0)
    S.update(0, {instructions = 5000})
    S.cancel(thread)
  end))

  it("is not waited for by what the host spawns before the first update", clean(function(S)
    local spins = {n = 0}
    local thread = S.spawn(places["below sort and gsub"], spins)
    assert.True(spins.n > 0)
    S.cancel(thread)
  end))

  it("stops tasks that a task spawned, which goes on", clean(function(S)
    local spins, on = {n = 0}, false
    local thread
    S.defer(function()
      thread = S.spawn(places["in Lua"], spins)
      on = true
    end)
    for _ = 1, 2 do
      S.update(1, {instructions = 5000})
    end
    assert.True(on)
    S.cancel(thread)
  end))

  it("gives each wait its result, wherever it stopped a task", clean(function(S)
    local counts = {}
    for i = 1, 10 do
      counts[i] = 0
      S.defer(function()
        for j = 1, 20 do
          local seconds = j % 3
          if S.wait(seconds) >= seconds then
            counts[i] = counts[i] + 1
          end
        end
        counts[i] = counts[i] .. " and the end"
      end)
    end
    for _ = 1, 400 do
      S.update(1, {instructions = 300})
    end
    for i = 1, 10 do
      assert.equal("20 and the end", counts[i])
    end
  end))
end)

describe("An update with a limit of seconds", function()
  it("ends although a task does not", clean(function(S)
    local spins = {n = 0}
    local thread = S.defer(places["below sort and gsub"], spins)
    repeat  -- it may be over before it begins
      assert.equal(1, (S.update(1, {seconds = 0.001})))
    until spins.n > 0
    S.cancel(thread)
  end))
end)

describe("A limit", function()
  it("of no kind that there is, or of no number, is an error", clean(function(S)
    local function refuses(message, limits)
      assert.has_error(function() S.update(1, limits) end, message)
    end
    refuses("bad argument #2 to 'update' (table expected, got number)", 5)
    refuses("bad argument #2 to 'update' (unknown limit 'instruction')", {instruction = 5})
    refuses("bad argument #2 to 'update' (instructions must be an integer of at least 1)", {instructions = "5"})
    refuses("bad argument #2 to 'update' (instructions must be an integer of at least 1)", {instructions = 0})
    refuses("bad argument #2 to 'update' (seconds must be a number of at least 0)", {seconds = 0 / 0})
    assert.has_error(function() S.update() end, "bad argument #1 to 'update' (number expected, got no value)")
  end))
end)
