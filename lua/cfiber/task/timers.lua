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
-- The heap's functions are not made to be called in the middle of each other,
-- which finalizers may do: 'late' is then a list of the buckets to see to when
-- the first one is done.

local found, heap = pcall(require, "binaryheap")
if not found then
  error("cfiber.task needs binaryheap (luarocks install binaryheap; Debian's lua-binaryheap is found with"
    .. " ';/usr/share/lua/5.3/?.lua' in LUA_PATH)", 0)
end

local TICKS = 1024  -- of a second: some in each frame

local timers = {}
timers.__index = timers

function timers.new()
  return setmetatable({heap = heap.minUnique(), buckets = {}, late = nil}, timers)
end

-- The heap has a bucket as long as that has records.
local function change(self, bucket)
  if self.late then
    self.late[#self.late + 1] = bucket
    return
  end
  self.late = {bucket}
  local i = 1
  while self.late[i] do
    bucket = self.late[i]
    if bucket.left == 0 then
      self.heap:remove(bucket)
    elseif not self.heap:valueByPayload(bucket) then
      self.heap:insert(bucket.tick, bucket)
    end
    i = i + 1
  end
  self.late = nil
end

--- t is due at this time, in seconds.
function timers:add(t, due)
  local tick = due * TICKS // 1
  local bucket = self.buckets[tick]
  if not bucket then
    local new = {tick = tick, n = 0, left = 0}
    bucket = self.buckets[tick] or new  -- a finalizer may have made one
    self.buckets[tick] = bucket
  end
  local n = bucket.n + 1
  bucket[n] = t
  bucket.n, bucket.left = n, bucket.left + 1
  t.due, t.bucket, t.place = due, bucket, n
  if bucket.left == 1 then
    change(self, bucket)
  end
end

--- Takes t out, whose timer is on.
function timers:remove(t)
  local bucket = t.bucket
  bucket[t.place] = false
  bucket.left = bucket.left - 1
  t.due, t.bucket, t.place = nil, nil, nil
  if bucket.left == 0 then
    self.buckets[bucket.tick] = nil
    change(self, bucket)
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
  local last, late = now * TICKS // 1, self.late
  self.late = nil
  for _, bucket in ipairs(late or {}) do  -- an error of memory ended that
    change(self, bucket)
  end
  local tick = self.heap:peekValue()
  while tick and tick <= last do
    local bucket = self.heap:peek()
    for _, t in ipairs(collect(bucket, now)) do
      if t.bucket == bucket then  -- a finalizer may have taken it out
        self:remove(t)
        f(owner, t)
      end
    end
    if tick == last then
      break  -- what is left in it is not due yet
    end
    tick = self.heap:peekValue()
  end
end

return timers
