-- village.lua: draws the village and calls its inhabitants
--
-- The first actor runs this script; nobody sees it. When it starts anew, those
-- who are there stay.

-- Crossings by name, and the roads between them.
local places <const> = {
  north = {600, 232}, east = {705, 330}, south = {600, 432}, west = {495, 330},
  hill = {600, 132}, gate = {600, 40}, mill = {372, 160}, bakery = {330, 342},
  smithy = {300, 500}, meadow = {70, 372}, chapel = {858, 150}, school = {850, 322},
  garden = {820, 502}, fields = {1065, 300}, bridge = {600, 540}, river = {600, 615},
}

local roads <const> = {
  "north-hill", "hill-gate", "east-school", "school-fields", "south-bridge", "bridge-river", "west-bakery",
  "bakery-meadow", "hill-mill", "mill-bakery", "bakery-smithy", "smithy-bridge", "hill-chapel", "chapel-school",
  "school-garden", "garden-bridge", "north-east", "east-south", "south-west", "west-north",
}

-- For each place the places next to it, in a fixed order.
local function neighbours()
  local next = {}
  for name in pairs(places) do
    next[name] = {}
  end
  for _, way in ipairs(roads) do
    local from, to = way:match "(%l+)-(%l+)"
    table.insert(next[from], to)
    table.insert(next[to], from)
  end
  return next
end

local function draw()
  meadow()
  for i = 1, 16 do
    local from, to = roads[i]:match "(%l+)-(%l+)"
    road {places[from][1], places[from][2], places[to][1], places[to][2]}
  end
  square(600, 330, 108)
  bench(600, 404, 112)
  pond(1000, 520, 104, 66)
  tower(646, 78)
  for _, h in ipairs {
    {440, 112, 0xC75D4D}, {700, 190, 0xB5543F}, {770, 108, 0x5B7DA8}, {960, 132, 0xC9803D}, {775, 280, 0x8C5A99},
    {975, 278, 0x5B7DA8}, {1050, 400, 0xC75D4D}, {720, 470, 0xC9803D}, {376, 490, 0x5B7DA8}, {200, 332, 0xC75D4D},
    {165, 484, 0xB5543F}, {470, 232, 0x8C5A99}, {526, 623, 0xC75D4D}, {700, 620, 0x5B7DA8},
  } do
    house(h[1], h[2], h[3])
  end
  stall(400, 308, 0xD9534F)
  stall(440, 414, 0x4F8FD9)
  stall(254, 436, 0x4FA86B)
  for _, t in ipairs {
    {310, 80, 0.9}, {345, 58, 1.1}, {520, 62, 1}, {838, 62, 1}, {880, 76, 0.8}, {1045, 84, 1.1}, {1088, 108, 0.9},
    {1010, 190, 0.8}, {1092, 220, 1}, {640, 195, 0.7}, {62, 330, 1}, {105, 318, 0.8}, {36, 430, 1}, {82, 455, 1.2},
    {120, 520, 0.9}, {60, 545, 1}, {262, 580, 0.9}, {330, 590, 1.1}, {545, 490, 0.8}, {520, 470, 0.7}, {900, 420, 0.9},
    {880, 612, 1}, {830, 590, 0.8}, {760, 560, 0.9}, {1095, 620, 1.1}, {1000, 340, 0.7}, {400, 240, 0.8}, {960, 30, 0.7},
    {720, 60, 0.8},
  } do
    tree(t[1], t[2], t[3])
  end
end

local colours <const> = {
  0xE4574D, 0x3F88C5, 0xF2A33A, 0x5FAD56, 0x9B5DE5, 0xF15BB5, 0x00A6A6, 0xC97C5D, 0x6C7FD8, 0xD9B23C,
}

local names <const> = {
  "Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jana", "Kim", "Leo", "Mia", "Nils", "Olga", "Pia",
  "Quin", "Rosa", "Sven", "Tara",
}

local stops <const> = {
  "hill", "gate", "mill", "bakery", "smithy", "meadow", "chapel", "school", "garden", "fields", "bridge", "river",
}

-- What all villagers share: it outlives a new start of their scripts.
local map <const> = {places = places, next = neighbours(), stops = stops, bench = {}, asked = {}}

local function person(i)
  local home = stops[i % #stops + 1]
  spawn {
    name = names[i % #names + 1] .. (i // #names > 0 and i // #names + 1 or ""), script = "villager", look = "person",
    colour = colours[i % #colours + 1], speed = 34 + i * 7 % 23, x = places[home][1] + i * 5 % 17 - 8,
    y = places[home][2] + i * 11 % 17 - 8, map = map, home = home, lane = i * 7 % 19 - 9,
  }
end

draw()
spawn {name = "guard", script = "guard", look = "guard", colour = 0x4A6FA5, x = 575, y = 150}
spawn {name = "scholar", script = "scholar", look = "scholar", colour = 0x6B4E9B, x = 862, y = 206}
for i, m in ipairs {{"Otto", 440, 322}, {"Mira", 486, 410}, {"Ines", 300, 432}} do
  spawn {
    name = m[1], script = "merchant", look = "merchant", colour = colours[i * 3], x = m[2], y = m[3], map = map,
    speed = 70,
  }
end
for i = 1, 8 do
  spawn {name = "child" .. i, script = "child", look = "child", colour = colours[i], x = 600 + 78, y = 330, turn = i / 8,
    speed = 62}
end
for i = 1, 6 do
  spawn {name = "duck" .. i, script = "duck", look = "duck", colour = i % 3 == 0 and 0x3E8E5A or 0xFBFBF5, x = 1000,
    y = 520, turn = i / 6, speed = 16}
end
for i = 0, 85 do
  person(i)
end
