-- merchant.lua: sorts the goods by asking people
--
-- The comparator of 'table.sort' looks for somebody near, walks there, asks
-- and waits for the answer, while sort, a C function, waits below it.

local map <const> = self.map
local x0 <const>, y0 <const> = position()

self.goods = self.goods or {
  {name = "apples", worth = 3}, {name = "bread", worth = 5}, {name = "cheese", worth = 4}, {name = "dates", worth = 1},
  {name = "eggs", worth = 2},
}

-- The crossing that is nearest, looked for at leisure.
local function nearest(list)
  return pick(list, function(a, b)
    wait(0.05)
    local p, q = map.places[a], map.places[b]
    return (p[1] - x0) ^ 2 + (p[2] - y0) ^ 2 < (q[1] - x0) ^ 2 + (q[2] - y0) ^ 2
  end)
end

local people <const> = {"Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana"}

-- Asks somebody which is better; decides alone when nobody answers.
local function ask(a, b)
  local question = {first = a, second = b}
  map.asked[people[random(#people)]] = question
  say(a.name .. " or " .. b.name .. "?")
  for _ = 1, 30 do
    if question.answer then
      return question.answer == a
    end
    wait(0.1)
  end
  return a.worth > b.worth
end

while true do
  local spot = map.places[nearest {"west", "bakery", "smithy", "meadow"}]
  for i = #self.goods, 2, -1 do
    local j = random(i)
    self.goods[i], self.goods[j] = self.goods[j], self.goods[i]
  end
  walk_to((x0 + spot[1]) / 2, (y0 + spot[2]) / 2)
  table.sort(self.goods, ask)
  walk_to(x0, y0)
  say("best: " .. self.goods[1].name)
  wait(random(3))
end
