-- scarcity_spec.lua: where the system gives little, and what it gets back

local child = require "child"
local helper = require "helper"

if not io.open "/proc/self/status" or not child.islimited() then
  return  -- limits and figures of other systems are not known here
end

local plain = helper.mode == "plain"

-- In 32 bits there is address space for so many small stacks.
local many = string.packsize "T" > 4 and 100000 or 30000

-- A context of this one is so large that a fiber takes two pages, not one.
local more = helper.cfiber.stats().switch == "ucontext" and 4096 or 0

-- What the scripts share. In one line.
local shared = ([[
  local confine = require "confine"
  local unpack = table.unpack
  local text = "x"
  local wide = string.packsize "T" > 4
  local usual = cfiber.config().stack_size
  local page = cfiber.config {stack_size = (64 << 10) + 1}.stack_size - (64 << 10)
  cfiber.config {stack_size = usual}
  local small = not wide and 64 << 10 or nil
  local function deep(...) return text:gsub("x", cfiber.yield) end
  local function status(name)
    for line in io.lines "/proc/self/status" do
      local kb = line:match("^" .. name .. ":%s*(%d+)")
      if kb then return tonumber(kb) << 10 end
    end
  end
  local function room(bytes)
    confine.growheap(8 << 20)
    confine.addressspace(status "VmSize" + bytes)
  end
  local function maps() local n = 0 for _ in io.lines "/proc/self/maps" do n = n + 1 end return n end
  local function collect() for _ = 1, 4 do collectgarbage() end end
  local function fill(limit, size)
    local all = {}
    for i = 1, limit do
      local co = cfiber.create(deep, size)
      local ok, resumed, value = pcall(cfiber.resume, co)
      if not ok then return all, co, resumed end
      if not resumed then return all, co, value end
      all[i] = co
    end
    return all
  end
  local function drain(all)
    for i = 1, #all do
      assert(cfiber.resume(all[i], "y"))
      assert(cfiber.status(all[i]) == "dead")
    end
  end
]]):gsub("\n", " ")

-- Runs a script that must end well; returns what it printed, in lines.
local function lines(commands, script, ...)
  local r = child.after(commands, "local cfiber, stock = require 'helper'.cfiber, coroutine " .. shared .. script, ...)
  assert(r.signal == nil, ("signal %s: %s"):format(r.signal, r.errors))
  assert(r.status == 0 and r.errors == "", ("exit status %s: %s"):format(r.status, r.errors))
  local list = {}
  for line in r.output:gmatch "[^\n]+" do
    list[#list + 1] = line
  end
  return list
end

-- The same for a script that prints "true" alone.
local function holds(script, ...)
  assert.same({"true"}, lines("", script, ...))
end

-- How guards are made here, without being told.
local usualguard = lines("unset CFIBER_GUARD", [[
  cfiber.wrap(print)()
  print(cfiber.stats().guard)
]])[1]

local function withadvice()
  if usualguard ~= "advice" then
    pending "this kernel has no advice for guards (Linux 6.13)"
  end
end

describe("Where address space runs out", function()
  it("resume raises an error that says so, in the resumer, and the fiber starts later", function()
    holds [[
      room(20 << 20)
      local all, co, message = fill(1000)
      local size = cfiber.config().stack_size >> 10
      assert(message == ("not enough memory (stack of %d KB: Cannot allocate memory)"):format(size), message)
      assert(cfiber.status(co) == "suspended" and not debug.traceback(co):find "gsub")
      drain(all)
      assert(cfiber.resume(co))
      assert(cfiber.status(co) == "suspended")
      assert(cfiber.resume(co, "y"))
      all, co = nil, nil
      collect()
      cfiber.trim()
      print(cfiber.stats().mounted == 0 and cfiber.stats().reserved == 0)
    ]]
  end)

  it("it is an error inside a fiber that resumes, which goes on", function()
    holds [[
      room(20 << 20)
      local co = cfiber.create(function()
        local all, _, message = fill(1000)
        assert(message:find "^not enough memory %(")
        cfiber.yield(#all)
        drain(all)
        return "end"
      end)
      local _, n = assert(cfiber.resume(co))
      assert(n > 10)
      print(select(2, assert(cfiber.resume(co))) == "end")
    ]]
  end)

  it("a function of wrap raises the error as it is", function()
    holds [[
      room(20 << 20)
      local all = fill(1000)
      local f = cfiber.wrap(deep)
      local ok, message = pcall(f)
      assert(not ok and message:find "^not enough memory %(stack of", message)
      drain(all)
      f()
      print(f "y" == "y")
    ]]
  end)

  it("slabs get smaller until what is left is too small for one stack", function()
    holds [[
      local config = cfiber.config()
      local stack = config.stack_size + math.max(16 << 10, page)
      for _, stacks in ipairs {1, 2, 3, 50, 127, 129, 200, 300} do
        collect()
        cfiber.trim()
        room(stacks * stack + (1 << 20))
        local all = fill(1000)
        confine.addressspace()
        assert(math.abs(#all - stacks) <= 2 + stacks // 16, stacks .. " expected, there are " .. #all)
        drain(all)
      end
      print(true)
    ]]
  end)

  it("a large stack is refused and smaller ones are not", function()
    holds [[
      room(100 << 20)
      local most = wide and 1 << 30 or 1 << 27
      local co = cfiber.create(deep, most)
      local ok, message = pcall(cfiber.resume, co)
      assert(message == ("not enough memory (stack of %d KB: Cannot allocate memory)"):format(most >> 10), message)
      assert(cfiber.resume(cfiber.create(deep, 10 << 20)))
      assert(cfiber.resume(cfiber.create(deep)))
      confine.addressspace()
      print((cfiber.resume(co)))
    ]]
  end)

  it("a close goes on without a stack of its own", function()
    holds [[
      local closed = 0
      local waiting = {}
      for i = 1, 20 do
        waiting[i] = cfiber.create(function()
          local _ <close> = setmetatable({}, {__close = function() closed = closed + 1 end})
          stock.yield()
        end)
        cfiber.resume(waiting[i])
      end
      cfiber.trim()
      room(10 << 20)
      local all, co = fill(1000)
      for i = 1, 20 do
        assert(cfiber.close(waiting[i]))
      end
      assert(cfiber.close(co))
      drain(all)
      print(closed == 20)
    ]]
  end)

  it("stacks cached for other threads go before it comes to an error", function()
    holds [[
      drain(fill(100))
      assert(cfiber.stats().pooled == 100)
      room(2 << 20)
      local co = cfiber.create(deep, 20 << 20)
      print(cfiber.resume(co) and cfiber.stats().pooled == 0)
    ]]
  end)

  it("ulimit -v is met from the start", function()
    local found = lines("ulimit -v 100000", [[
      local all, _, message = fill(10000)
      print(#all > 20, message:match "^not enough memory")
      drain(all)
      print(#fill(20))
    ]])
    assert.same({"true\tnot enough memory", "20"}, found)
  end)
end)

describe("Where mappings run out", function()
  -- Leaves this many of them.
  local function few(left)
    local file = io.open "/proc/sys/vm/max_map_count"
    local limit = file and file:read "n" or 65530
    assert(not file or file:close())
    return ("assert(confine.mappings(%d, %d)) "):format(left, 2 * limit)
  end

  it("guards by advice are not short of them", function()
    withadvice()
    assert.same({"1000\tadvice"}, lines("", few(40) .. [[
      local all = fill(1000)
      print(#all, cfiber.stats().guard)
      drain(all)
    ]]))
  end)

  it("stacks cached for other threads go before it comes to an error", function()
    holds([[cfiber.config {guard = "mprotect"} ]] .. few(100) .. [[
      drain(fill(45))
      assert(cfiber.stats().pooled == 45)
      local all = fill(1000, 64 << 10)
      print(#all > 40 and cfiber.stats().pooled == 0)
    ]])
  end)

  for _, left in ipairs {11, 100, 333} do
    it(("guards by mprotect use up %d, then the error names the guard, and all is usable again"):format(left), function()
      holds([[
        cfiber.config {guard = "mprotect"}
      ]] .. few(left) .. ("local left = %d "):format(left) .. [[
        local all, co, message = fill(10000)
        assert(#all >= left // 2 - 8 and #all <= left // 2 + 1, #all)
        assert(message:find "^not enough memory %(.*stack of %d+ KB: Cannot allocate memory%)$", message)
        assert(left < 40 or message:find "%(guard of a stack of", message)
        assert(cfiber.stats().guard == "mprotect")
        drain(all)
        local again = fill(#all)
        assert(#again == #all)
        drain(again)
        assert(cfiber.resume(co) and cfiber.resume(co, "y"))
        all, again, co = nil, nil, nil
        collect()
        cfiber.trim()
        assert(cfiber.stats().reserved == 0)
        local some = math.max(left // 2 - 8, 1)
        print(#fill(some) == some)
      ]])
    end)
  end

  it("fibers that are dropped leave their guards to others", function()
    holds([[cfiber.config {guard = "mprotect"} ]] .. few(100) .. [[
      local all = fill(10000)
      local n = #all
      all = nil
      collect()
      assert(cfiber.stats().mounted == 0)
      print(#fill(n) == n)
    ]])
  end)

  if plain then
    it("the system's limit gives one stack for two of them", function()
      local file = io.open "/proc/sys/vm/max_map_count"
      local limit = file and file:read "n" or 65530
      if limit > 70000 then
        pending "the system allows more mappings than a test should use up"
      end
      assert.same({"true\ttrue"}, lines("export CFIBER_GUARD=mprotect", ([[
        local limit = %d
        local all, _, message = fill(limit, 64 << 10)
        local n = #all
        drain(all)
        print(n > limit // 2 - 100, message:find "guard of a stack of" ~= nil)
      ]]):format(limit)))
    end)
  end
end)

describe("Where the advice is refused", function()

  for name, before in pairs {
    ["by locked memory"] = "confine.lock()",
    ["by a filter of system calls"] = "confine.deny(102)",
  } do
    it(name .. ", guards are made by mprotect, and stats says so", function()
      withadvice()
      local r = child.run(shared .. "local ok, message = " .. before .. [[
        if not ok then
          print(message)
          os.exit(3)
        end
        local all = fill(20, 64 << 10)
        drain(all)
        all = fill(20, 64 << 10)
        print(cfiber.stats().guard, cfiber.config().guard)
        drain(all)
        print(cfiber.trim() > 0, cfiber.stats().reserved)
        cfiber.resume(cfiber.create(require "overrun".overflow, 64 << 10))
      ]])
      if r.status == 3 then
        pending("the system does not allow it: " .. r.output)
      end
      assert.equal("mprotect\tadvice\ntrue\t0\n", r.output)
      assert.equal(11, r.signal)
      assert.match("^cfiber: C stack overflow in fiber", r.errors)
    end)
  end
end)

-- ---------------------------------------------------------------------------
-- Memory

describe("The memory of stacks", function()
  it("that were used deeply is given back while they wait for reuse", function()
    holds [[
      local function nest(n)
        return n == 0 and cfiber.yield() or (text:gsub("x", function() return nest(n - 1) end))
      end
      local function use(n, depth)
        local all = {}
        for i = 1, n do
          all[i] = cfiber.create(nest)
          assert(cfiber.resume(all[i], depth))
        end
        local most = status "VmRSS"
        for i = 1, n do
          assert(cfiber.resume(all[i], "y"))
        end
        return most
      end
      use(100, 1)
      collect()
      confine.releaseheap()
      local before = status "VmRSS"
      local most = use(100, 150)
      for _ = 1, 2048 do  -- the latest comes back so often, at most, before the next look at all
        cfiber.wrap(math.abs)(1)
      end
      collect()
      confine.releaseheap()
      assert(most - before > 20 << 20, most - before)
      assert(cfiber.stats().pooled == 100)
      local more = status "VmRSS" - before
      print(more < 100 * ((4 << 10) + math.max(16 << 10, page)) or more)
    ]]
  end)

  if not plain then
    return
  end

  it("of 20,000 suspended below C is at most 8 KB each, and they take a few mappings", function()
    withadvice()
    holds([[
      local n = 20000
      local before, lines = status "VmRSS", maps()
      local all = fill(n, small)
      assert(#all == n)
      local each = (status "VmRSS" - before) / n
      assert(each <= 8192 + tonumber(...), each)
      assert(maps() - lines < 20, maps() - lines)
      drain(all)
      print(true)
    ]], more)
  end)

  -- What stays of so many fibers, in KB: 1,024 stacks that wait for reuse, of which many
  -- touched a second page, for they begin at different places.
  local function burst(n)
    return lines("", [[
      local n = tonumber(...)
      fill(1)
      collect()
      confine.releaseheap()
      local before = status "VmRSS"
      local all = fill(n, small)
      assert(#all == n)
      local most = status "VmRSS"
      all = nil
      collect()
      confine.releaseheap()
      local after = status "VmRSS"
      cfiber.trim()
      print((most - before) // 1024, (after - before) // 1024, (status "VmRSS" - before) // 1024)
      print(cfiber.stats().mounted, cfiber.stats().pooled, cfiber.stats().reserved)
    ]], n)
  end

  it(("of %d suspended natively goes back to the system when they are garbage"):format(many), function()
    local found = burst(many)
    assert.equal("0\t0\t0", found[2])
    local most, after, trimmed = found[1]:match "(%-?%d+)\t(%-?%d+)\t(%-?%d+)"
    assert.is_true(tonumber(most) > 4 * many, found[1])
    assert.is_true(tonumber(after) < 12288 + more, found[1])
    assert.is_true(tonumber(trimmed) < 6144, found[1])
  end)

  it("goes back also where a few of them stay, here and there", function()
    local found = lines("", [[
      fill(1)
      collect()
      confine.releaseheap()
      local before = status "VmRSS"
      local all, kept = fill(20000, small), {}
      for i = 100, 20000, 100 do
        kept[#kept + 1] = all[i]
      end
      all = nil
      collect()
      cfiber.trim()
      confine.releaseheap()
      print((status "VmRSS" - before) // 1024)
      drain(kept)
    ]])
    assert.is_true(tonumber(found[1]) < 6144, found[1])
  end)

  it("goes back in the same way where guards are made by mprotect", function()
    local r = lines("export CFIBER_GUARD=mprotect", [[
      fill(1)
      collect()
      confine.releaseheap()
      local before, mappings = status "VmRSS", maps()
      fill(10000, small)
      local most = maps() - mappings
      collect()
      confine.releaseheap()
      cfiber.trim()
      print(most >= 20000, maps() - mappings < 20, (status "VmRSS" - before) // 1024 < 4096)
    ]])
    assert.same({"true\ttrue\ttrue"}, r)
  end)
end)
