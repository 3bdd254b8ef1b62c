-- task/timers.lua: which records are due
--
-- A record's 'due' is the time, in seconds. Those of one tick share a bucket,
-- and the heap has only buckets: a frame of many timers costs it little.
--
--   heap        | 3 | 7 | 9 |        ticks that have buckets
--                 |
--   bucket      | t | . | t |        in the order of their waits; '.' is gone:
--                                    false. 'place' is that in it
--
-- A bucket goes when its last record does, so that timeouts far away that
-- rarely come leave nothing behind.
--
-- The heap is left alone while tasks run: their finalizers may come in the middle
-- of it. Buckets that got their first record, or lost their last one, are in a
-- list by 'later' until the heap is asked. Where that failed for want of memory
-- the heap is made anew.

local found, heap = pcall(require, "binaryheap")
if not found then
  error("cfiber.task needs binaryheap (luarocks install binaryheap; Debian's lua-binaryheap is found with"
    .. " ';/usr/share/lua/5.3/?.lua' in LUA_PATH)", 0)
end

local TICKS = 1024  -- of a second: some in each frame

local timers = {}
timers.__index = timers

function timers.new()
  return setmetatable({
    heap = heap.minUnique(), whole = true,  -- false: a change of the heap began
    buckets = {},  -- tick -> bucket
    changed = false,  -- the first of those to see to, of which none is the last
  }, timers)
end

-- The heap is to be asked about this bucket.
local function note(self, bucket)
  if not bucket.later then
    bucket.later = self.changed or bucket
    self.changed = bucket
  end
end

-- The bucket has no records.
local function drop(self, bucket)
  if self.buckets[bucket.tick] == bucket then
    self.buckets[bucket.tick] = nil
  end
end

-- The heap anew, of all buckets.
local function remake(self)
  local new = heap.minUnique()
  for _, bucket in pairs(self.buckets) do
    if bucket.left == 0 then
      drop(self, bucket)
    else
      new:insert(bucket.tick, bucket)
    end
  end
  self.heap, self.whole = new, true
end

-- The heap has the buckets that have records, and no others.
local function settle(self)
  if not self.whole then
    remake(self)
  end
  local bucket = self.changed
  while bucket do
    self.whole = false
    self.changed, bucket.later = bucket.later ~= bucket and bucket.later, false
    if bucket.left == 0 then
      drop(self, bucket)
      self.heap:remove(bucket)
    elseif not self.heap:valueByPayload(bucket) then
      self.heap:insert(bucket.tick, bucket)
    end
    self.whole = true
    bucket = self.changed
  end
end

--- t is due at this time, in seconds.
function timers:add(t, due)
  local tick = due * TICKS // 1
  local bucket = self.buckets[tick]
  if not bucket then
    local new = {tick = tick, n = 0, left = 0, later = false}
    bucket = self.buckets[tick] or new  -- a finalizer may have made one
  end
  if t.place == nil then
    t.due, t.bucket, t.place = false, false, false  -- from now on they have a place in the table
  end
  local left = bucket.left
  local n = left > 0 and bucket.n + 1 or 1
  bucket[n] = t
  if left == 0 then
    note(self, bucket)
  end
  self.buckets[tick] = bucket  -- where this fails nothing has changed
  bucket.n, bucket.left = n, left + 1
  t.due, t.bucket, t.place = due, bucket, n
end

--- To be called before t is taken out.
function timers:release(t)
  if t.bucket.left == 1 then
    note(self, t.bucket)
  end
end

--- Takes t out, whose timer is on.
function timers:remove(t)
  self:release(t)
  local bucket = t.bucket
  bucket[t.place], bucket.left = false, bucket.left - 1
  t.due, t.bucket, t.place = false, false, false
end

--- The time of the first timer, or a little less; or nil.
function timers:first()
  settle(self)
  local tick = self.heap:peekValue()
  return tick and tick / TICKS
end

local function earlier(a, b)
  if a.due == b.due then
    return a.place < b.place
  end
  return a.due < b.due
end

-- The records of a bucket that are due, in order of time.
local function collect(bucket, now)
  local list, n, sorted = {}, 0, true
  for i = 1, bucket.n do
    local t = bucket[i]
    if t and t.due <= now then
      sorted = sorted and (n == 0 or list[n].due <= t.due)
      n = n + 1
      list[n] = t
    end
  end
  if not sorted then
    table.sort(list, earlier)
  end
  return list
end

--- Calls f(owner, t) for each record that is due, in order of time, those of
-- one time in that of their waits; they are taken out then, if f does not do that.
function timers:pass(now, f, owner)
  settle(self)
  local last, tick = now * TICKS // 1, self.heap:peekValue()
  while tick and tick <= last do
    local bucket = self.heap:peek()
    for _, t in ipairs(collect(bucket, now)) do
      if t.bucket == bucket then  -- a finalizer may have taken it out
        f(owner, t)
        if t.bucket == bucket then
          self:remove(t)
        end
      end
    end
    if tick == last then
      break  -- what is left in it is not due yet
    end
    settle(self)
    tick = self.heap:peekValue()
  end
end

return timers
