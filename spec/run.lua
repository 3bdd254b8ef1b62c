-- run.lua: runs the specs with busted, whatever wrapper the system has for it
-- usage: CFIBER_SPEC_MODE=plain|compact|collector lua spec/run.lua [busted's arguments]

package.path = "./spec/?.lua;" .. package.path
if #arg == 0 then
  arg[1] = "spec"
end
table.insert(arg, 1, "--pattern=_spec")
table.insert(arg, 1, "--output=plainTerminal")
require "busted.runner" {standalone = false}
