-- 094: an error in a group whose owner has ended, without closing it, went to
-- nobody.

local helper = require "helper"
local new = require("cfiber.task").new

it("The error of a group is reported where its owner has ended", function()
  helper.leakless(function()
    local S, errors, g = new(), {}, nil
    S.on_error = function(err)
      errors[#errors + 1] = err
    end
    S.spawn(function() g = S.group() end)
    g:spawn(error, "lost", 0)
    assert.same({"lost"}, errors)
  end)
end)
