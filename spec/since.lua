-- since.lua: tests of what Lua does since a release
--
--   local handler_it = since("5.4.3", "calls a handler again that did not return")
--   handler_it("may exit", function() ... end)

local busted = require "busted"
local child = require "child"

local pending = require "busted.core"().pending  -- skips the test that runs

--- Returns 'it' for tests that wait for a release: an earlier one leaves them
-- out and says what it does.
return function(release, otherwise)
  local met = child.release() >= release
  return function(name, body)
    busted.it(name, met and body or function()
      pending(("Lua before %s %s"):format(release, otherwise))
    end)
  end
end
