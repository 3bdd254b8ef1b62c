-- xml.lua: a plain loop over the events of a parser that calls back
-- usage: make examples && eval "$(make -s env)" && lua5.4 spec/examples/xml.lua

local cfiber = require "cfiber"
local xml = require "xml"

local shelf = [[
<shelf>
  <book isbn="978-8590379867">Programming in Lua</book>
  <book isbn="978-0131103627">The C Programming Language</book>
  <lamp/>
</shelf>]]

for kind, name, attributes in xml.events(shelf) do
  if kind == "start" then
    print("start", name, attributes.isbn)
  end
end

-- The body of a loop may go on with the same iterator: here it reads what is
-- inside an element. And it may leave in the middle: the parser is freed.
local events, _, _, guard = xml.events(shelf)
for kind, name in events, nil, nil, guard do
  if kind == "start" and name == "book" then
    local _, title = events()
    print("the first book", title)
    break
  end
end

-- The other way round: the text comes piece by piece from whoever resumes.
local feed = cfiber.wrap(function()
  for kind, name in xml.events(cfiber.yield) do
    print("piece", kind, name)
  end
end)
feed()
feed "<a><b"
feed "/>te"
feed "xt</a>"
feed(nil)
