std = "lua54"
files["spec"] = {std = "lua54+busted"}
files["spec/run.lua"] = {globals = {"arg"}}
max_line_length = 130
