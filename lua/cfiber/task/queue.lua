-- task/queue.lua: first in, first out, for those that wait for an object
--
--   first        last
--     v           v
--   | a | . | c | d |      '.' was removed: false

local queue = {}
queue.__index = queue

function queue.new()
  return setmetatable({first = 1, last = 0, places = {}}, queue)
end

function queue:push(x)
  local last = self.last + 1
  self.last = last
  self[last] = x
  self.places[x] = last
end

--- The oldest, or nil.
function queue:peek()
  local first = self.first
  while first <= self.last and not self[first] do
    self[first] = nil
    first = first + 1
  end
  if first > self.last then
    self.first, self.last = 1, 0
    return nil
  end
  self.first = first
  return self[first]
end

--- Takes the oldest out; or nil.
function queue:pop()
  local x = self:peek()
  if x ~= nil then
    self.places[x] = nil
    self[self.first] = nil
    self.first = self.first + 1
  end
  return x
end

--- Takes x out, if it is in.
function queue:remove(x)
  local place = self.places[x]
  if place then
    self.places[x] = nil
    self[place] = false
  end
end

return queue
