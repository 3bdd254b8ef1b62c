-- unwinding.lua: does C++ get past the functions of the Lua that runs this?

--- Not where they have no unwind tables: compiled as C for 32-bit ARM they mostly have
-- none. Without the module in C++ nobody knows: yes.
return function()
  local found, cxx = pcall(require, "cxx")
  return not found or select(2, pcall(cxx.frames)) > cxx.frames()
end
