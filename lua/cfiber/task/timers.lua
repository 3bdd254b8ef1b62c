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

local found, heap = pcall(require, "binaryheap")
if not found then
  error("cfiber.task needs binaryheap (luarocks install binaryheap; Debian's lua-binaryheap is found with"
    .. " ';/usr/share/lua/5.3/?.lua' in LUA_PATH)", 0)
end

local TICKS = 1024  -- of a second: some in each frame

local timers = {}
timers.__index = timers

function timers.new()
  return setmetatable({heap = heap.minUnique(), buckets = {}}, timers)
end

--- t.due was set.
function timers:add(t)
  local tick = t.due * TICKS // 1
  local bucket = self.buckets[tick]
  if not bucket then
    bucket = {tick = tick, n = 0, left = 0}
    self.buckets[tick] = bucket
    self.heap:insert(tick, bucket)
  end
  local n = bucket.n + 1
  bucket.n, bucket.left = n, bucket.left + 1
  bucket[n] = t
  t.bucket, t.place = bucket, n
end

local function drop(self, bucket)
  self.buckets[bucket.tick] = nil
  self.heap:remove(bucket)
end

--- Takes t out, whose timer is on.
function timers:remove(t)
  local bucket = t.bucket
  bucket[t.place] = false
  bucket.left = bucket.left - 1
  t.due, t.bucket, t.place = nil, nil, nil
  if bucket.left == 0 then
    drop(self, bucket)
  end
end

--- The time of the first timer, or a little less; or nil.
function timers:first()
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
-- one time in that of their waits; they are taken out before.
function timers:pass(now, f, owner)
  local last = now * TICKS // 1
  local tick = self.heap:peekValue()
  while tick and tick <= last do
    local bucket = self.heap:peek()
    for _, t in ipairs(collect(bucket, now)) do
      self:remove(t)
      f(owner, t)
    end
    if tick == last then
      break  -- what is left in it is not due yet
    end
    tick = self.heap:peekValue()
  end
end

return timers
