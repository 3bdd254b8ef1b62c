std = "lua54"
files["spec"] = {std = "lua54+busted"}
files["spec/run.lua"] = {globals = {"arg"}}
files["spec/library/programs"] = {globals = {"coroutine", "os"}}
files["spec/examples/game/scripts"] = {
  globals = {"self"},
  read_globals = {
    "walk_to", "say", "wait", "pick", "position", "random", "now", "note", "spawn", "meadow", "road", "square",
    "pond", "tree", "house", "stall", "bench", "tower",
  },
}
max_line_length = 130
files["lua/cfiber/**/types.lua"] = {unused_args = false, ignore = {"241"}}
