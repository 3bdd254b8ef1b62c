-- control.lua: jobs on what coroutines do not have

local capi = require "capi"
local cfiber = require "cfiber"
local passed = require "soak.tasks".passed
local state = require "soak.states"
local stock = require "soak.stock"

local random = math.random
local create, resume, yield, wrap = cfiber.create, cfiber.resume, cfiber.yield, cfiber.wrap
local jobs, job = require "soak.joblist"()

job("a scheduler whose tasks wait inside generators", function(pause)
  local task
  local function wait(x) return cfiber.suspend(task, x) end
  local function body(n)
    local sum = 0
    for x in cfiber.iter(function() for i = 1, n do yield(wait(i)) end end) do
      sum = sum + x
    end
    for x in stock.wrap(function() for _ = 1, 2 do stock.yield(wait(n)) end end) do
      sum = sum + x
    end
    return "end", sum
  end
  local queue = {}
  for n = 1, random(6) do
    queue[n] = {n = n, co = create(body), value = n}
  end
  while #queue > 0 do
    local t = table.remove(queue, 1)
    task = t.co
    local ok, value, sum = passed(resume(t.co, t.value))
    assert(ok, value)
    if value == "end" then
      assert(sum == t.n * (t.n + 1) + 4 * t.n, sum)
    else
      t.value = 2 * value
      queue[#queue + 1] = t
    end
    pause()
  end
end)

job("a ring of transfers", function(pause)
  local n, rounds, passes = random(2, 12), random(20), 0
  local ring = {}
  for i = 1, n do
    ring[i] = create(function()
      while passes < n * rounds do
        passes = passes + 1
        if passes % 16 == 0 then
          pause()
        end
        if i % 2 == 0 then
          string.gsub("x", "x", function() cfiber.transfer(ring[i % n + 1]) end)
        else
          cfiber.transfer(ring[i % n + 1])
        end
      end
      return "round"
    end)
  end
  local ok, value = passed(resume(ring[1]))
  assert(ok and value == "round" and passes == n * rounds, value)
end)

job("slices of endless loops", function(pause)
  local turns = 0
  local loops = {
    function() while true do turns = turns + 1 end end,
    function() string.gsub("x", "x", function() while true do turns = turns + 1 end end) end,
    function() while true do table.sort({3, 1, 2}, function(a, b) turns = turns + 1 return a < b end) end end,
    function() while true do pcall(error, "x") turns = turns + 1 end end,
    function() while true do wrap(function() turns = turns + 1 end)() end end,
  }
  local co = create(loops[random(#loops)])
  local n, least = 0, random(10)
  repeat  -- what others break off may leave a slice nothing
    local ok, how = passed(cfiber.slice(co, random(100, 3000)))
    assert(ok and how == "budget", how)
    pause()
    n = n + 1
  until n >= least and turns > 0 or n == 1000
  assert(turns > 0, "no turn in 1,000 slices")
  if random(2) == 1 then
    assert(cfiber.close(co))
  end
end)

local function work(t)
  local s = string.gsub(t, "%d", function(d) return pcall(tostring, d) and d + 1 end)
  local list = {5, 2, 9, 1}
  table.sort(list, function(a, b) return a < b end)
  for x in wrap(function() for i = 1, 5 do yield(i) end end) do
    s = s .. x
  end
  return s .. table.concat(list)
end

job("a computation in slices", function(pause)
  local co, budget = create(work), random(1, 60)
  local r = {true, "budget"}
  while r[2] == "budget" do
    r = {passed(cfiber.slice(co, budget, "1a2b"))}
    if random(10) == 1 then
      pause()
    end
  end
  assert(r[1] and r[2] == "return" and r[3] == "2a3b123451259", r[3])
end)

job("throw into every state", function(pause)
  local co, name = state()
  pause()
  local err = {}
  local ok, what = cfiber.throw(co, err)
  assert(not ok and what == err or name:find "handler", name)
  assert(cfiber.status(co) == "dead" or name:find "handler", name)
end, {uncaught = true})

job("throw that is caught", function(pause)
  local co = create(function()
    local n = 0
    for _ = 1, 5 do
      local ok, err = passed(pcall(string.gsub, "x", "x", yield))
      assert(not ok)
      pause()
      n = n + err
    end
    return "sum", n
  end)
  assert(passed(resume(co)))
  local ok, word, sum
  for i = 1, 5 do
    ok, word, sum = passed(cfiber.throw(co, i))
  end
  assert(ok and word == "sum" and sum == 15, word)
end)

job("close in every state", function(pause)
  local co, name = state()
  pause()
  local ok, err = cfiber.close(co)
  assert(ok and cfiber.status(co) == "dead", name .. ": " .. tostring(err))
  assert(not cfiber.info(co).mounted, name)
end)

job("a thread in every state is dropped", function(pause)
  for _ = 1, random(8) do
    local co = state()
    pause()
    local _ = random(3) == 1 and setmetatable({co}, {__gc = function(t) return cfiber.status(t[1]) end})
  end
end)

job("a thread in every state goes on to its end", function(pause)
  local co, name = state()
  local turns = 0
  while cfiber.status(co) == "suspended" do
    assert(passed(resume(co)), name)
    turns = turns + 1
    assert(turns < 50, name)
    pause()
  end
end)

job("exit from any depth", function(pause, closer)
  local ways = {
    function(f) f() end,
    function(f) passed(pcall(f)) end,
    function(f) string.gsub("x", "x", f) end,
    function(f) passed(pcall(string.gsub, "x", "x", function() passed(pcall(f)) end)) end,
    function(f) stock.wrap(f)() end,
    function(f) passed(pcall(table.sort, {1, 2}, f)) end,
  }
  local a, b = ways[random(#ways)], ways[random(#ways)]
  local co = create(function()
    local _ <close> = closer()
    a(function()
      local _ <close> = closer()
      b(function() pause() cfiber.exit("out", 1, nil) end)
    end)
  end)
  local r = table.pack(resume(co))
  cfiber.close(co)
  passed(r[1], r[2])
  assert(r[1] and r.n == 4 and r[2] == "out" and r[3] == 1, r[2])
  assert(cfiber.status(co) == "dead")
end)

job("iter and break", function(pause, closer)
  local n, last = random(20), random(20)
  local function count()
    local _ <close> = closer()
    string.gsub(("x"):rep(n), "x", function() yield(1) pause() end)
  end
  local seen = 0
  for x in cfiber.iter(count) do
    for y in cfiber.iter(count) do
      seen = seen + x * y
      if y == x then
        break
      end
    end
    if seen == last then
      break
    end
  end
  assert(seen == math.min(n, last), seen)
end)

job("errors out of iter", function(pause)
  local ok, err = passed(pcall(function()
    for _ in cfiber.iter(function() yield(1) pause() error("wrong", 0) end) do
      pause()
    end
  end))
  assert(not ok and err:find "^wrong\nstack traceback" or err:find "^wrong", err)
end)

job("inspection", function(pause)
  local co, name = state()
  pause()
  local info = cfiber.info(co)
  assert(info.status == "suspended", name)
  local listed = false
  for _, thread in ipairs(cfiber.list()) do
    listed = listed or thread == co
  end
  assert(listed == info.mounted, name)
  assert(cfiber.traceback(co):find "^stack traceback:", name)
  assert(not info.mounted or info.stack_used <= info.stack_size)
end)

job("the limit of nested resumes", function()
  local function nest(n)
    local ok, depth = resume(create(nest), n + 1)
    return ok and depth or n
  end
  local before = cfiber.config().max_depth
  cfiber.config {max_depth = 300}
  local depth = nest(0)
  cfiber.config {max_depth = before}
  assert(depth < 300, depth)
end, {whole = true, uncaught = true, unsliced = true})

job("C functions on cfiber.h", function(pause)
  local n = random(20)
  local co = create(function() return capi.produce(n) end)
  local ok, x, sum = passed(resume(co))
  for i = 1, n do
    assert(ok and x == i)
    pause()
    ok, x, sum = passed(resume(co, "p"))
  end
  assert(x == ("p"):rep(n) and sum == n * (n + 1) // 2)
  local list = {}
  for i = 1, random(40) do
    list[i] = random(1000)
  end
  capi.sort(list, function(a, b)
    if random(20) == 1 then
      pause()
    end
    return a - b
  end)
  for i = 2, #list do
    assert(list[i - 1] <= list[i])
  end
end)

job("a C loop that resumes", function(pause)
  local n = random(20)
  local sum = capi.collect(create(function()
    for i = 1, n do
      yield(i)
      pause()
    end
  end))
  assert(sum == n * (n + 1) // 2, sum)
end, {uncaught = true})  -- the loop drops errors

return jobs
