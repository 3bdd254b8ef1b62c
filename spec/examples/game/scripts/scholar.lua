-- scholar.lua: a script with an error, deep inside a C function

local title <const> = "on walking while reading"

say("a good book...")
local x, y = position()

-- Reads word by word and walks on at each: gsub waits.
local function study(text)
  return text:gsub("%a+", function(word)
    x = x + 13
    walk_to(x, y)
    if word == "reading" then
      return word .. self.notes.page
    end
  end)
end

study(title)
