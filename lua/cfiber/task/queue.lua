-- task/queue.lua: first in, first out, for those that wait for an object
--
--   first                   last
--     v    after    after    v
--     a  ------->  b  ------->  c
--        <-------     <-------
--         before       before
--
-- Whoever is in the middle leaves without a gap: a task may wait for ever while
-- others come and time out behind it.
--
-- What a push left in 'before' that failed for want of memory does not count: x
-- is in where the one before it is followed by x.

local queue = {}
queue.__index = queue

function queue.new()
  return setmetatable({count = 0, before = {}, after = {}, first = false, last = false}, queue)
end

--- x must not be in.
function queue:push(x)
  local last = self.last
  if last then
    self.before[x] = last
    self.after[last] = x  -- where this fails nothing has changed
  else
    self.first = x
  end
  self.last = x
  self.count = self.count + 1
end

--- The oldest, or false.
function queue:peek()
  return self.first
end

--- The next one after x, which is in; or nil.
function queue:behind(x)
  return self.after[x]
end

--- Takes the oldest out; or false.
function queue:pop()
  local x = self.first
  if x == self.last then
    self.first, self.last, self.count = false, false, 0
  else
    self:remove(x)
  end
  return x
end

--- Takes x out, if it is in.
function queue:remove(x)
  local before, after = self.before[x], self.after[x]
  if x == self.first then
    before = nil
  elseif not before then
    return
  elseif self.after[before] ~= x then
    self.before[x] = nil
    return
  end
  self.before[x], self.after[x] = nil, nil
  if before then
    self.after[before] = after
  else
    self.first = after or false
  end
  if after then
    self.before[after] = before
  else
    self.last = before or false
  end
  self.count = self.count - 1
end

return queue
