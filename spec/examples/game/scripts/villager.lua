-- villager.lua: goes from place to place, chats, rests on the bench

local map <const> = self.map

local chat <const> = {
  "fine weather!", "bread, bread...", "off to the mill", "hello!", "what a day", "have you heard?", "la la la",
  "mind the ducks", "is it noon yet?",
}

-- The crossings on the shortest way, found by breadth-first search.
local function route(from, to)
  local came, queue = {[to] = to}, {to}
  for _, place in ipairs(queue) do
    for _, near in ipairs(map.next[place]) do
      if not came[near] then
        came[near] = place
        queue[#queue + 1] = near
      end
    end
  end
  local way = {}
  while from ~= to do
    from = came[from]
    way[#way + 1] = from
  end
  return way
end

-- A generator that takes its time: the pause is the villager's and not the
-- loop's, which never sees it.
local function steps(way)
  return coroutine.wrap(function()
    for _, place in ipairs(way) do
      local at = map.places[place]
      coroutine.yield(at[1] + self.lane, at[2] + self.lane)
      wait(random(3) * 0.1)
    end
  end)
end

-- A seat for as long as the variable lives, and no longer: also where the
-- script is closed while the villager sits.
local function takeseat()
  for seat = 1, 5 do
    if not map.bench[seat] then
      map.bench[seat] = self.name
      return seat, setmetatable({}, {__close = function()
        map.bench[seat] = nil
        note("leaves seat " .. seat)
      end})
    end
  end
end

local function rest()
  local seat, _ <close> = takeseat()
  if seat then
    walk_to(546 + seat * 18, 404)
    wait(4 + random(4))
  end
end

-- What a merchant asks is answered at the next crossing.
local function answer()
  local question = map.asked[self.name]
  if question then
    local better = question.first.worth > question.second.worth and question.first or question.second
    say(better.name .. "!")
    question.answer = better
    map.asked[self.name] = nil
  end
end

local function go(goal)
  for x, y in steps(route(self.home, goal)) do
    walk_to(x, y)
    answer()
  end
  self.home = goal
end

while true do
  if random(8) == 1 then
    go "south"
    rest()
  else
    go(map.stops[random(#map.stops)])
  end
  if random(3) == 1 then
    say(chat[random(#chat)])
  end
  wait(random(20) * 0.1)
end
