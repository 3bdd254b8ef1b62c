-- csrc had a header of the name of a system header, <unwind.h>: who compiled
-- with -Icsrc got the one in place of the other.

local child = require "child"

describe("With -Icsrc, #include <...>", function()
  it("finds no header of csrc in the place of one of the system", function()
    local r = child.shell [[
      for h in csrc/*.h; do
        if echo "#include <${h#csrc/}>" | ${CC:-cc} -E - >/dev/null 2>&1; then
          echo "$h"
        fi
      done]]
    assert.equal("", r.output)
  end)
end)
