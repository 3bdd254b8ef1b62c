# cfiberConfig.cmake: find_package(cfiber) defines
#
#   cfiber::headers   for modules: where cfiber.h is, nothing to link
#   cfiber::cfiber    for programs that link Lua: the same and libcfiber.a,
#                     to be named before Lua's library
#
# Where lua.h is says Lua's own package: find_package(Lua).

get_filename_component(cfiber_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." REALPATH)

if(NOT TARGET cfiber::headers)
  add_library(cfiber::headers INTERFACE IMPORTED)
  set_target_properties(cfiber::headers PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${cfiber_prefix}/include")

  add_library(cfiber::cfiber STATIC IMPORTED)
  set_target_properties(cfiber::cfiber PROPERTIES
    IMPORTED_LOCATION "${cfiber_prefix}/lib/libcfiber.a"
    INTERFACE_LINK_LIBRARIES "cfiber::headers;-pthread")
endif()

unset(cfiber_prefix)
