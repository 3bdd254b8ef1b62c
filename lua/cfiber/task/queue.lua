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

local queue = {}
queue.__index = queue

function queue.new()
  return setmetatable({count = 0, before = {}, after = {}}, queue)
end

--- x must not be in.
function queue:push(x)
  local last = self.last
  if last then
    self.after[last] = x
    self.before[x] = last
  else
    self.first = x
  end
  self.last = x
  self.count = self.count + 1
end

--- The oldest, or nil.
function queue:peek()
  return self.first
end

--- Takes the oldest out; or nil.
function queue:pop()
  local x = self.first
  if x == nil then
    return nil
  elseif x == self.last then
    self.first, self.last, self.count = nil, nil, 0
  else
    self:remove(x)
  end
  return x
end

--- Takes x out, if it is in.
function queue:remove(x)
  local before, after = self.before[x], self.after[x]
  if not before and x ~= self.first then
    return
  end
  self.before[x], self.after[x] = nil, nil
  if before then
    self.after[before] = after
  else
    self.first = after
  end
  if after then
    self.before[after] = before
  else
    self.last = before
  end
  self.count = self.count - 1
end

return queue
